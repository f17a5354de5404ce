"""A business table is recomputed whole, replaced in one commit, and says what it was computed from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.refined import RefinedTable, load_refined
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.rebuild import rebuild
from lakehouse_assets.engine.refined import Computed, compute, is_behind, last_note, statement_id
from lakehouse_assets_tests.changelog.histories import TABLE, key_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).parents[2]
HEADER = "-- description: Something.\n-- owner: a\n-- grain: v\n"
BY_V = "SELECT v, count(*) AS n FROM transformed.t GROUP BY v"


@pytest.fixture
def lab(spark: SparkSession, tmp_path: Path) -> Lab:
    return Lab(spark, tmp_path / "lake")


def business(folder: Path, given: dict[str, object] | None = None, **files: str) -> dict[str, RefinedTable]:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(HEADER + text, encoding="utf-8")
    return {t.name: t for t in load_refined(folder, Catalog("test", "test", "test", (TABLE,), parameters=given or {}))}


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


def test_a_statement_is_another_one_when_a_parameters_value_is(tmp_path: Path) -> None:
    text = "-- param least: integer = 5\nSELECT v FROM transformed.t WHERE v >= :least"
    kept = business(tmp_path / "sql", by_v=text)["by_v"]
    same, other = (business(tmp_path / "sql", given={"least": n}, by_v=text)["by_v"] for n in (5, 6))
    assert statement_id(kept) == statement_id(same) != statement_id(other)


def money(*values: str | None, precision: int = 15) -> pa.Array:
    return pa.array([value and Decimal(value) for value in values], pa.decimal128(precision, 2))


def number(*values: int) -> pa.Array:
    return pa.array(values, pa.int32())


def day(*values: str | None) -> pa.Array:
    return pa.array([value and date.fromisoformat(value) for value in values], pa.date32())


# Property 1 owes a boleto of 23 days; 2 owes one whose valor cannot be read and paid one late; of 3, one has no due
# date, one was paid nobody knows when, both of an unknown payer, and one was paid with a fine that cannot be read.
BOLETOS = {
    "boleto_id": number(1, 2, 3, 4, 5, 6, 7),
    "imovel_id": number(1, 1, 2, 2, 3, 3, 3),
    "data_vencimento": day("2026-01-10", "2026-02-10", "2025-10-10", "2026-01-15", None, "2026-02-10", "2026-01-20"),
    "data_pagamento": day("2026-01-09", None, None, "2026-03-01", None, None, "2026-03-05"),
    "data_pagamento__status": pa.array(["ok", "ok", "ok", "assumed", "ok", "invalid", "ok"]),
    "valor": money("100.10", "0.20", None, "50.00", "10.00", "20.00", "30.00", precision=18),
    "valor_multa": money(None, None, None, "1.00", None, None, None, precision=18),
    "valor_multa__status": pa.array(["ok", "ok", "ok", "ok", "ok", "ok", "ambiguous"]),
    "cpf_pagador": pa.array(["k:a", "k:a", "k:b", "k:b", None, None, "k:c"]),
}
# Resident 3 lives in condominium 1 and pays for a flat in 2; condominium 3 has nothing; resident 4 pays nothing.
SMALL_TOWN = {
    "condominios": {"condominio_id": number(1, 2, 3), "nome": pa.array(["Ipê", "Sol", "Vazio"])},
    "moradores": {"morador_id": number(1, 2, 3, 4), "condominio_id": number(1, 2, 1, 2)},
    "imoveis": {
        "imovel_id": number(1, 2, 3),
        "tipo": pa.array(["Casa", "Apartamento", "Casa"]),
        "condominio_id": number(1, 2, 2),
        "valor": money("100000.10", "200000.20", "0.05"),
    },
    "transacoes": {
        "transacao_id": number(1, 2, 3, 4, 5),
        "imovel_id": number(1, 1, 2, 3, 2),
        "morador_id": number(1, 1, 3, 2, 3),
        "data_transacao": day("2026-01-31", "2026-01-31", "2026-01-31", "2026-02-01", "2026-02-01"),
        "valor_transacao": money("0.10", "0.20", "9999999999999.99", "9999999999999.99", "1.00"),
    },
    "boletos": BOLETOS,
}
BIG, MARCH_5 = Decimal("9999999999999.99"), date(2026, 3, 5)
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "transacoes_por_condominio": [(1, 2), (2, 3)],
    "valor_total_por_morador": [(1, Decimal("0.30")), (2, BIG), (3, BIG + 1)],
    "transacoes_diarias_por_tipo": [
        (date(2026, 1, 31), "Apartamento", BIG, 1),
        (date(2026, 1, 31), "Casa", Decimal("0.30"), 2),
        (date(2026, 2, 1), "Apartamento", Decimal("1.00"), 1),
        (date(2026, 2, 1), "Casa", BIG, 1),
    ],
    "movimento_mensal_por_condominio": [
        (1, date(2026, 1, 1), 2, Decimal("0.30"), Decimal("0.15"), None),
        (2, date(2026, 1, 1), 1, BIG, BIG, None),
        (2, date(2026, 2, 1), 2, BIG + 1, Decimal("5000000000000.50"), Decimal("1.00")),
    ],
    "panorama_por_condominio": [
        (1, "Ipê", 2, 1, Decimal("100000.10"), 2, Decimal("0.30"), date(2026, 1, 31)),
        (2, "Sol", 2, 2, Decimal("200000.25"), 3, 2 * BIG + 1, date(2026, 2, 1)),
        (3, "Vazio", 0, 0, 0, 0, 0, None),
    ],
    "receita_mensal_por_condominio": [
        (1, "Ipê", date(2026, 1, 1), 1, Decimal("100.10"), 0, 0),
        (2, "Sol", date(2026, 3, 1), 2, Decimal("80.00"), Decimal("1.00"), 1),
        (2, "Sol", None, 0, 0, 0, 1),
        (3, "Vazio", None, 0, 0, 0, 0),
    ],
    "inadimplencia": [
        (1, "Ipê", 1, "k:a", MARCH_5, 2, 1, Decimal("0.20"), date(2026, 2, 10), 23, "1 a 30 dias", 0),
        (2, "Sol", 2, "k:b", MARCH_5, 2, 1, 0, date(2025, 10, 10), 146, "acima de 90 dias", 1),
        (2, "Sol", 3, "k:c", MARCH_5, 1, 0, 0, None, 0, "em dia", 0),
        (2, "Sol", 3, None, MARCH_5, 2, 0, 0, None, 0, "a conferir", 2),
    ],
}


@pytest.fixture(scope="module")
def town(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> LakePaths:
    """The lake of a small town with every business table of the repository."""
    paths = LakePaths(tmp_path_factory.mktemp("town"))
    for name, columns in SMALL_TOWN.items():
        write_deltalake(str(paths.transformed(name)), pa.table(columns))
    catalog = load_catalog(REPOSITORY / "lakehouse.toml")
    tables = {t.name: t for t in load_refined(REPOSITORY / "lakehouse_assets" / "defs" / "refined", catalog)}
    for table in tables.values():
        compute(spark, table, tables, paths)
    return paths


def test_every_business_table_of_the_repository_has_an_expected_result() -> None:
    catalog = load_catalog(REPOSITORY / "lakehouse.toml")
    assert {t.name for t in load_refined(REPOSITORY / "lakehouse_assets" / "defs" / "refined", catalog)} == set(
        EXPECTED
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_a_business_table_counts_and_sums_exactly(town: LakePaths, name: str) -> None:
    assert rows(town, name) == EXPECTED[name]
