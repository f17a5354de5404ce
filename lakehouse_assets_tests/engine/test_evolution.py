"""A lake's table follows a source whose table changes: no value is lost, none is read as another type, none is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from lakehouse_assets.catalog.drift import Change
from lakehouse_assets.catalog.model import Drift
from lakehouse_assets.catalog.rules import AmountRule
from lakehouse_assets.catalog.shape import SourceColumn, SourceShape
from lakehouse_assets.engine import deltalog, evolution, shape, transformed
from lakehouse_assets.engine.positions import folded, newest_cut
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import differing, rebuild
from lakehouse_assets.errors import EXIT_DATA, LakehouseError
from lakehouse_assets_tests.catalog.shapes import declared, with_columns
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from lakehouse_assets.catalog import Table

TABLE = table_of("pedidos", ("id",), id="integer", nota="text", valor="numeric(5,2)")
SOURCE = declared(TABLE)


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path)


def put(position: int, key: int, **after: Any) -> Event:
    return Event(position, "insert", json.dumps({"id": key}), {"id": key, **after}, 100 + position, 7 + position)


def fold(
    lab: Lab, *events: Event, source: SourceShape | None = SOURCE, table: Table = TABLE
) -> dict[int, dict[str, Any]]:
    """Land the events, let the table follow the source, fold; the rows by key, without the fold's own columns."""
    cut = lab.land({table.name: list(events)}) if events else newest_cut(lab.paths)
    wanted = evolution.evolved(lab.spark, table, lab.paths, source)
    transformed.fold(lab.spark, wanted, lab.paths, cut)
    return {row["id"]: {n: v for n, v in row.items() if n[0] != "_" and n != "id"} for row in lab.rows(wanted)}


def left(lab: Lab, source: SourceShape, table: Table = TABLE) -> list[tuple[Change, str, int]]:
    """The differences that the lake has not followed."""
    return [(d.change, d.column, d.rows) for d in evolution.differences(table, lab.paths, source) if not d.settled]


def quarantined(lab: Lab) -> list[tuple[str, str, str]]:
    if not lab.paths.quarantine.exists():
        return []
    rows = DeltaTable(str(lab.paths.quarantine)).to_pyarrow_table().to_pylist()
    return sorted((r["key"], r["column_name"], r["raw"]) for r in rows if r["resolved_position"] is None)


def test_an_added_column_is_null_before_and_has_its_values_after(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a", valor="1.00"))
    source = with_columns(SOURCE, cor="varchar(9)", dia="date")
    rows = fold(lab, put(1, 2, nota="b", valor="2.00", cor="azul", dia=19724), source=source)
    assert rows[1] == {"nota": "a", "valor": Decimal("1.00"), "cor": None, "dia": None}
    assert (rows[2]["cor"], rows[2]["dia"].isoformat()) == ("azul", "2024-01-02")
    assert left(lab, source) == []
    assert differing(lab.spark, TABLE, lab.paths) == 0


@pytest.mark.parametrize("folded_before", [False, True])
def test_a_column_added_under_a_name_that_files_cannot_hold(lab: Lab, folded_before: bool) -> None:
    fold(lab, put(0, 1, nota="a", valor="1.00"))
    source = with_columns(SOURCE, **{"cor da porta": "text"})
    fold(lab, put(1, 2, **{"cor da porta": "azul"}), source=None if folded_before else source)
    fold(lab, source=source)
    with open_lake(lab.paths) as reader:
        rows = reader.query('SELECT id, nota, "cor da porta" FROM transformed.pedidos ORDER BY id').rows
    assert rows == [(1, "a", None), (2, None, "azul")]


def test_a_column_that_changes_folded_before_had_is_filled_from_raw(lab: Lab) -> None:
    """The source was away while they were folded, or the policy was to freeze."""
    fold(lab, put(0, 1, nota="a", valor="1.00", cor="azul"), put(1, 2, nota="b", valor="2.00"), source=None)
    source = with_columns(SOURCE, cor="text")
    position = folded(lab.paths, TABLE.name).applied
    rows = fold(lab, source=source)
    assert (rows[1]["cor"], rows[2]["cor"]) == ("azul", None)
    assert folded(lab.paths, TABLE.name).applied == position


def test_the_shape_stays_while_the_source_is_away_and_through_a_rebuild(lab: Lab) -> None:
    fold(lab, put(0, 1, cor="azul"), source=with_columns(SOURCE, cor="text"))
    assert fold(lab, put(1, 2, cor="verde"), source=None)[2]["cor"] == "verde"
    rebuild(lab.spark, TABLE, lab.paths)
    assert {r["id"]: r["cor"] for r in lab.rows(TABLE)} == {1: "azul", 2: "verde"}


def test_nothing_is_written_when_nothing_differs(lab: Lab) -> None:
    source = with_columns(SOURCE, cor="text", nota=None)
    fold(lab, put(0, 1, cor="azul"), source=source)
    fold(lab, source=source)
    version = lab.version(TABLE)
    fold(lab, source=source)
    assert lab.version(TABLE) == version


def test_a_value_that_the_source_filled_in_waits_for_its_rows_to_come_again(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a"), put(1, 2, nota="b"))
    source = replace(SOURCE, columns=(*SOURCE.columns, SourceColumn("cor", "text", filled=True)), lsn=103)
    # The first of these was changed before the column came, and read after it was seen.
    rows = fold(lab, put(2, 3, nota="c"), put(4, 4, nota="d", cor="azul"), source=source)
    assert [rows[k]["cor"] for k in (1, 2, 3, 4)] == [None, None, None, "azul"]
    assert left(lab, source) == [(Change.AWAITED, "cor", 3)]
    fold(lab, *(put(4 + k, k, nota="n", cor="azul") for k in (1, 2, 3)), source=source)
    assert left(lab, source) == []
    fold(lab, source=source)
    assert shape.built(TABLE, lab.paths).columns["cor"].awaits is None


def test_a_column_that_was_always_there_waits_for_nothing(lab: Lab) -> None:
    fold(lab, put(0, 1, cor="azul"), put(1, 2, cor=None), source=None)
    source = replace(SOURCE, columns=(*SOURCE.columns, SourceColumn("cor", "text", filled=True)), lsn=200)
    assert fold(lab, source=source)[1]["cor"] == "azul"
    assert left(lab, source) == []


def test_a_dropped_column_is_null_from_then_on_and_marked(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a", valor="1.00"), put(1, 2, nota="b", valor="2.00"))
    source = with_columns(SOURCE, nota=None)
    rows = fold(lab, put(2, 1, valor="3.00"), source=source)
    assert (rows[1]["nota"], rows[2]["nota"], rows[1]["valor"]) == (None, "b", Decimal("3.00"))
    comments = {
        f.name: f.metadata.get("comment") for f in DeltaTable(str(lab.paths.transformed("pedidos"))).schema().fields
    }
    assert (comments["nota"], comments["valor"]) == ("text; dropped at the source", "numeric(5,2)")
    assert left(lab, source) == []
    # It comes back: its rows have what the source has now, and no event told of it.
    fold(lab, put(3, 3, nota="c", valor="1.00"))
    assert left(lab, SOURCE) == [(Change.AWAITED, "nota", 2)]


def test_a_type_that_grew_holds_what_it_could_not_before(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a", valor="1.00"))
    # The source was away when it grew: the value is in quarantine until it is seen.
    rows = fold(lab, put(1, 2, nota="b", valor="12345.678"), source=None)
    assert rows[2]["valor"] is None
    assert quarantined(lab) == [('{"id":2}', "valor", "12345.678")]
    source = with_columns(SOURCE, id="bigint", valor="numeric(9,3)")
    rows = fold(lab, put(2, 9_000_000_000, valor="3.000"), source=source)
    assert [rows[k]["valor"] for k in (1, 2, 9_000_000_000)] == [
        Decimal("1.000"),
        Decimal("12345.678"),
        Decimal("3.000"),
    ]
    assert quarantined(lab) == []
    assert left(lab, source) == []
    assert differing(lab.spark, TABLE, lab.paths) == 0


def test_a_text_that_grew_is_not_folded_anew(lab: Lab) -> None:
    narrow = replace(
        TABLE,
        columns=(
            TABLE.columns[0],
            replace(TABLE.column("nota"), type=table_of("x", ("c",), c="varchar(3)").columns[0].type),
            TABLE.columns[2],
        ),
    )
    fold(lab, put(0, 1, nota="abc"), table=narrow, source=declared(narrow))
    data = DeltaTable(str(lab.paths.transformed("pedidos"))).file_uris()
    fold(lab, table=narrow)
    assert DeltaTable(str(lab.paths.transformed("pedidos"))).file_uris() == data
    assert shape.known(narrow, lab.paths).column("nota").type.text == "text"


def test_a_column_of_another_type_is_quarantined_and_never_misread(lab: Lab) -> None:
    """19724 is a date's message, and a good number; the day it stands for is not."""
    fold(lab, put(0, 1, nota="a", valor="1.00"))
    source = replace(with_columns(SOURCE, valor="date", nota="bytea"), lsn=100)
    rows = fold(lab, put(1, 2, nota="YQ==", valor=194), put(2, 3, nota=None, valor=None), source=source)
    assert (rows[2], rows[3]) == ({"nota": None, "valor": None},) * 2
    assert rows[1] == {"nota": "a", "valor": Decimal("1.00")}
    assert quarantined(lab) == [('{"id":2}', "nota", "YQ=="), ('{"id":2}', "valor", "194")]
    assert [d[:2] for d in left(lab, source)] == [
        (Change.AWAITED, "nota"), (Change.AWAITED, "valor"), (Change.RETYPED, "nota"), (Change.RETYPED, "valor"),
    ]  # fmt: skip
    # The source takes it back: what came meanwhile is read again.
    assert fold(lab)[2] == {"nota": "YQ==", "valor": Decimal("194.00")}
    assert quarantined(lab) == []


def test_a_corrected_catalog_reads_the_column_anew_when_a_person_rebuilds(lab: Lab) -> None:
    fold(lab, put(0, 1, valor="1.00"))
    source = with_columns(SOURCE, valor="date")
    fold(lab, put(1, 2, valor=19724), source=source)
    corrected = replace(
        TABLE,
        columns=(*TABLE.columns[:2], replace(TABLE.columns[2], type=table_of("x", ("c",), c="date").columns[0].type)),
    )
    with pytest.raises(LakehouseError, match="valor by other rules"):
        fold(lab, source=source, table=corrected)
    rebuild(lab.spark, corrected, lab.paths)
    rows = fold(lab, source=source, table=corrected)
    assert (rows[1]["valor"], rows[2]["valor"].isoformat()) == (None, "2024-01-02")
    # The row from before has the date that the source made of it, and no event told of it.
    assert left(lab, source, corrected) == [(Change.AWAITED, "valor", 1)]


def test_a_ruled_text_of_another_type_keeps_its_text_beside_it(lab: Lab) -> None:
    ruled = replace(
        TABLE, columns=tuple(replace(c, rule=AmountRule()) if c.name == "nota" else c for c in TABLE.columns)
    )
    fold(lab, put(0, 1, nota="1,50"), table=ruled)
    source = with_columns(SOURCE, nota="integer")
    row = fold(lab, put(1, 2, nota=7), table=ruled, source=source)[2]
    assert (row["nota"], row["nota__raw"], row["nota__status"]) == (None, "7", "invalid")
    assert quarantined(lab) == [('{"id":2}', "nota", "7")]


def test_a_frozen_table_keeps_its_columns(lab: Lab) -> None:
    frozen = replace(TABLE, drift=Drift.FREEZE)
    fold(lab, put(0, 1, nota="a", valor="1.00"), table=frozen)
    source = with_columns(SOURCE, cor="text", valor="numeric(9,2)")
    rows = fold(lab, put(1, 2, nota="b", valor="12345.00", cor="azul"), table=frozen, source=source)
    assert rows[2] == {"nota": "b", "valor": None}
    assert left(lab, source, frozen) == [(Change.WIDENED, "valor", 0), (Change.ADDED, "cor", 0)]
    # When it may evolve, nothing of what came meanwhile is missing.
    assert fold(lab, source=source)[2] == {"nota": "b", "valor": Decimal("12345.00"), "cor": "azul"}


@pytest.mark.parametrize(
    ("table", "source", "words"),
    [
        (
            TABLE,
            replace(SOURCE, key=("id", "nota")),
            r"primary key is \(id, nota\) in the source, \(id\) in the catalog",
        ),
        (replace(TABLE, drift=Drift.FAIL), with_columns(SOURCE, cor="text"), r"cor \(text\) is in the source, not in"),
        (replace(TABLE, drift=Drift.FAIL), SourceShape((), ()), "does not exist in the source"),
    ],
)
def test_a_table_that_must_stop_folds_nothing_and_says_why(
    lab: Lab, table: Table, source: SourceShape, words: str
) -> None:
    fold(lab, put(0, 1, nota="a"), table=table)
    version = lab.version(table)
    with pytest.raises(LakehouseError, match=words) as raised:
        fold(lab, put(1, 2, nota="b"), table=table, source=source)
    assert (raised.value.exit_code, raised.value.where) == (EXIT_DATA, "transformed.pedidos")
    assert raised.value.next_step
    assert lab.version(table) == version


def test_a_key_that_the_catalog_has_too_tells_the_rows_apart_from_then_on(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a", valor="1.00"), put(1, 2, nota="b", valor="2.00"))
    keyed, source = replace(TABLE, key=("id", "nota")), replace(SOURCE, key=("id", "nota"))
    events = [
        Event(position, op, json.dumps({"id": 1, "nota": nota}), after, 100 + position, 7 + position)
        for position, op, nota, after in (
            (2, "insert", "x", {"id": 1, "nota": "x", "valor": "3.00"}),
            (3, "update", "a", {"id": 1, "nota": "a", "valor": "4.00"}),
        )
    ]
    fold(lab, *events, table=keyed, source=source)
    assert sorted((r["id"], r["nota"], str(r["valor"])) for r in lab.rows(keyed)) == [
        (1, "a", "4.00"), (1, "x", "3.00"), (2, "b", "2.00"),
    ]  # fmt: skip
    assert left(lab, source, keyed) == [(Change.AWAITED, "id", 1), (Change.AWAITED, "nota", 1)]


def test_an_empty_lake_table_takes_the_sources_shape(lab: Lab) -> None:
    fold(lab)
    source = with_columns(SOURCE, id="bigint", cor="text")
    fold(lab, source=source)
    assert fold(lab, put(0, 9_000_000_000, cor="azul"), source=source)[9_000_000_000]["cor"] == "azul"


def test_a_table_built_before_shapes_were_kept_is_built_as_the_catalog_says(lab: Lab) -> None:
    fold(lab, put(0, 1, nota="a"))
    path = lab.paths.transformed("pedidos")
    lab.spark.sql(f"ALTER TABLE delta.`{path}` UNSET TBLPROPERTIES ('{shape.SHAPE}')")
    assert fold(lab, put(1, 2, nota="b"))[2]["nota"] == "b"
    assert shape.SHAPE in deltalog.properties(path)
