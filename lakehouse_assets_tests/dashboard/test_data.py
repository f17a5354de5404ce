"""The figures, worked out by hand from the rows in `lake`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import data, quality
from lakehouse_assets.dashboard.data import FEW, SECRET, WITHHELD, Choice, Part, Whole
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.dashboard.lake import FEB, JAN, MAR, NASTY

D = Decimal


def test_all_together(reader: LakeReader) -> None:
    seen = data.overview(reader)
    assert seen.year == (date(2025, 4, 1), MAR)
    assert seen.received == seen.received_year == Whole(39, D("30900.75"))
    assert (seen.overdue, seen.as_of) == (Whole(13, D("1750.00")), lake.BASE)
    assert (seen.transactions, seen.last_payment) == (Whole(72, D("32500.50")), date(2026, 3, 25))
    assert (seen.condominiums, seen.properties, seen.residents, seen.unread_bills) == (4, 16, 24, 4)


def test_receipts_by_month(reader: LakeReader) -> None:
    assert data.overview(reader).receipts == [
        Part(JAN, 16, D("11700.00"), D("30.00")),
        Part(FEB, 13, D("10100.50"), D("0.00")),
        Part(MAR, 10, D("9100.25"), D("1.00")),
    ]


def test_one_debtor_is_hidden_and_the_next_larger_group_with_him(reader: LakeReader) -> None:
    assert data.overview(reader).bands == [
        Part("1 a 30 dias", None, None, hidden=FEW),
        Part("31 a 60 dias", 7, D("700.00")),
        Part("61 a 90 dias", 0, D(0)),
        Part("acima de 90 dias", None, None, hidden=WITHHELD),
    ]


def test_activity_hides_a_month_of_few_payments(reader: LakeReader) -> None:
    assert data.overview(reader).activity == [
        Part(date(2025, 12, 1), None, None, hidden=FEW),  # 4
        Part(JAN, 28, D("12500.00")),
        Part(FEB, None, None, hidden=WITHHELD),  # 10, the smallest: 72 less the others would be those 4
        Part(MAR, 30, D("14000.25")),
    ]


def test_the_largest_leave_out_those_with_few_properties(reader: LakeReader) -> None:
    top = data.overview(reader).top
    assert [(one.id, one.name, one.properties) for one in top] == [(2, "Villa Aurora", 8)]
    # 14 bills of condominium 1 are withheld: with them the 2 of condominium 3 would follow from the sum of all.
    assert (top[0].received, top[0].overdue) == (Part(2, 23, D("23200.25")), Part(2, 7, D("700.00")))


def test_one_condominium(reader: LakeReader) -> None:
    seen = data.condominium(reader, 1)
    assert seen
    assert (seen.name, seen.properties, seen.residents) == (NASTY, Whole(6, D("600000.00")), 9)
    assert seen.received == seen.received_year == Whole(14, D("7000.50"))
    assert (seen.overdue, seen.unread_bills) == (Whole(6, D("1050.00")), 4)
    assert (seen.transactions, seen.last_payment) == (Whole(30, D("12000.50")), date(2026, 3, 20))
    assert [(part.of, part.hidden) for part in seen.receipts] == [(JAN, WITHHELD), (FEB, ""), (MAR, FEW)]
    assert [part.hidden for part in seen.bands] == [FEW, "", "", WITHHELD]
    assert seen.years == [Part(2026, 30, D("12000.50"))]
    assert not seen.secret


def test_the_year_is_that_of_all_condominiums(tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    late = [*lake.RECEIPTS, (2, "Villa Aurora", date(2027, 1, 1), 9, "900.00", "0.00", 0)]
    lake.write(paths.refined("receita_mensal_por_condominio"), lake.RECEIPT, late)
    with open_lake(paths) as reader:
        one = data.condominium(reader, 1)
        assert one
        assert one.year == data.overview(reader).year == (date(2026, 2, 1), date(2027, 1, 1))
        assert one.received_year == Whole(8, D("4000.50"))


def test_of_a_small_condominium_nothing_is_told(reader: LakeReader) -> None:
    seen = data.condominium(reader, 3)
    assert seen
    assert seen.secret
    assert {seen.properties, seen.received, seen.received_year, seen.overdue, seen.transactions} == {SECRET}
    assert (seen.residents, seen.last_payment, seen.receipts, seen.bands, seen.years) == (None, None, [], [], [])


def test_of_an_empty_condominium_nothing_is_hidden(reader: LakeReader) -> None:
    seen = data.condominium(reader, 4)
    assert seen
    assert (seen.secret, seen.properties.count, seen.residents) == (False, 0, 0)


def test_an_unknown_condominium_is_none(reader: LakeReader) -> None:
    assert data.condominium(reader, 99) is None


def test_condominiums_to_choose_from_are_in_the_order_of_their_names(reader: LakeReader) -> None:
    assert [number for number, _, _ in data.condominiums(reader)] == [3, 1, 4, 2]


@pytest.fixture
def days(reader: LakeReader) -> list[data.Day]:
    return data.days(reader)


def written(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def test_transactions_by_day(days: list[data.Day]) -> None:
    found = data.select(days, Choice(FEB, MAR), written)
    assert found.rows == [
        Part((date(2026, 3, 11), ""), 7, D("70.00")),
        Part((date(2026, 3, 11), "apartamento"), 5, D("500.00")),
        Part((date(2026, 3, 10), "apartamento"), 6, D("600.10")),
        Part((date(2026, 3, 10), "loja"), None, None, hidden=FEW),
        Part((date(2026, 2, 28), "loja"), None, None, hidden=FEW),
        Part((date(2026, 2, 1), "loja"), None, None, hidden=FEW),
    ]
    assert (found.total, found.complete, found.hidden) == (Whole(27, D("1320.60")), True, 3)


def test_transactions_by_month_add_the_days_up(days: list[data.Day]) -> None:
    found = data.select(days, Choice(FEB, MAR, monthly=True, kinds=("loja", "apartamento")), written)
    assert found.rows == [
        Part((MAR, "apartamento"), 11, D("1100.10")),
        Part((MAR, "loja"), None, None, hidden=FEW),
        Part((FEB, "loja"), 7, D("100.50")),
    ]
    # Two payments are hidden alone: the sum leaves them out, or they would follow from it.
    assert (found.total, found.complete) == (Whole(18, D("1200.60")), False)


@pytest.mark.parametrize(
    ("choice", "amounts"),
    [
        (Choice(MAR, MAR), ["70.00", "500.00", "600.10", None]),
        (Choice(MAR, MAR, kinds=("loja",)), [None]),
        (Choice(JAN, MAR, search="APARTA"), ["500.00", "600.10"]),
        (Choice(JAN, MAR, search="11/03/2026"), ["70.00", "500.00"]),
        (Choice(date(2025, 1, 1), MAR, search="casa"), ["999.99"]),
        (Choice(JAN, MAR, search="nada disso"), []),
    ],
)
def test_filters_and_search(days: list[data.Day], choice: Choice, amounts: list[str | None]) -> None:
    found = data.select(days, choice, written)
    assert [row.amount for row in found.rows] == [None if amount is None else D(amount) for amount in amounts]


def test_the_sum_of_a_few_is_not_shown(days: list[data.Day]) -> None:
    found = data.select(days, Choice(FEB, FEB, search="01/02"), written)
    assert (found.total, found.complete) == (Whole(0, D(0)), False)


@pytest.mark.parametrize("question", [data.overview, data.days, data.condominiums])
def test_a_table_that_is_not_there_is_named(tmp_path: Path, question) -> None:
    with open_lake(LakePaths(tmp_path)) as empty, pytest.raises(data.NotComputed, match=r"refined\."):
        question(empty)


def test_tables_without_rows_are_nothing_and_no_error(tmp_path: Path) -> None:
    paths = LakePaths(tmp_path)
    for name, (columns, _) in lake.REFINED.items():
        lake.write(paths.refined(name), columns, [])
    with open_lake(paths) as reader:
        seen = data.overview(reader)
        assert (seen.year, seen.received, seen.overdue, seen.top) == (None, data.NONE, data.NONE, [])
        assert (data.days(reader), data.condominiums(reader)) == ([], [])


def test_only_refined_is_asked_for_business_and_only_counts_for_quality(
    reader: LakeReader, monkeypatch: pytest.MonkeyPatch, catalog
) -> None:
    asked: list[exp.Expr] = []
    execute = LakeReader._execute

    def noted(self: LakeReader, statement: str, parameters=()):
        asked.append(sqlglot.parse_one(statement, read="duckdb"))
        return execute(self, statement, parameters)

    monkeypatch.setattr(LakeReader, "_execute", noted)
    data.overview(reader)
    data.condominium(reader, 1)
    data.days(reader)
    of_business = _tables(asked)
    asked.clear()
    quality.readings(reader, catalog)
    quality.quarantine(reader, catalog)
    assert {layer for layer, _ in of_business} == {"refined"}
    assert _tables(asked) == {("transformed", "boletos"), ("", "quarantine")}


def _tables(asked: list[exp.Expr]) -> set[tuple[str, str]]:
    ctes = {cte.alias for statement in asked for cte in statement.find_all(exp.CTE)}
    return {(t.db, t.name) for statement in asked for t in statement.find_all(exp.Table) if t.db or t.name not in ctes}
