"""Boletos are written as old systems write: in many forms, mostly readable, and the truth can still be told."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from datetime import date, datetime
from random import Random
from typing import Any

import pytest

from lakehouse_assets.demo import Key, boletos, forms, linha, seed, words
from lakehouse_assets.demo.boletos import Bill, Payment
from lakehouse_assets.demo.seed import COLUMNS, ROWS, tables
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.demo.tables import contents, work

CIPHER = Key("k1", bytes(range(32)))
MONTH_NAME = "(janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)"
DAYS = {
    "slashes": r"\d\d/\d\d/\d{4}",
    "short year": r"\d\d/\d\d/\d\d",
    "iso": r"\d{4}-\d\d-\d\d",
    "slashes and time": r"\d\d/\d\d/\d{4} \d\d:\d\d",
    "iso and time": r"\d{4}-\d\d-\d\d \d\d:\d\d:00",
    "in words": rf"\d\d? de {MONTH_NAME} de \d{{4}}",
}
GROUPED = r"\d{1,3}(\.\d{3})*,\d\d"
COMMAS = {"reais": rf"R\$ {GROUPED}", "no-break space": rf"R\$\u00a0{GROUPED}", "comma": r"\d+,\d\d"}
# Every form that a column is written in.
FORMS = {
    "competencia": {
        "digits": r"\d\d/\d{4}",
        "iso": r"\d{4}-\d\d",
        "in letters": r"(jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)/\d\d",
    },
    "data_vencimento": DAYS,
    "data_pagamento": DAYS,
    "valor": COMMAS | {"dot": r"\d+\.\d\d"},
    "valor_multa": COMMAS | {"waived": r"\(\d+,\d\d\)"},
}
HOPELESS = ("31/02/2025", "13/2025", "1.23.4", "a combinar")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS["boletos"], row, strict=True)) for row in tables(1, CIPHER)["boletos"]]


def form_of(column: str, text: str | None) -> str:
    if text in (None, "", "-", "N/A"):
        return "nothing"
    if text in HOPELESS:
        return "hopeless"
    (name,) = [name for name, pattern in FORMS[column].items() if re.fullmatch(pattern, text)]
    return name


def test_the_same_rows_are_made_every_time_with_a_key_and_without() -> None:
    first, second, without = (list(tables(1, key)["boletos"]) for key in (CIPHER, CIPHER, None))
    assert first == second
    assert [row[:-1] for row in first] == [row[:-1] for row in without]
    assert {row[-1] for row in without} == {None}


@pytest.mark.parametrize("column", FORMS)
def test_every_form_nothing_and_the_hopeless_occur_and_no_other(rows: list[dict[str, Any]], column: str) -> None:
    found = Counter(form_of(column, row[column]) for row in rows)
    assert set(found) - {"hopeless"} == {*FORMS[column], "nothing"}


@pytest.mark.parametrize("column", ["data_pagamento", "valor_multa"])
def test_what_is_not_there_is_written_in_four_ways(rows: list[dict[str, Any]], column: str) -> None:
    assert {row[column] for row in rows} >= {None, "", "-", "N/A"}


def test_less_than_one_in_a_hundred_values_is_hopeless(rows: list[dict[str, Any]]) -> None:
    found = Counter(row[column] for row in rows for column in FORMS if row[column] in HOPELESS)
    values = sum(form_of(column, row[column]) != "nothing" for row in rows for column in FORMS)
    assert set(found) == set(HOPELESS)
    assert 0.001 < found.total() / values < 0.01


@pytest.mark.parametrize("column", ["competencia", "data_vencimento", "valor"])
def test_a_system_mostly_writes_one_form(rows: list[dict[str, Any]], column: str) -> None:
    by_system: dict[forms.System, Counter[str]] = {}
    for row in rows:
        by_system.setdefault(forms.system_of(row["imovel_id"]), Counter())[form_of(column, row[column])] += 1
    usual = {found.most_common(1)[0][0] for found in by_system.values()}
    assert len(usual) >= 3
    for found in by_system.values():
        assert 0.8 < found.most_common(1)[0][1] / found.total() < 1


def test_what_is_written_is_what_the_linha_digitavel_says(rows: list[dict[str, Any]]) -> None:
    compared = 0
    for row in rows:
        due, cents = linha.read(row["linha_digitavel"])
        if form_of("valor", row["valor"]) not in ("nothing", "hopeless"):
            assert int(re.sub(r"\D", "", row["valor"])) == cents
        if form_of("data_vencimento", row["data_vencimento"]) in ("slashes", "iso"):
            text = row["data_vencimento"]
            assert due in (date.fromisoformat(text) if "-" in text else datetime.strptime(text, "%d/%m/%Y").date(),)
            compared += 1
    assert compared > len(rows) / 3


def test_every_property_has_a_bill_for_each_of_twelve_months(rows: list[dict[str, Any]]) -> None:
    months = Counter((row["imovel_id"], linha.read(row["linha_digitavel"])[0].replace(day=1)) for row in rows)
    assert set(months.values()) == {1}
    assert {imovel for imovel, _ in months} == set(range(1, ROWS["imoveis"] + 1))
    assert {month for _, month in months} == {date(2025, month, 1) for month in range(1, 13)}


def test_some_are_unpaid_some_late_and_only_the_late_are_fined() -> None:
    random = Random(1)
    drawn = [(bill, boletos.draw_payment(random, bill)) for bill in map(some_bill, range(1, 2_000))]
    late = [payment for bill, payment in drawn if payment and payment.at.date() > bill.due]
    assert 0.03 < sum(payment is None for _, payment in drawn) / len(drawn) < 0.12
    assert 0.08 < len(late) / len(drawn) < 0.18
    assert all(payment.fine != 0 for payment in late)
    assert {payment.fine for bill, payment in drawn if payment and payment.at.date() <= bill.due} == {0}


def some_bill(imovel: int) -> Bill:
    return boletos.draw_bill(Random(imovel), imovel, date(2025, 3, 1))


def test_a_correction_leaves_nothing_that_nobody_can_read_and_keeps_the_rest() -> None:
    wrong = ("13/2025", "31/02/2025", "10/03/25", "1.23.4", None)
    payment = Payment(datetime(2025, 3, 10, 9, 30), 0)
    for imovel in range(1, 200):
        texts = boletos.correct(Random(imovel), some_bill(imovel), wrong, payment)
        assert not boletos.is_wrong(texts)
        assert texts[2::2] == ("10/03/25", None)


# CPF


def has_right_check_digits(cpf: str) -> bool:
    digits = [int(digit) for digit in re.sub(r"\D", "", cpf)]
    rests = [sum(d * (n + 1 - i) for i, d in enumerate(digits[:n])) * 10 % 11 % 10 for n in (9, 10)]
    return len(digits) == 11 and digits[9:] == rests


@pytest.mark.parametrize(("number", "cpf"), [(111_444_777, "111.444.777-35"), (123_456_789, "123.456.789-09")])
def test_known_cpfs_have_their_check_digits(number: int, cpf: str) -> None:
    assert words.cpf(number) == cpf
    assert has_right_check_digits(cpf)


def test_cpfs_are_right_and_plainly_made_up_and_a_property_has_one_payer_or_two(rows: list[dict[str, Any]]) -> None:
    payers: dict[int, set[str]] = {}
    for row in rows:
        if row["cpf_pagador"] is not None:
            assert has_right_check_digits(row["cpf_pagador"])
            payers.setdefault(row["imovel_id"], set()).add(re.sub(r"\D", "", row["cpf_pagador"]))
    assert all(cpf.startswith("00000") for found in payers.values() for cpf in found)
    assert {len(found) for found in payers.values()} == {1, 2}
    assert not any(one & other for one, other in itertools.combinations(payers.values(), 2))
    assert {len(row["cpf_pagador"] or "") for row in rows} == {0, 11, 14}


# Linha digitável


def test_the_fields_of_a_line_have_their_check_digits() -> None:
    # The line that the banks' own examples show.
    line = re.sub(r"\D", "", "23793.38128 60007.827136 95000.063305 9 75520000370000")
    fields = [line[0:10], line[10:21], line[21:32]]
    assert [linha.modulo_10(field[:-1]) for field in fields] == [field[-1] for field in fields]
    barcode = line[0:4] + line[33:] + line[4:9] + line[10:20] + line[21:31]
    assert linha.modulo_11(barcode) == line[32]


@pytest.mark.parametrize("day", ["2025-01-10", "2025-02-21", "2025-02-22", "2026-06-20", "2044-08-21"])
def test_a_line_holds_its_due_date_and_amount_also_after_the_days_start_again(day: str) -> None:
    line = linha.write(Random(1), date.fromisoformat(day), 123_456)
    assert re.fullmatch(r"\d{5}\.\d{5} \d{5}\.\d{6} \d{5}\.\d{6} \d \d{14}", line)
    assert linha.read(line) == (date.fromisoformat(day), 123_456)


def test_the_number_of_the_day_starts_again_when_the_banks_let_it() -> None:
    ends = [linha.write(Random(1), day, 0)[-14:-10] for day in (date(2025, 2, 21), date(2025, 2, 22))]
    assert ends == ["9999", "1000"]


# In the source


def test_two_sources_get_the_same_boletos_and_notes_only_with_a_key(dsn: str, admin_dsn: str) -> None:
    assert seed(dsn, cipher=CIPHER)["boletos"] == ROWS["boletos"]
    assert postgres.execute(
        dsn, "select count(*) from boletos b left join imoveis i using (imovel_id) where i is null"
    ) == [(0,)]
    encrypted = "select count(*) filter (where observacao like 'k1:%%'), count(observacao) from boletos"
    ((ours, noted),) = postgres.execute(dsn, encrypted)
    assert ours == noted > ROWS["boletos"] / 5
    before = contents(dsn)
    seed(dsn, again=True, cipher=CIPHER)
    assert contents(dsn) == before
    seed(dsn, again=True)
    assert postgres.execute(dsn, encrypted) == [(0, 0)]
    assert [row[:-1] for row in contents(dsn)["boletos"]] == [row[:-1] for row in before["boletos"]]


def test_the_traffic_pays_corrects_and_issues_boletos(dsn: str) -> None:
    seed(dsn)
    unpaid = "select boleto_id from boletos where coalesce(data_pagamento, '') in ('', '-', 'N/A')"
    wrong = "select boleto_id from boletos where array[competencia, data_vencimento, data_pagamento, valor] && %s"
    before = {query: ids(dsn, query) for query in (unpaid, wrong)}
    newest = max(ids(dsn, "select boleto_id from boletos"))
    work(dsn, 1_500, 6_000, seed=1, cipher=CIPHER)
    left = ids(dsn, "select boleto_id from boletos")
    for query, waiting in before.items():
        assert (waiting & left) - ids(dsn, query), "nobody looked at those that wait"
    fined = "select count(*) from boletos where boleto_id = any(%s) and valor_multa like '%%,%%'"
    assert postgres.execute(dsn, fined, [sorted(before[unpaid])])[0][0] > 0
    new = "select count(*), count(observacao) from boletos where boleto_id > %s"
    ((issued, noted),) = postgres.execute(dsn, new, [newest])
    assert issued > noted > 0
    for row in contents(dsn)["boletos"]:
        texts = dict(zip(COLUMNS["boletos"], row, strict=True))
        for column in FORMS:
            form_of(column, texts[column])


def ids(dsn: str, query: str) -> set[int]:
    return {key for (key,) in postgres.execute(dsn, query, [list(HOPELESS)] if "%s" in query else [])}
