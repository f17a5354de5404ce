"""A column's rule, protection and encodings as the catalog writes them; every mistake is told at once with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.catalog import Catalog, Column, load_catalog
from lakehouse_assets.catalog.model import Protect
from lakehouse_assets.catalog.rules import AmountRule, DateRule, parse_rule
from lakehouse_assets.errors import ConfigurationError

HEAD = '[tables.t]\nkey = ["id"]\n[tables.t.columns]\nid = "text"\n'


def load(tmp_path: Path, text: str) -> Catalog:
    file = tmp_path / "lakehouse.toml"
    file.write_text(text, encoding="utf-8")
    return load_catalog(file)


def column(tmp_path: Path, entry: str, head: str = HEAD) -> Column:
    return load(tmp_path, f"{head}c = {entry}\n").table("t").column("c")


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    return raised.value.problems


# A rule as the catalog writes it, and what it is.
RIGHT = [
    ('"date"', DateRule()),
    ('"timestamp"', DateRule(instant=True)),
    ('"amount"', AmountRule()),
    ('{rule = "date", order = "ymd"}', DateRule(order="ymd")),
    ('{rule = "date", format = ["ddMMyy", "epoch_ns", "month"]}', DateRule(formats=("ddMMyy", "epoch_ns", "month"))),
    ('{rule = "date", timezone = "Asia/Tokyo"}', DateRule(timezone="Asia/Tokyo")),
    ('{rule = "date", century = "birth", anchor = "2024-12-31"}', DateRule(century="birth", anchor=date(2024, 12, 31))),
    ('{rule = "date", century = "birth", anchor = 2024-12-31}', DateRule(century="birth", anchor=date(2024, 12, 31))),
    ('{rule = "date", sentinels = ["2099-12-31", 1970-01-01]}', DateRule(sentinels=(date(2099, 12, 31), date(1970, 1, 1)))),
    ('{rule = "date", sentinels = []}', DateRule()),
    ('{rule = "date", null_words = ["a definir"]}', DateRule(null_words=("a definir",))),
    ('{rule = "amount", decimal = "comma"}', AmountRule(decimal="comma")),
    ('{rule = "amount", type = "decimal(38,4)"}', AmountRule(precision=38, scale=4)),
    ('{rule = "amount", type = " NUMERIC ( 9 ) "}', AmountRule(precision=9, scale=0)),
    ('{rule = "amount", implied_decimals = 0}', AmountRule(implied_decimals=0)),
    ('{rule = "amount", debit_marks = ["D", "DB"]}', AmountRule(debit_marks=("D", "DB"))),
    ('{rule = "amount", currency = "USD", currency_marks = ["US$"]}', AmountRule(currency="USD", currency_marks=("US$",))),
    ('{rule = "amount", scientific = true}', AmountRule(scientific=True)),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "rule"), RIGHT, ids=[entry for entry, _ in RIGHT])
def test_a_right_rule_is_what_it_says(tmp_path: Path, entry: str, rule: DateRule | AmountRule) -> None:
    assert column(tmp_path, f'{{type = "text", rule = {entry}}}').rule == rule


# A rule that is wrong, and the words that its one problem begins with.
WRONG: list[tuple[Any, str]] = [
    (7, "must be a rule's name or a table"),
    (["date"], "must be a rule's name or a table"),
    ("dates", "unknown rule 'dates'; known: date, timestamp, amount, none"),
    ({}, "unknown rule None; known: date"),
    ({"rule": "Date"}, "unknown rule 'Date'"),
    ({"rule": ["date"]}, "unknown rule ['date']"),
    ({"rule": "date", "ordem": "dmy"}, "rule date has no option 'ordem'; known: order, format, timezone"),
    ({"rule": "date", "decimal": "comma"}, "rule date has no option 'decimal'"),
    ({"rule": "amount", "order": "dmy"}, "rule amount has no option 'order'; known: decimal, type"),
    ({"rule": "none", "order": "dmy"}, "rule none has no option 'order'; known: none"),
    ({"rule": "date", "order": "dym"}, "order: 'dym' is not one of dmy, mdy, ymd"),
    ({"rule": "date", "order": ["dmy"]}, "order: ['dmy'] is not one of"),
    ({"rule": "date", "format": "ddMMyy"}, "format: must be a list of texts"),
    ({"rule": "date", "format": []}, "format: must be a list of texts"),
    ({"rule": "date", "format": [1]}, "format: must be a list of texts"),
    ({"rule": "date", "format": ["ddmmyy"]}, "format: 'ddmmyy' not known; known: ddMMyy, ddMMyyyy"),
    ({"rule": "date", "format": ["month", "month"]}, "format: names one twice"),
    ({"rule": "date", "timezone": "Brasilia"}, "timezone: 'Brasilia' is no time zone of the IANA database"),
    ({"rule": "date", "timezone": "+03:00"}, "timezone: '+03:00' is no time zone"),
    ({"rule": "date", "timezone": "localtime"}, "timezone: 'localtime' is no time zone"),
    ({"rule": "date", "timezone": ["UTC"]}, "timezone: ['UTC'] is no time zone"),
    ({"rule": "date", "century": "last"}, "century: 'last' is not one of due, birth"),
    ({"rule": "date", "anchor": "2024-02-30"}, "anchor: "),
    ({"rule": "date", "anchor": "31/01/2024"}, "anchor: '31/01/2024' is no date yyyy-mm-dd"),
    ({"rule": "date", "anchor": 2024}, "anchor: 2024 is no date"),
    ({"rule": "date", "sentinels": "1970-01-01"}, "sentinels: must be a list of dates"),
    ({"rule": "date", "sentinels": ["never"]}, "sentinels: 'never' is no date"),
    ({"rule": "date", "null_words": "pendente"}, "null_words: must be a list of texts"),
    ({"rule": "date", "null_words": [""]}, "null_words: must be a list of texts"),
    ({"rule": "amount", "decimal": ","}, "decimal: ',' is not one of comma, dot"),
    ({"rule": "amount", "type": "money"}, "type: 'money' is no decimal(precision,scale)"),
    ({"rule": "amount", "type": "decimal(39,2)"}, "type: precision must be 1..38"),
    ({"rule": "amount", "type": "decimal(0)"}, "type: precision must be 1..38"),
    ({"rule": "amount", "type": "decimal(2,3)"}, "type: precision must be 1..38 and scale at most the precision"),
    ({"rule": "amount", "implied_decimals": -1}, "implied_decimals: must be a number 0..38"),
    ({"rule": "amount", "implied_decimals": 39}, "implied_decimals: must be a number 0..38"),
    ({"rule": "amount", "implied_decimals": True}, "implied_decimals: must be a number 0..38"),
    ({"rule": "amount", "implied_decimals": "2"}, "implied_decimals: must be a number 0..38"),
    ({"rule": "amount", "debit_marks": ["X"]}, "debit_marks: 'X' not known; known: D, C, DB, CR"),
    ({"rule": "amount", "currency": "real"}, "currency: 'real' is no ISO code of three capitals"),
    ({"rule": "amount", "currency": "usd"}, "currency: 'usd' is no ISO code"),
    ({"rule": "amount", "currency_marks": "US$"}, "currency_marks: must be a list of texts"),
    ({"rule": "amount", "scientific": "yes"}, "scientific: must be true or false"),
    ({"rule": "date", "order": "dmy", "format": ["ddMMyy"]}, "order and format contradict each other"),
    ({"rule": "date", "century": "birth"}, "century = 'birth' needs an anchor"),
    ({"rule": "timestamp", "century": "birth"}, "century = 'birth' needs an anchor"),
    *(
        ({"rule": "amount", "implied_decimals": 2, name: value}, f"implied_decimals and {name} contradict each other")
        for name, value in (("decimal", "comma"), ("scientific", True), ("debit_marks", ["D"]), ("currency_marks", ["US$"]))
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), WRONG, ids=[f"{entry}" for entry, _ in WRONG])
def test_a_wrong_rule_is_one_problem(entry: Any, expected: str) -> None:
    found = parse_rule(entry)
    assert isinstance(found, list), found
    (problem,) = found
    assert problem.startswith(expected)


def test_a_rule_lists_all_its_problems() -> None:
    found = parse_rule({"rule": "date", "order": "x", "format": [], "century": "birth", "colour": 1})
    assert isinstance(found, list)
    assert [problem.split(":")[0].split(" ")[0] for problem in found] == ["rule", "order", "format", "order", "century"]


# What is wrong with a column, its entry, and the place and words that its one problem begins with.
MISTAKES = [
    ("an unknown rule", '{type = "text", rule = "datum"}', "tables.t.columns.c.rule: unknown rule 'datum'"),
    ("an unknown option", '{type = "text", rule = {rule = "date", ordem = 1}}', "tables.t.columns.c.rule: rule date has no option 'ordem'"),
    ("order and format", '{type = "text", rule = {rule = "date", order = "dmy", format = ["month"]}}', "tables.t.columns.c.rule: order and format"),
    ("birth without anchor", '{type = "text", rule = {rule = "date", century = "birth"}}', "tables.t.columns.c.rule: century = 'birth' needs"),
    ("a date rule on a number", '{type = "numeric", rule = "date"}', "tables.t.columns.c.rule: rule date reads texts; numeric is decoded by its type"),
    ("an amount rule on a number", '{type = "numeric(9,2)", rule = "amount"}', "tables.t.columns.c.rule: rule amount reads texts; numeric(9,2)"),
    ("a rule on a date", '{type = "date", rule = "timestamp"}', "tables.t.columns.c.rule: rule timestamp reads texts; date is"),
    ("a rule on a uuid", '{type = "uuid", rule = "date"}', "tables.t.columns.c.rule: rule date reads texts; uuid is"),
    ("a rule on a masked column", '{type = "text", rule = "date", protect = "mask"}', "tables.t.columns.c.rule: contradicts protect = mask"),
    ("a rule on a token", '{type = "text", rule = "amount", protect = "token"}', "tables.t.columns.c.rule: contradicts protect = token"),
    ("a rule on a dropped column", '{type = "text", rule = "date", protect = "drop"}', "tables.t.columns.c.rule: contradicts protect = drop"),
    ("an unknown protection", '{type = "text", protect = "encrypt"}', "tables.t.columns.c.protect: 'encrypt' is not one of mask, token, drop, decrypt"),
    ("a protection that is a list", '{type = "text", protect = ["mask"]}', "tables.t.columns.c.protect: ['mask'] is not one of"),
    ("an empty protection", '{type = "text", protect = ""}', "tables.t.columns.c.protect: '' is not one of"),
    ("a token of a number", '{type = "bigint", protect = "token"}', "tables.t.columns.c.protect: only texts can be protected, not bigint"),
    ("a mask of a date", '{type = "date", protect = "mask"}', "tables.t.columns.c.protect: only texts can be protected, not date"),
    ("a decrypted number", '{type = "numeric", protect = "decrypt"}', "tables.t.columns.c.protect: only texts can be protected"),
    ("keep without mask", '{type = "text", keep = 4}', "tables.t.columns.c.keep: only protect = 'mask' keeps characters"),
    ("keep of a token", '{type = "text", protect = "token", keep = 4}', "tables.t.columns.c.keep: only protect = 'mask'"),
    ("a negative keep", '{type = "text", protect = "mask", keep = -1}', "tables.t.columns.c.keep: -1 must be a number 0..100"),
    ("a keep that is too long", '{type = "text", protect = "mask", keep = 101}', "tables.t.columns.c.keep: 101 must be"),
    ("a keep that is a text", '{type = "text", protect = "mask", keep = "4"}', "tables.t.columns.c.keep: '4' must be"),
    ("a keep that is true", '{type = "text", protect = "mask", keep = true}', "tables.t.columns.c.keep: True must be"),
    ("protected elsewhere", '{type = "text", protect = "mask", protect_at = "kafka"}', "tables.t.columns.c.protect_at: 'kafka' is not one of lake, source"),
    ("protected nowhere", '{type = "text", protect = "mask", protect_at = ["lake"]}', "tables.t.columns.c.protect_at: ['lake'] is not one of"),
    ("a token at the source", '{type = "text", protect = "token", protect_at = "source"}', "tables.t.columns.c.protect_at: at the source only"),
    ("nothing to do at the source", '{type = "text", protect_at = "source"}', "tables.t.columns.c.protect_at: at the source only"),
    ("a keep at the source", '{type = "text", protect = "mask", keep = 4, protect_at = "source"}', "tables.t.columns.c.protect_at: at the source only"),
    ("an unknown kind", '{type = "text", holds = ["rg"]}', "tables.t.columns.c.holds: must be a list of cpf, cnpj, email, phone"),
    ("a kind that is no list", '{type = "text", holds = "cpf"}', "tables.t.columns.c.holds: must be a list of"),
    ("a kind that is a list", '{type = "text", holds = [["cpf"]]}', "tables.t.columns.c.holds: must be a list of"),
    ("the name of a text beside a value", '{type = "text"}\nx__raw = "text"', "tables.t.columns.x__raw: the name is taken"),
    ("the name of a status beside a value", '{type = "text"}\nX__STATUS = "text"', "tables.t.columns.X__STATUS: the name is taken"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_each_mistake_is_one_problem_with_its_place(tmp_path: Path, entry: str, expected: str) -> None:
    (problem,) = problems(tmp_path, f"{HEAD}c = {entry}\n")
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{type = "text", rule = "date"}', "rule: a key is never read by a rule"),
        *(
            (f'{{type = "text", protect = "{way}"}}', "protect: a key cannot be protected: the row could not be found")
            for way in ("mask", "token", "drop", "decrypt")
        ),
    ],
)
def test_a_key_is_neither_read_nor_protected(tmp_path: Path, entry: str, expected: str) -> None:
    (problem,) = problems(tmp_path, f'[tables.t]\nkey = ["c"]\n[tables.t.columns]\nc = {entry}\n')
    assert problem.startswith(f"tables.t.columns.c.{expected}")


@pytest.mark.parametrize("name", ["hash", "sha256_hash", "HASH"])
def test_a_hash_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, f'{HEAD}c = {{type = "text", protect = "{name}"}}\n')
    assert problem.startswith(f"tables.t.columns.c.protect: {name!r} is not one of")
    assert problem.endswith("a plain hash of a CPF is undone in minutes")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[lake]\ndecimals = 'double'\n", "lake.decimals: 'double' is not one of string, precise"),
        ("[lake]\ndecimals = ['string']\n", "lake.decimals: ['string'] is not one of"),
        ("[lake]\ntimes = 'isostring'\n", "lake.times: 'isostring' is not one of adaptive, connect, nanoseconds"),
        (
            "[lake]\ntime = 'connect'\n",
            "lake.time: unknown key; known: topic_prefix, publication, slot, decimals, times",
        ),
        ("refined = 1\n", "refined: only a section [refined.parameters] is known"),
        ("[refined]\nparameter = 1\n", "refined: only a section [refined.parameters] is known"),
        ("[refined]\nparameters = 1\n", "refined: only a section [refined.parameters] is known"),
        ("[refined.tables.x]\n", "refined: only a section [refined.parameters] is known"),
    ],
)
def test_a_mistake_outside_the_tables_is_one_problem(tmp_path: Path, section: str, expected: str) -> None:
    (problem,) = problems(tmp_path, section + HEAD)
    assert problem.startswith(expected)


def test_every_mistake_of_every_kind_is_listed_at_once(tmp_path: Path) -> None:
    entries = [f"c{i} = {entry}" for i, (_, entry, _) in enumerate(MISTAKES) if "\n" not in entry]
    text = "[lake]\ndecimals = 1\ntimes = 2\n[refined]\nx = 1\n" + HEAD + "\n".join(entries) + "\n"
    found = problems(tmp_path, text)
    assert [problem.split(":")[0] for problem in found if ".columns." not in problem] == [
        "lake.decimals",
        "lake.times",
        "refined",
    ]
    for i in range(len(entries)):
        assert sum(problem.startswith(f"tables.t.columns.c{i}.") for problem in found) == 1


def test_a_protected_column_is_what_the_catalog_says(tmp_path: Path) -> None:
    masked = column(tmp_path, '{type = "text", protect = "mask", keep = 4, holds = ["cpf"]}')
    assert (masked.protect, masked.keep, masked.at_source, masked.holds) == (Protect.MASK, 4, False, {"cpf"})
    at_source = column(tmp_path, '{type = "text", protect = "mask", protect_at = "source"}')
    assert (at_source.protect, at_source.keep, at_source.at_source) == (Protect.MASK, 0, True)
    assert column(tmp_path, '{type = "date", protect = "drop"}').lake_columns == ()
    opened = column(tmp_path, '{type = "text", protect = "decrypt", rule = "date"}')
    assert [(c.name, c.spark) for c in opened.lake_columns] == [
        ("c", "date"),
        ("c__raw", "string"),
        ("c__status", "string"),
    ]
    assert (opened.judged, opened.hidden, masked.judged, masked.hidden) == (True, False, False, True)


@pytest.mark.parametrize(
    ("lake", "kind", "encoding"),
    [
        ("", "numeric(15,2)", None),
        ("decimals = 'string'", "numeric", None),
        ("decimals = 'precise'", "numeric(15,2)", "precise"),
        ("decimals = 'precise'", "numeric", "variable_scale"),
        ("decimals = 'precise'", "real", None),
        ("times = 'adaptive'", "timestamp", None),
        ("times = 'connect'", "timestamp", "Timestamp"),
        ("times = 'nanoseconds'", "timestamp(3)", "NanoTimestamp"),
        ("times = 'nanoseconds'", "timestamptz", None),
        ("times = 'nanoseconds'", "date", None),
    ],
)
def test_the_connectors_modes_say_how_a_typed_value_is_written(
    tmp_path: Path, lake: str, kind: str, encoding: str | None
) -> None:
    assert column(tmp_path, f'"{kind}"', f"[lake]\n{lake}\n{HEAD}").encoding == encoding


def test_parameters_of_refined_tables_are_kept(tmp_path: Path) -> None:
    assert load(tmp_path, f"[refined.parameters]\nday = 2026-01-31\nn = 3\n{HEAD}").parameters == {
        "day": date(2026, 1, 31),
        "n": 3,
    }
