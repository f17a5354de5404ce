"""The seven silent failures of the naive pipeline: each one's own input, through the real parts, comes out right or loud."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.catalog.rules import AmountRule, DateRule
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.engine.refined import compute
from lakehouse_assets_tests.changelog.histories import table_of
from lakehouse_assets_tests.changelog.oracle import Event
from lakehouse_assets_tests.defs.running import run
from lakehouse_assets_tests.engine.lab import Lab

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RULES: dict[str, dict[str, Any]] = {
    "data": {"rule": DateRule()},
    "valor": {"rule": AmountRule()},
    "exato": {"encoding": "precise"},
}
PLAIN = table_of(
    "contas", ("id",), id="integer", data="text", valor="text", exato="numeric(15,2)", total="numeric(15,2)"
)
TABLE = replace(PLAIN, columns=tuple(replace(c, **RULES.get(c.name, {})) for c in PLAIN.columns))
CATALOG = Catalog("test", "p", "s", (TABLE,))
NOTHING = dict.fromkeys(("data", "valor", "exato", "total"))
SUMS = """-- description: d
-- owner: o
-- grain: contas
SELECT count(*) AS contas, sum(total) AS total, sum(exato) AS exato FROM transformed.contas
"""
EMPTY = """-- description: d
-- owner: o
-- grain: id
SELECT id FROM transformed.contas WHERE data > DATE'9999-01-01'
"""


def change(position: int, op: str, key: int, **values: Any) -> Event:
    after = None if op == "delete" else {"id": key, **NOTHING, **values}
    return Event(position, op, json.dumps({"id": key}), after, 100 + position, 100 + position)


FIRST = [
    change(0, "insert", 1, exato="Aep1ZQ==", total="321426.93"),
    change(1, "insert", 2, exato="/Bg=", total="-10.00"),
    change(2, "insert", 3, valor="1.234,56", data="31/01/2024"),
    change(3, "insert", 4, data="31/02/2024"),
    change(4, "insert", 5, data="amanhã", valor="dez reais"),
    change(5, "insert", 6, total="1.00"),
    change(6, "insert", 7, total="1000000.00"),
]
UPDATE = change(7, "update", 6, total="2.00")
# The connector starts again and sends what it had sent: other positions, the same LSN and transaction.
SECOND = [UPDATE, change(8, "delete", 7), replace(UPDATE, position=9), replace(FIRST[5], position=10)]


@pytest.fixture(scope="module")
def lab(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lake after both batches."""
    made = Lab(spark, tmp_path_factory.mktemp("lake"))
    for batch in (FIRST, SECOND):
        made.land({"contas": batch})
        made.fold(TABLE)
    return made


@pytest.fixture(scope="module")
def rows(lab: Lab) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in lab.rows(TABLE)}


def entries(lab: Lab) -> set[tuple[str, str, str, str]]:
    """The open entries of the quarantine: key, column, text, status."""
    with open_lake(lab.paths) as lake:
        return set(
            lake.query("SELECT key, column_name, raw, status FROM quarantine WHERE resolved_position IS NULL").rows
        )


def sums(lab: Lab, folder: Path) -> dict[str, Any]:
    """What a refined table over the lake holds."""
    (folder / "somas.sql").write_text(SUMS, encoding="utf-8")
    tables = {table.name: table for table in load_refined(folder, CATALOG)}
    compute(lab.spark, tables["somas"], tables, lab.paths)
    with open_lake(lab.paths) as lake:
        answer = lake.query("SELECT contas, total, exato FROM refined.somas")
    return dict(zip(answer.columns, answer.rows[0], strict=True))


def test_1_the_scale_of_an_amount_is_kept_321426_93_is_not_32142693_00(rows: dict[int, dict[str, Any]]) -> None:
    assert rows[1]["exato"] == rows[1]["total"] == Decimal("321426.93")


def test_2_the_sign_of_an_amount_is_kept_minus_10_00_is_not_64536(rows: dict[int, dict[str, Any]]) -> None:
    assert rows[2]["exato"] == rows[2]["total"] == Decimal("-10.00")


def test_3_an_amount_as_brazilians_write_it_is_read_1_234_56_is_no_garbage(rows: dict[int, dict[str, Any]]) -> None:
    assert (rows[3]["valor"], rows[3]["valor__status"]) == (Decimal("1234.56"), "ok")


def test_4_a_date_in_text_is_read_and_one_that_is_none_is_null_with_its_text_and_reason(
    rows: dict[int, dict[str, Any]], lab: Lab
) -> None:
    assert (rows[3]["data"], rows[3]["data__raw"], rows[3]["data__status"]) == (date(2024, 1, 31), "31/01/2024", "ok")
    assert (rows[4]["data"], rows[4]["data__raw"], rows[4]["data__status"]) == (None, "31/02/2024", "invalid")
    assert entries(lab) == {
        ('{"id":4}', "data", "31/02/2024", "invalid"),
        ('{"id":5}', "data", "amanhã", "invalid"),
        ('{"id":5}', "valor", "dez reais", "invalid"),
    }
    assert set(rows) == {1, 2, 3, 4, 5, 6}, "no row is dropped for a bad value"


def test_5_a_refined_table_that_is_empty_although_rows_went_in_fails(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "vazia.sql").write_text(EMPTY, encoding="utf-8")
    result = run(lab.paths, refined.build(load_refined(tmp_path, CATALOG), CATALOG), "refined/vazia")
    failed = {e.check_name: e.severity.value for e in result.get_asset_check_evaluations() if not e.passed}
    assert failed == {"not_empty_when_inputs_are_not": "ERROR"}
    assert not result.success


def test_6_an_update_is_counted_once_however_often_it_is_sent(
    rows: dict[int, dict[str, Any]], lab: Lab, tmp_path: Path
) -> None:
    assert [row["total"] for key, row in rows.items() if key == 6] == [Decimal("2.00")]
    assert sums(lab, tmp_path) == {"contas": 6, "total": Decimal("321418.93"), "exato": Decimal("321416.93")}


def test_7_a_deleted_row_is_gone(rows: dict[int, dict[str, Any]], lab: Lab) -> None:
    assert 7 not in rows
    with open_lake(lab.paths) as lake:
        assert lake.scalar("SELECT count(*) FROM transformed.contas WHERE total = 1000000.00") == 0
