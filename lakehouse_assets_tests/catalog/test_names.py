"""Which rule a column gets: what the catalog says, else nothing where the source has a type, else what its name asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse_assets.catalog import Catalog, Column, load_catalog, names
from lakehouse_assets.catalog.rules import AmountRule, DateRule
from lakehouse_assets_tests.normalisation.reference import choose
from lakehouse_assets_tests.normalisation.reference.names import parts

WORKED = Path(__file__).parents[1] / "normalisation" / "cases" / "names.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in WORKED.read_text("utf-8").splitlines()]
NAMES = {"date": DateRule(), "amount": AmountRule(), None: None}


def load(tmp_path: Path, text: str) -> Catalog:
    file = tmp_path / "lakehouse.toml"
    file.write_text(text, encoding="utf-8")
    return load_catalog(file)


def column(tmp_path: Path, name: str, entry: str, key: str = "id") -> Column:
    """A column of that name in a table of its own; `entry` as the catalog writes it."""
    text = f'[tables.t]\nkey = [{json.dumps(key)}]\n[tables.t.columns]\nid = "integer"\n{json.dumps(name)} = {entry}\n'
    return load(tmp_path, text).table("t").column(name)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every worked example as the only other column of a table."""
    tables = [
        f'[tables.t{i}]\nkey = ["id"]\n[tables.t{i}.columns]\nid = "integer"\n'
        f"{json.dumps(c['column'])} = {json.dumps(c['source_type'])}\n"
        for i, c in enumerate(CASES)
    ]
    return load(tmp_path_factory.mktemp("names"), "".join(tables))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c['column']} {c['why']}" for c in CASES])
def test_a_name_chooses_the_rule_that_the_example_says(loaded: Catalog, number: int) -> None:
    case = CASES[number]
    found = loaded.table(f"t{number}").column(case["column"])
    assert found.rule == NAMES[case["rule"]]
    assert (found.why == "name") == (case["rule"] is not None)


@given(st.one_of(st.text(), st.text("aAdDtTvVlLrRoOmMeE_- 1²çÇãº")))
@example("nºdata")
@example("valor²")
@example("øData")
def test_any_name_has_the_parts_and_the_rule_of_the_reference(name: str) -> None:
    assert names.parts(name) == parts(name)
    found = names.hits(name)
    assert (found[0] if len(found) == 1 else None) == choose(name, "text")


@pytest.mark.parametrize(
    "kind", ["text", "varchar(9)", "character varying(9)", "char(8)", "character(8)", "bpchar", "citext"]
)
def test_every_text_type_is_read_by_name(tmp_path: Path, kind: str) -> None:
    assert column(tmp_path, "data", f'"{kind}"').rule == DateRule()


@pytest.mark.parametrize("kind", ["uuid", "json", "jsonb", "date", "timestamp", "numeric", "integer", "boolean"])
def test_no_other_type_is_read_by_name(tmp_path: Path, kind: str) -> None:
    found = column(tmp_path, "data", f'"{kind}"')
    assert (found.rule, found.why) == (None, "type")


def test_the_catalog_goes_before_the_name(tmp_path: Path) -> None:
    off = column(tmp_path, "data_json", '{type = "text", rule = "none"}')
    assert (off.rule, off.why) == (None, "catalog: switched off")
    on = column(tmp_path, "vencimento", '{type = "text", rule = "date"}')
    assert (on.rule, on.why) == (DateRule(), "catalog")
    other = column(tmp_path, "data", '{type = "text", rule = {rule = "timestamp", order = "mdy"}}')
    assert (other.rule, other.why) == (DateRule(instant=True, order="mdy"), "catalog")


def test_a_name_with_parts_of_both_rules_gets_none_and_says_so(tmp_path: Path) -> None:
    found = column(tmp_path, "data_valor", '"text"')
    assert (found.rule, found.why) == (None, "name: parts of both rules")


def test_a_key_and_a_hidden_column_say_why_they_have_no_rule_and_a_miss_needs_no_reason(tmp_path: Path) -> None:
    assert column(tmp_path, "vencimento", '"text"').why == ""
    key = column(tmp_path, "data", '"text"', key="data")
    assert (key.rule, key.why) == (None, "key")
    for protect in ("mask", "token", "drop"):
        hidden = column(tmp_path, "valor", f'{{type = "text", protect = "{protect}"}}')
        assert (hidden.rule, hidden.why) == (None, f"protected: {protect}")
    assert column(tmp_path, "valor", '{type = "text", protect = "decrypt"}').rule == AmountRule()
