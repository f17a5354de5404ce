"""The figures, worked out by hand from the rows in `lake`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import data, floors, quality
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
    assert (seen.condominiums, seen.properties, seen.residents, seen.unread_bills) == (5, 19, 28, 4)


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


def test_the_next_larger_condominium_is_withheld_where_a_small_one_would_follow_from_the_sum(tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    lake.write(paths.refined("panorama_por_condominio"), lake.OUTLINE, lake.CONDOMINIUMS[:4])
    with open_lake(paths) as reader:
        seen, other = data.condominium(reader, 1), data.condominium(reader, 2)
        assert [one.id for one in data.overview(reader).top] == [2]
    assert seen
    assert other
    assert (seen.secret, seen.residents, seen.receipts, other.secret) == (WITHHELD, None, [], "")
    assert {seen.properties, seen.received, seen.overdue, seen.transactions} == {Whole(None, None, WITHHELD)}


def test_the_year_is_that_of_all_condominiums(tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    late = [*lake.RECEIPTS, (2, "Villa Aurora", date(2027, 1, 1), 9, "900.00", "0.00", 0)]
    lake.write(paths.refined("receita_mensal_por_condominio"), lake.RECEIPT, late)
    with open_lake(paths) as reader:
        one = data.condominium(reader, 1)
        assert one
        assert one.year == data.overview(reader).year == (date(2026, 2, 1), date(2027, 1, 1))
        # The year is February, which is shown, and the few of March.
        assert [(part.of, part.hidden) for part in one.receipts] == [(JAN, WITHHELD), (FEB, ""), (MAR, FEW)]
        assert one.received_year == Whole(None, None, WITHHELD)


def test_the_few_before_the_year_do_not_follow_from_it_and_the_sum_of_all(tmp_path: Path) -> None:
    paths = lake.make(tmp_path)
    before = (2, "Villa Aurora", date(2024, 1, 1), 3, "777.00", "0.00", 0)
    lake.write(paths.refined("receita_mensal_por_condominio"), lake.RECEIPT, [*lake.RECEIPTS, before])
    with open_lake(paths) as reader:
        seen = data.overview(reader)
    assert seen.received == Whole(42, D("31677.75"))
    assert seen.received_year == Whole(None, None, WITHHELD)
    assert seen.receipts[0].hidden == FEW


def test_of_a_small_condominium_nothing_is_told(reader: LakeReader) -> None:
    seen = data.condominium(reader, 3)
    assert seen
    assert seen.secret == FEW
    assert {seen.properties, seen.received, seen.received_year, seen.overdue, seen.transactions} == {SECRET}
    assert (seen.residents, seen.last_payment, seen.receipts, seen.bands, seen.years) == (None, None, [], [], [])


def test_of_an_empty_condominium_nothing_is_hidden(reader: LakeReader) -> None:
    seen = data.condominium(reader, 4)
    assert seen
    assert (seen.secret, seen.properties.count, seen.residents) == ("", 0, 0)


def test_an_unknown_condominium_is_none(reader: LakeReader) -> None:
    assert data.condominium(reader, 99) is None


def test_condominiums_to_choose_from_are_in_the_order_of_their_names(reader: LakeReader) -> None:
    assert [number for number, _, _ in data.condominiums(reader)] == [5, 3, 1, 4, 2]


@pytest.fixture
def known(reader: LakeReader) -> data.Transactions:
    return data.transactions(reader)


def written(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def test_transactions_by_day(known: data.Transactions) -> None:
    found = data.select(known, Choice(FEB, MAR), written)
    assert found.rows == [
        Part(
            (date(2026, 3, 11), ""), None, None, hidden=WITHHELD
        ),  # with it the two of loja would follow from March's 20
        Part((date(2026, 3, 11), "apartamento"), 5, D("500.00")),
        Part((date(2026, 3, 10), "apartamento"), 6, D("600.10")),
        Part((date(2026, 3, 10), "loja"), None, None, hidden=FEW),
        Part((date(2026, 2, 28), "loja"), None, None, hidden=FEW),
        Part((date(2026, 2, 1), "loja"), None, None, hidden=FEW),
    ]
    assert (found.total, found.hidden) == (Whole(11, D("1100.10")), {FEW: 3, WITHHELD: 1})


def test_transactions_by_month_add_the_days_up(known: data.Transactions) -> None:
    found = data.select(known, Choice(FEB, MAR, monthly=True, kinds=("loja", "apartamento")), written)
    assert found.rows == [
        Part((MAR, "apartamento"), 11, D("1100.10")),
        Part((MAR, "loja"), None, None, hidden=FEW),
        Part((FEB, "loja"), 7, D("100.50")),
    ]
    assert (found.total, found.hidden) == (Whole(18, D("1200.60")), {FEW: 1})


@pytest.mark.parametrize(
    ("choice", "amounts"),
    [
        (Choice(MAR, MAR), [None, "500.00", "600.10", None]),
        (Choice(MAR, MAR, kinds=("loja",)), [None]),
        (Choice(JAN, MAR, search="APARTA"), ["500.00", "600.10"]),
        (Choice(JAN, MAR, search="11/03/2026"), [None, "500.00"]),
        (Choice(date(2025, 1, 1), MAR, search="casa"), ["999.99"]),
        (Choice(JAN, MAR, search="nada disso"), []),
    ],
)
def test_filters_and_search(known: data.Transactions, choice: Choice, amounts: list[str | None]) -> None:
    found = data.select(known, choice, written)
    assert [row.amount for row in found.rows] == [None if amount is None else D(amount) for amount in amounts]


def test_the_sum_of_a_few_is_not_shown(known: data.Transactions) -> None:
    found = data.select(known, Choice(FEB, FEB, search="01/02"), written)
    assert (found.total, found.hidden) == (Whole(0, D(0)), {FEW: 1})


Daily = Callable[[list[tuple[Any, ...]]], data.Transactions]


@pytest.fixture
def of(tmp_path: Path) -> Daily:
    """The transactions of a lake with these (day, type, amount, count)."""

    def read(rows: list[tuple[Any, ...]]) -> data.Transactions:
        paths = LakePaths(tmp_path)
        lake.write(paths.refined("transacoes_diarias_por_tipo"), lake.DAILY, rows)
        with open_lake(paths) as reader:
            return data.transactions(reader)

    return read


def test_a_longer_period_does_not_give_a_hidden_month_away(of: Daily) -> None:
    known = of([(month, "casa", "300.00", 3) for month in (JAN, FEB, MAR)] + [(MAR, "loja", "50.00", 9)])
    for monthly in (True, False):
        longer, shorter = (data.select(known, Choice(first, MAR, monthly=monthly), written) for first in (JAN, FEB))
        assert [row.hidden for row in longer.rows if row not in shorter.rows] == [FEW]
        assert longer.total == shorter.total


def test_the_days_of_a_month_do_not_give_a_hidden_day_away(of: Daily) -> None:
    known = of([(date(2026, 1, 5), "casa", "1000.00", 10), (date(2026, 1, 6), "casa", "777.00", 1)])
    assert known.months == [Part((JAN, "casa"), 11, D("1777.00"))]
    assert [row.hidden for row in known.days] == [FEW, WITHHELD]


def test_the_transactions_of_few_without_a_day_do_not_follow_from_the_sum_of_all(of: Daily) -> None:
    known = of([(None, "casa", "9.00", 2), (JAN, "casa", "60.00", 6), (FEB, "casa", "70.00", 7)])
    assert [(row.of[0], row.hidden) for row in known.months] == [(FEB, ""), (JAN, WITHHELD)]


def test_the_amount_of_a_day_that_could_not_be_read_is_nothing(of: Daily) -> None:
    known = of([(JAN, "casa", None, 6), (date(2026, 1, 2), "casa", "70.00", 7)])
    assert known.months == [Part((JAN, "casa"), 13, D("70.00"))]
    assert [row.amount for row in known.days] == [D("70.00"), D(0)]


DRAWN = st.dictionaries(
    st.tuples(st.dates(date(2025, 11, 28), date(2026, 2, 3)), st.sampled_from(["casa", "loja"])), st.integers(1, 9)
)


@settings(max_examples=60, deadline=None)
@given(DRAWN)
def test_no_selections_differ_by_a_hidden_row(counts: dict[tuple[date, str], int]) -> None:
    known = _without_delta(counts)
    assert {row.of for row in known.days} == set(counts)
    for monthly, first, last, search in itertools.product(
        (True, False), (date(2025, 11, 1), JAN), (JAN, FEB), ("", "casa")
    ):
        found = data.select(known, Choice(first, last, monthly, search=search), written)
        shown = [row for row in found.rows if not row.hidden]
        assert found.total == Whole(sum(r.count or 0 for r in shown), sum((r.amount or 0 for r in shown), D(0)))
        assert not any(floors.small(row.count or 0) for row in shown)
    for month in known.months:
        within = [row for row in known.days if (row.of[0].replace(day=1), row.of[1]) == month.of]
        unseen = (month.count or 0) - sum(row.count or 0 for row in within)
        assert unseen == 0 or unseen >= floors.K


def _without_delta(counts: dict[tuple[date, str], int]) -> data.Transactions:
    """The transactions of a table in memory, which is quicker made than a lake."""
    with duckdb.connect() as connection:
        columns = "data_transacao DATE, tipo TEXT, valor_total_diario DECIMAL(18, 2), total_transacoes_diarias BIGINT"
        connection.execute(f"CREATE SCHEMA refined; CREATE TABLE {data.DAILY} ({columns})")
        for (day, kind), count in counts.items():
            connection.execute(f"INSERT INTO {data.DAILY} VALUES (?, ?, ?, ?)", [day, kind, D(f"{count}.50"), count])
        reader = LakeReader(connection, LakePaths(Path("nowhere")), lambda *_: None)
        reader.tables = (data.DAILY,)
        return data.transactions(reader)


def test_both_pages_hide_the_same_months(tmp_path: Path) -> None:
    """The chart looks back 24 months, and the month that is withheld beside an older one is among them."""
    paths = lake.make(tmp_path)
    old = date(2020, 1, 1)
    counts = {old: 3, JAN: 7, FEB: 6, MAR: 9}
    lake.write(
        paths.refined("movimento_mensal_por_condominio"), lake.MOVEMENT, [(1, m, n, "1.00") for m, n in counts.items()]
    )
    lake.write(
        paths.refined("transacoes_diarias_por_tipo"), lake.DAILY, [(m, "casa", "1.00", n) for m, n in counts.items()]
    )
    with open_lake(paths) as reader:
        chart, rows = data.overview(reader).activity, data.transactions(reader).months
    assert [(part.of, part.hidden) for part in chart] == [(JAN, ""), (FEB, WITHHELD), (MAR, "")]
    assert {part.of[0]: part.hidden for part in rows} == {old: FEW, **{part.of: part.hidden for part in chart}}


@pytest.mark.parametrize("question", [data.overview, data.transactions, data.condominiums])
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
        assert (data.transactions(reader), data.condominiums(reader)) == (data.Transactions([], []), [])


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
    data.transactions(reader)
    of_business = _tables(asked)
    asked.clear()
    quality.readings(reader, catalog)
    quality.quarantine(reader, catalog)
    assert {layer for layer, _ in of_business} == {"refined"}
    assert _tables(asked) == {("transformed", "boletos"), ("", "quarantine")}


def _tables(asked: list[exp.Expr]) -> set[tuple[str, str]]:
    ctes = {cte.alias for statement in asked for cte in statement.find_all(exp.CTE)}
    return {(t.db, t.name) for statement in asked for t in statement.find_all(exp.Table) if t.db or t.name not in ctes}
