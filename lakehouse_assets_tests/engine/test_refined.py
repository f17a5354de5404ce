"""A business table is recomputed whole, replaced in one commit, and says what it was computed from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable, load_refined
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import rebuild
from lakehouse_assets.engine.refined import Computed, compute, is_behind, last_note, statement_id
from lakehouse_assets_tests.changelog.histories import TABLE, key_of, table_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OTHER = table_of("u", ("k",), k="integer", v="integer", big="text", s="text")
HEADER = "-- description: Something.\n-- owner: a\n-- grain: v\n"
BY_V = "SELECT v, count(*) AS n FROM transformed.t GROUP BY v"


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path / "lake")


def business(folder: Path, given: dict[str, object] | None = None, **files: str) -> dict[str, RefinedTable]:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(HEADER + text, encoding="utf-8")
    catalog = Catalog("test", "test", "test", (TABLE, OTHER), parameters=given or {})
    return {t.name: t for t in load_refined(folder, catalog)}


def insert(position: int, k: int, v: int) -> Event:
    return Event(position, "insert", key_of(k), {"k": k, "v": v, "big": None, "s": None}, position, position)


def rows(paths: LakePaths, name: str) -> list[tuple[Any, ...]]:
    with open_lake(paths) as reader:
        return reader.query(f"SELECT * FROM refined.{name} ORDER BY ALL").rows


def test_a_table_is_computed_and_notes_the_positions_it_rests_on(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V)
    lab.land({"t": [insert(0, 1, 5), insert(1, 2, 5), insert(2, 3, 6)]})
    lab.fold(TABLE)
    assert is_behind(tables["by_v"], tables, lab.paths)
    assert compute(lab.spark, tables["by_v"], tables, lab.paths) == Computed(rows=2, inputs={"t": 2})
    assert rows(lab.paths, "by_v") == [(5, 2), (6, 1)]
    assert last_note(lab.paths, "by_v")["inputs"] == {"t": 2}
    assert not is_behind(tables["by_v"], tables, lab.paths)


def test_a_table_is_behind_after_a_fold_until_it_is_computed_again(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V)
    lab.land({"t": [insert(0, 1, 5)]})
    lab.fold(TABLE)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    lab.land({"t": [insert(1, 2, 7)]})
    assert not is_behind(tables["by_v"], tables, lab.paths), "what is only in raw cannot be computed yet"
    lab.fold(TABLE)
    assert is_behind(tables["by_v"], tables, lab.paths)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    assert not is_behind(tables["by_v"], tables, lab.paths)
    assert rows(lab.paths, "by_v") == [(5, 1), (7, 1)]


def test_a_table_without_rows_that_is_computed_again_is_not_behind(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", big="SELECT v FROM transformed.t WHERE v > 100")
    for position in range(2):
        lab.land({"t": [insert(position, position, 5)]})
        lab.fold(TABLE)
        assert is_behind(tables["big"], tables, lab.paths)
        assert compute(lab.spark, tables["big"], tables, lab.paths).rows == 0
        assert not is_behind(tables["big"], tables, lab.paths)


def test_a_table_is_behind_after_an_input_was_rebuilt_and_so_is_what_rests_on_it(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V, over="SELECT max(n) AS v FROM refined.by_v")
    lab.land({"t": [insert(0, 1, 5), insert(1, 2, 5)]})
    lab.fold(TABLE)
    DeltaTable(str(lab.paths.transformed("t"))).delete("k = 1")
    for name in ("by_v", "over"):
        compute(lab.spark, tables[name], tables, lab.paths)
    rebuild(lab.spark, TABLE, lab.paths)
    assert is_behind(tables["by_v"], tables, lab.paths)
    compute(lab.spark, tables["over"], tables, lab.paths)
    assert is_behind(tables["over"], tables, lab.paths), "its input was not computed again"
    for name in ("by_v", "over"):
        compute(lab.spark, tables[name], tables, lab.paths)
        assert not is_behind(tables[name], tables, lab.paths)
    assert rows(lab.paths, "over") == [(2,)]


def test_an_edited_file_is_behind_and_its_table_gets_the_new_columns(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V)
    lab.land({"t": [insert(0, 1, 5)]})
    lab.fold(TABLE)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    commented = business(tmp_path / "sql", by_v="-- another word\n" + BY_V)
    assert not is_behind(commented["by_v"], commented, lab.paths)
    edited = business(tmp_path / "sql", by_v="SELECT v, sum(k) AS soma, 'x' AS nota FROM transformed.t GROUP BY v")
    assert is_behind(edited["by_v"], edited, lab.paths)
    compute(lab.spark, edited["by_v"], edited, lab.paths)
    assert not is_behind(edited["by_v"], edited, lab.paths)
    assert rows(lab.paths, "by_v") == [(5, 1, "x")]


def test_a_computation_that_fails_leaves_the_table_as_it_was(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V)
    lab.land({"t": [insert(0, 1, 5)]})
    lab.fold(TABLE)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    version = DeltaTable(str(lab.paths.refined("by_v"))).version()
    broken = business(tmp_path / "sql", by_v="SELECT v, CAST(concat('x', k) AS INT) AS n FROM transformed.t")
    with pytest.raises((Py4JJavaError, PySparkException), match="CAST_INVALID_INPUT"):
        compute(lab.spark, broken["by_v"], broken, lab.paths)
    assert DeltaTable(str(lab.paths.refined("by_v"))).version() == version
    assert rows(lab.paths, "by_v") == [(5, 1)]


def test_a_table_over_a_business_table_is_as_old_as_that_one(lab: Lab, tmp_path: Path) -> None:
    tables = business(tmp_path / "sql", by_v=BY_V, over="SELECT max(n) AS v FROM refined.by_v")
    lab.land({"t": [insert(0, 1, 5), insert(1, 2, 5)]})
    lab.fold(TABLE)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    lab.land({"t": [insert(2, 3, 5)]})
    lab.fold(TABLE)
    # Its input was not computed again, so neither knows of position 2.
    assert compute(lab.spark, tables["over"], tables, lab.paths).inputs == {"t": 1}
    assert is_behind(tables["over"], tables, lab.paths)
    for name in ("by_v", "over"):
        compute(lab.spark, tables[name], tables, lab.paths)
    assert not is_behind(tables["over"], tables, lab.paths)
    assert rows(lab.paths, "over") == [(3,)]


def test_what_an_input_was_once_computed_from_and_no_longer_reads_is_no_source(lab: Lab, tmp_path: Path) -> None:
    both = "SELECT t.v, count(*) AS n FROM transformed.t JOIN transformed.u ON u.k = t.k GROUP BY t.v"
    tables = business(tmp_path / "sql", by_v=both, over="SELECT max(n) AS v FROM refined.by_v")
    lab.land({"t": [insert(0, 1, 5)], "u": [insert(0, 1, 5)]})
    for table in (TABLE, OTHER):
        lab.fold(table)
    compute(lab.spark, tables["by_v"], tables, lab.paths)
    edited = business(tmp_path / "sql", by_v=BY_V)
    assert compute(lab.spark, edited["over"], edited, lab.paths) == Computed(rows=1, inputs={"t": 0})


def test_a_statement_is_another_one_when_a_parameters_value_is(tmp_path: Path) -> None:
    text = "-- param least: integer = 5\nSELECT v FROM transformed.t WHERE v >= :least"
    kept = business(tmp_path / "sql", by_v=text)["by_v"]
    same, other = (business(tmp_path / "sql", given={"least": n}, by_v=text)["by_v"] for n in (5, 6))
    assert statement_id(kept) == statement_id(same) != statement_id(other)
