"""The reference against every worked example, and what must hold for any text under any rule."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakehouse_assets_tests.normalisation import texts
from lakehouse_assets_tests.normalisation.reference import Reading, choose, read
from lakehouse_assets_tests.normalisation.reference.text import STATUSES, clean, is_null

Case = dict[str, Any]


def _cases(name: str) -> list[Any]:
    """The worked examples of a file, each named by its place and what it shows."""
    lines = (Path(__file__).parent / "cases" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [pytest.param(case := json.loads(line), id=f"{at}: {case['why']}") for at, line in enumerate(lines, 1)]


@pytest.mark.parametrize("case", _cases("dates") + _cases("amounts"))
def test_a_worked_example_is_read_as_it_says(case: Case) -> None:
    assert read(case["text"], case["rule"]) == (case["value"], case["status"])


@pytest.mark.parametrize("case", _cases("names"))
def test_a_name_chooses_the_rule_that_the_example_says(case: Case) -> None:
    assert choose(case["column"], case["source_type"]) == case["rule"]


DATE: Case = {"rule": "date"}
TIMESTAMP: Case = {"rule": "timestamp"}
AMOUNT: Case = {"rule": "amount"}

# Where the page leaves a gap: the text, the rule, and the reading that was chosen.
GAPS = [
    ('" 31/01/2024 " ;', DATE, "2024-01-31", "ok"),
    ("10,00 Ⅽ", AMOUNT, None, "invalid"),
    ("1\u201a234", AMOUNT, "1234.00", "ok"),
    ("as 14h30", DATE, None, "invalid"),
    ("31/01/2024 as 14h30", DATE, "2024-01-31", "ok"),
    ("31/01/2024 às 14:30", DATE, "2024-01-31", "ok"),
    ("31/01/2024t14:30", DATE, "2024-01-31", "ok"),
    ("31/01/2024 14H30", DATE, "2024-01-31", "ok"),
    ("2024-01-31T10:00z", DATE, "2024-01-31", "ok"),
    ("31/01/2024 14h", DATE, None, "invalid"),
    ("1914-01-01 00:00:00-03:06:28", DATE, None, "invalid"),
    ("2024-01-31T10:00+23:59", DATE, "2024-01-30", "ok"),
    ("2024-01-31T10:00+24:00", DATE, None, "invalid"),
    ("2024-01-31Z", DATE, None, "invalid"),
    ("20240131 10:00", DATE, None, "invalid"),
    ("20240131 10:00", {**DATE, "format": ["yyyyMMdd"]}, None, "invalid"),
    ("2024-01-31T24:00Z", {**DATE, "timezone": "UTC"}, "2024-02-01", "ok"),
    ("2024-01-31T00:00:00.0000001Z", DATE, "2024-01-31", "assumed"),
    ("1706659200000000001", {**DATE, "format": ["epoch_ns"]}, "2024-01-31", "assumed"),
    ("1600-01-01T00:30:00Z", DATE, None, "out_of_range"),
    ("1599-12-31T23:30:00-05:00", DATE, "1600-01-01", "ok"),
    ("31/12/2400 23:30", TIMESTAMP, None, "out_of_range"),
    ("quarta-feira, 31/01/2024", DATE, None, "invalid"),
    ("quarta, 31 de janeiro de 2024", DATE, "2024-01-31", "ok"),
    ("quarta-feira 31 de janeiro de 2024", DATE, None, "invalid"),
    ("31 de janeiro. de 2024", DATE, "2024-01-31", "ok"),
    ("31 jan. 2024", DATE, "2024-01-31", "ok"),
    ("31 de jánêiro de 2024", DATE, "2024-01-31", "ok"),
    ("31.jan.2024", DATE, None, "invalid"),
    ("31/jan-2024", DATE, None, "invalid"),
    ("1º/mar/2024", DATE, "2024-03-01", "ok"),
    ("2º de março de 2024", DATE, None, "invalid"),
    ("1O de março de 2024", DATE, "2024-03-01", "ok"),
    ("01º de março de 2024", DATE, None, "invalid"),
    ("1º/03/2024", DATE, None, "invalid"),
    ("10000-01-01", DATE, None, "invalid"),
    ("1/2/3", DATE, None, "invalid"),
    ("24/1/5", DATE, None, "invalid"),
    ("31/12/99", {**DATE, "order": "ymd"}, None, "invalid"),
    ("1/2/24", {**DATE, "order": "ymd"}, None, "invalid"),
    ("29/02/00", {**DATE, "century": "birth", "anchor": "2000-01-15"}, "1600-02-29", "assumed"),
    ("31/02/00", {**DATE, "century": "birth", "anchor": "2000-01-15"}, None, "invalid"),
    ("Infinity", DATE, None, "special"),
    ("+infinity", DATE, None, "invalid"),
    ("31/12/9999 25:00", DATE, None, "special"),
    ("30/12/1899 12:00:00 AM", DATE, None, "special"),
    ("01-02-70", {**DATE, "sentinels": ["1970-02-01"]}, None, "special"),
    ("01/01/70", {**DATE, "sentinels": ["1970-01-01"]}, None, "special"),
    ("01/1900", {**DATE, "format": ["month"]}, None, "special"),
    ("01/1900", DATE, None, "invalid"),
    ("31/12/9999", {**DATE, "format": ["epoch_s"]}, None, "special"),
    ("infinity", {**DATE, "format": ["epoch_s"]}, None, "special"),
    ("0001-01-01 BC", DATE, None, "out_of_range"),
    ("01/01/0044 a.C.", DATE, None, "out_of_range"),
    ("31/02/0044 BC", DATE, None, "invalid"),
    ("12/13/0044 BC", DATE, None, "ambiguous"),
    ("0044-03-15 BC", {**DATE, "format": ["yyyyMMdd"]}, None, "invalid"),
    ("1/2024", {**DATE, "format": ["month"]}, "2024-01-01", "assumed"),
    ("jan. de 24", {**DATE, "format": ["month"]}, "2024-01-01", "assumed"),
    ("01-2024", {**DATE, "format": ["month"]}, None, "invalid"),
    ("2024/01", {**DATE, "format": ["month"]}, None, "invalid"),
    ("31/01", {**DATE, "format": ["month"]}, None, "invalid"),
    ("202401", {**DATE, "format": ["month"]}, None, "invalid"),
    ("-86400", {**DATE, "format": ["epoch_s"]}, "1969-12-31", "assumed"),
    ("1706702400.0", {**DATE, "format": ["epoch_s"]}, None, "invalid"),
    ("1012024", {**DATE, "format": ["ddMMyyyy"]}, None, "invalid"),
    ("0", {**DATE, "format": ["ddMMyyyy", "epoch_s"]}, "1970-01-01", "assumed"),
    ("0", {**DATE, "format": ["ddMMyyyy", "excel"]}, None, "ok"),
    ("0", {**DATE, "format": ["epoch_days", "epoch_s"]}, "1970-01-01", "assumed"),
    ("2958465", {**DATE, "format": ["ddMMyyyy", "excel"]}, None, "out_of_range"),
    ("20241301", {**DATE, "format": ["yyyyMMdd", "excel"]}, None, "invalid"),
    ("45322.0", {**TIMESTAMP, "format": ["excel"]}, "2024-01-31T03:00:00.000000Z", "ok"),
    ("43860,5", {**DATE, "format": ["excel1904"]}, "2024-01-31", "ok"),
    ("45322,9999999999999", {**TIMESTAMP, "format": ["excel"]}, "2024-02-01T03:00:00.000000Z", "ok"),
    ("45322,00000000015625", {**TIMESTAMP, "format": ["excel"]}, "2024-01-31T03:00:00.000014Z", "ok"),
    ("10 Reais", AMOUNT, "10.00", "assumed"),
    ("Brl 10", AMOUNT, "10.00", "ok"),
    ("₨ 10", AMOUNT, "10.00", "assumed"),
    ("₨ 10", {**AMOUNT, "currency": "PKR", "currency_marks": ["₨"]}, "10.00", "ok"),
    ("10 Usd", {**AMOUNT, "currency": "USD"}, "10.00", "ok"),
    ("reais 10", AMOUNT, "10.00", "assumed"),
    ("10mil", AMOUNT, "10000.00", "assumed"),
    ("10㏕", AMOUNT, "10000.00", "assumed"),
    ("10 milhões de reais", AMOUNT, None, "invalid"),
    ("10 reais mil", AMOUNT, None, "invalid"),
    ("(10) mil", AMOUNT, None, "invalid"),
    ("-R$", AMOUNT, None, "ambiguous"),
    ("R$ --", AMOUNT, None, "invalid"),
    ("((5))", AMOUNT, None, "ambiguous"),
    ("---5", AMOUNT, None, "ambiguous"),
    ("(5", AMOUNT, None, "invalid"),
    ("10,00 R$ -", AMOUNT, "-10.00", "ok"),
    ("10,00 d", AMOUNT, None, "ambiguous"),
    ("D 10,00", AMOUNT, None, "invalid"),
    ("10,00 DB", {**AMOUNT, "debit_marks": ["D"]}, "10.00", "ok"),
    ("10,00 D C", {**AMOUNT, "debit_marks": ["D"]}, None, "ambiguous"),
    ("+5", {**AMOUNT, "implied_decimals": 2}, None, "invalid"),
    ("- 5", {**AMOUNT, "implied_decimals": 2}, None, "invalid"),
    ("-5-", {**AMOUNT, "implied_decimals": 2}, None, "invalid"),
    ("R$ -", {**AMOUNT, "implied_decimals": 2}, None, "invalid"),
    ("NaN", {**AMOUNT, "implied_decimals": 2}, None, "special"),
    ("+inf", AMOUNT, None, "special"),
    ("∞", AMOUNT, None, "invalid"),
    ("infinito", AMOUNT, None, "invalid"),
    ("R$ NaN", AMOUNT, None, "invalid"),
    ("1.234e2", {**AMOUNT, "scientific": True}, "123400.00", "assumed"),
    ("1 e3", AMOUNT, None, "invalid"),
    ("1e3 mil", {**AMOUNT, "scientific": True}, "1000000.00", "assumed"),
    ("0e999999999999", {**AMOUNT, "scientific": True}, "0.00", "ok"),
]


@pytest.mark.parametrize(("text", "rule", "value", "status"), GAPS, ids=[f"{g[0]} {g[1]}" for g in GAPS])
def test_a_gap_of_the_page_is_read_as_was_chosen(text: str, rule: Case, value: str | None, status: str) -> None:
    assert read(text, rule) == (value, status)


def test_a_name_of_a_gap_chooses_as_was_chosen() -> None:
    assert choose("meta_data_data", "text") == "date"
    assert choose("meta_data_valor", "text") == "amount"
    assert choose("data_dt", "VARCHAR (10)") == "date"
    assert choose("data", "character(8)") == "date"
    assert choose("data", "text[]") is None


def test_a_birth_century_without_an_anchor_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="anchor"):
        read("01/01/24", {"rule": "date", "century": "birth"})


ANY_RULE = st.one_of(texts.date_rules(), texts.timestamp_rules(), texts.amount_rules())
SAMPLES = st.one_of(texts.samples(), texts.samples(), texts.samples(), st.tuples(st.text(), ANY_RULE))
VALUES = {
    "date": re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "timestamp": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
    "amount": re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
}
MANY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def _is_nothing(text: str, rule: Case) -> bool:
    """Whether NULL is what an `ok` text says: a null word, or zeros under a format of digits."""
    cleaned = clean(text)
    zeros = {"ddMMyy", "ddMMyyyy", "yyyyMMdd"} & set(rule.get("format", ()))
    return cleaned is not None and (
        is_null(cleaned, rule.get("null_words", ())) or bool(zeros and re.fullmatch("0+", cleaned))
    )


@MANY
@given(SAMPLES)
def test_a_value_has_the_status_ok_or_assumed_and_only_those(sample: tuple[str, Case]) -> None:
    text, rule = sample
    value, status = read(text, rule)
    assert status in STATUSES
    if value is None:
        assert status not in ("ok", "assumed") or (status == "ok" and _is_nothing(text, rule))
    else:
        assert status in ("ok", "assumed")
        assert VALUES[rule["rule"]].fullmatch(value)


@MANY
@given(SAMPLES)
def test_a_value_fits_what_is_declared(sample: tuple[str, Case]) -> None:
    text, rule = sample
    value, _ = read(text, rule)
    if value is None:
        return
    if rule["rule"] == "amount":
        precision, scale = map(int, re.findall("[0-9]+", rule.get("type", "decimal(18,2)")))
        whole, _, fraction = value.removeprefix("-").partition(".")
        assert len(fraction) == scale
        assert len(whole.lstrip("0")) <= precision - scale
        assert not (value.startswith("-") and set(value) <= set("-0."))
    else:
        assert 1600 <= date.fromisoformat(value[:10]).year <= 2400


@MANY
@given(SAMPLES)
def test_a_printed_value_reads_as_itself(sample: tuple[str, Case]) -> None:
    text, rule = sample
    value, _ = read(text, rule)
    if value is None:
        return
    plain: Case = {"rule": rule["rule"]}
    if rule["rule"] == "amount":
        plain |= {"decimal": "dot", "type": rule.get("type", "decimal(18,2)")}
    again = read(value, plain)
    assert again == Reading(value, "ok") or (again.status == "special" and value[:10] in ("1900-01-01", "1899-12-30"))


@MANY
@given(SAMPLES)
def test_a_cleaned_text_reads_as_the_text_it_came_from(sample: tuple[str, Case]) -> None:
    text, rule = sample
    cleaned = clean(text)
    if cleaned is not None and not set(cleaned) & set("\"';"):
        assert read(cleaned, rule) == read(text, rule)


@given(st.text(), st.text())
def test_any_name_and_type_choose_a_rule_or_none(column: str, source_type: str) -> None:
    assert choose(column, "text") in (None, "date", "amount")
    assert choose(column, source_type) in (None, "date", "amount")


@pytest.mark.parametrize("rule", ["date", "timestamp", "amount"])
def test_the_built_texts_reach_every_status(rule: str) -> None:
    seen: Counter[str] = Counter()

    @settings(MANY, max_examples=1000, database=None, derandomize=True, phases=[Phase.generate])
    @given(texts.samples(rule))
    def count(sample: tuple[str, Case]) -> None:
        seen[read(*sample).status] += 1

    count()
    assert set(seen) == set(STATUSES)
    assert seen["invalid"] < 0.6 * seen.total(), seen
    assert min(seen.values()) > 0.005 * seen.total(), seen
