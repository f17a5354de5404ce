"""Other tools read the lake as docs/user-guide.md says: Spark, delta-rs, DuckDB, Polars and pandas see the same rows."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import duckdb_extensions
import polars
import pytest
from deltalake import DeltaTable

from lakehouse_assets import sql
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.engine.refined import compute
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLE = table_of("contas", ("id",), id="integer", nome="text", valor="numeric(15,2)", dia="date")
BY_NAME = """-- description: Something.
-- owner: a
-- grain: nome
SELECT nome, sum(valor) AS total, max(dia) AS dia FROM transformed.contas GROUP BY nome
"""
EXPECTED = [("Ação", Decimal("0.30"), date(2026, 1, 31)), ("Zé", Decimal("9999999999999.99"), None)]


@pytest.fixture(scope="module")
def places(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A transformed and a refined table."""
    folder = tmp_path_factory.mktemp("readers")
    lab = Lab(spark, folder / "lake")
    rows = [("Ação", "0.10", 20484), ("Ação", "0.20", 20000), ("Zé", "9999999999999.99", None)]
    events = [
        Event(n, "insert", json.dumps({"id": n}), {"id": n, "nome": nome, "valor": valor, "dia": dia}, n, n)
        for n, (nome, valor, dia) in enumerate(rows)
    ]
    lab.land({"contas": events})
    lab.fold(TABLE)
    (folder / "por_nome.sql").write_text(BY_NAME, encoding="utf-8")
    (table,) = load_refined(folder, Catalog("test", "test", "test", (TABLE,)))
    compute(spark, table, {table.name: table}, lab.paths)
    return {"refined": lab.paths.refined("por_nome"), "transformed": lab.paths.transformed("contas")}


def _with_spark(spark: SparkSession, place: Path) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in spark.sql(f"SELECT * FROM {sql.delta(place)}").collect()]


def _with_delta_rs(_: SparkSession, place: Path) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in DeltaTable(str(place)).to_pyarrow_table().to_pylist()]


def _with_duckdb(_: SparkSession, place: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        duckdb_extensions.import_extension("delta", con=connection)
        return connection.execute(f"SELECT * FROM delta_scan('{place}')").fetchall()


def _with_polars(_: SparkSession, place: Path) -> list[tuple[Any, ...]]:
    return polars.read_delta(str(place)).rows()


def _with_pandas(_: SparkSession, place: Path) -> list[tuple[Any, ...]]:
    frame = DeltaTable(str(place)).to_pandas()
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize("read", [_with_spark, _with_delta_rs, _with_duckdb, _with_polars, _with_pandas])
def test_every_reader_sees_the_same_rows(spark: SparkSession, places: dict[str, Path], read: Any) -> None:
    assert sorted(read(spark, places["refined"])) == EXPECTED
    assert {row[0] for row in read(spark, places["transformed"])} == {0, 1, 2}
