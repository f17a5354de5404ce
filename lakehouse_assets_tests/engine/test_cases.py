"""The business tables of the repository give what their cases say; a case that does not hold is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.cases import Case, load_cases
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.engine.cases import run_case
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.progress.cases import all_cases, run_all, tables_for
from lakehouse_assets.settings import REFINED_FOLDER
from lakehouse_assets_tests.real_stack import CATALOG as FILE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CATALOG = load_catalog(FILE)
TABLES = {table.name: table for table in load_refined(REFINED_FOLDER, CATALOG)}
CASES = [(name, case) for name, cases in all_cases(REFINED_FOLDER, CATALOG, TABLES).items() for case in cases]
HEADER = "-- description: Something.\n-- owner: a\n-- grain: morador_id\n"


def test_every_business_table_has_a_case() -> None:
    assert {name for name, _ in CASES} == set(TABLES)


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_a_business_table_gives_what_its_case_says(spark: SparkSession, name: str, case: Case) -> None:
    tables = tables_for(REFINED_FOLDER, CATALOG, case)
    outcome = run_case(spark, tables[name], tables, CATALOG, case)
    assert (outcome.missing, outcome.unexpected) == ([], [])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A business table over a business table, both of one folder."""
    base = "SELECT morador_id, count(*) AS n FROM transformed.transacoes GROUP BY morador_id"
    (tmp_path / "base.sql").write_text(HEADER + base, encoding="utf-8")
    (tmp_path / "over.sql").write_text(HEADER + "SELECT morador_id, n * 2 AS dobro FROM refined.base", encoding="utf-8")
    return tmp_path


def told(spark: SparkSession, folder: Path, text: str) -> tuple[int, list[str]]:
    (folder / "over.cases.yaml").write_text(text, encoding="utf-8")
    lines: list[str] = []
    return run_all(spark, folder, CATALOG, all_cases(folder, CATALOG, ["over"]), lines.append), lines


GIVEN = "given: {transformed.transacoes: [{morador_id: 1}, {morador_id: 1}, {morador_id: 2}]}"


def test_a_business_table_that_is_read_is_computed_of_the_given_rows_too(spark: SparkSession, folder: Path) -> None:
    expect = "expect: [{morador_id: 2, dobro: 2}, {morador_id: 1, dobro: 4}]"
    assert told(spark, folder, f"- {{case: a, {GIVEN}, {expect}}}") == (0, ["over: a: holds"])


def test_a_case_that_does_not_hold_names_the_rows(spark: SparkSession, folder: Path) -> None:
    failed, lines = told(spark, folder, f"- {{case: a, {GIVEN}, expect: [{{dobro: 2}}, {{dobro: 5}}]}}")
    assert (failed, lines) == (1, ["over: a: DOES NOT HOLD", "    missing: dobro=5", "    unexpected: dobro=4"])
    failed, lines = told(spark, folder, f"- {{case: a, {GIVEN}, expect: []}}")
    assert failed == 1
    assert len(lines) == 3
    failed, lines = told(spark, folder, f"- {{case: a, {GIVEN}, expect: [{{dobro: 2}}, {{dobro: 2}}, {{dobro: 4}}]}}")
    assert (failed, lines[1]) == (1, "    missing: dobro=2")


@pytest.mark.parametrize(
    ("select", "given", "said"),
    [
        ("data_transacao", "data_transacao: 31/01/2026", "[CAST_INVALID_INPUT] The value '31/01/2026' of the type"),
        ("IF(morador_id = 1, nada(1), 0)", "morador_id: 1", "[UNRESOLVED_ROUTINE] Cannot resolve routine `NADA`"),
    ],
)
def test_a_case_that_cannot_be_computed_is_told_and_the_others_run(
    spark: SparkSession, folder: Path, select: str, given: str, said: str
) -> None:
    (folder / "base.sql").write_text(
        HEADER + f"SELECT morador_id, {select} AS a FROM transformed.transacoes", encoding="utf-8"
    )
    (folder / "base.cases.yaml").write_text(
        f"- {{case: a, given: {{transformed.transacoes: [{{{given}}}]}}, expect: []}}", encoding="utf-8"
    )
    (folder / "over.sql").write_text(HEADER + "SELECT morador_id FROM transformed.transacoes", encoding="utf-8")
    (folder / "over.cases.yaml").write_text("- {case: b, given: {}, expect: []}", encoding="utf-8")
    lines: list[str] = []
    assert run_all(spark, folder, CATALOG, all_cases(folder, CATALOG, ["base", "over"]), lines.append) == 1
    assert lines[0].startswith(f"base: a: {said}")
    assert lines[1:] == ["over: b: holds"]


def test_columns_are_not_told_apart_by_the_case_of_their_letters(spark: SparkSession, folder: Path) -> None:
    sql = "SELECT morador_id, count(*) AS Total FROM transformed.transacoes GROUP BY morador_id"
    (folder / "over.sql").write_text(HEADER + sql, encoding="utf-8")
    given = "given: {transformed.transacoes: [{MORADOR_ID: 1}, {Morador_Id: 1}]}"
    expect = "expect: [{morador_ID: 1, tOtAl: 2}]"
    assert told(spark, folder, f"- {{case: a, {given}, {expect}}}") == (0, ["over: a: holds"])
    failed, lines = told(spark, folder, f"- {{case: a, {given}, expect: [{{TOTAL: 3}}]}}")
    assert (failed, [line.lower() for line in lines[1:]]) == (1, ["    missing: total=3", "    unexpected: total=2"])


def test_a_table_without_cases_is_told(spark: SparkSession, folder: Path) -> None:
    lines: list[str] = []
    assert run_all(spark, folder, CATALOG, all_cases(folder, CATALOG, ["base"]), lines.append) == 0
    assert lines == ["base: no cases (base.cases.yaml beside its SQL)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "is no YAML"),
        ("{}", "a list of cases is expected"),
        ("- {case: a}", "case 1: needs case, given and expect"),
        ("- {case: a, given: {}, expect: [], more: 1}", "case 1: needs case"),
        ("- {case: a, given: {transformed.nada: []}, expect: []}", "a: transformed.nada is no input; inputs: transformed.condominios"),
        ("- {case: a, given: {transformed.imoveis: [{cor: 1}]}, expect: []}", "a: transformed.imoveis: no such column: cor; columns: imovel_id"),
        ("- {case: a, given: {transformed.imoveis: 5}, expect: []}", "a: transformed.imoveis: must be a list of rows"),
        ("- {case: a, given: [1], expect: []}", "a: given must be rows by table"),
        ("- {case: a, given: {}, expect: [{x: 1}]}", "a: expect: no such column: x; columns: morador_id, dobro"),
        ("- {case: a, given: {}, expect: [{dobro: 1}, {morador_id: 1}]}", "a: the expected rows do not name the same"),
        ("- {case: a, given: {}, expect: 5}", "a: expect: must be a list of rows"),
        ("- {case: a, given: {}, expect: [{dobro: 1, on: 2}]}", "a: expect: True is no column's name; YAML reads on"),
        ("- {case: a, given: {}, expect: [{dobro: 1, DOBRO: 2}]}", "a: expect: a row names a column twice"),
        ("- {case: a, given: {on: []}, expect: []}", "a: given must be rows by table"),
        ("- {case: a, given: {}, expect: [], parameters: [x]}", "a: parameters must be values by name"),
        ("- {case: a, given: {}, expect: [], parameters: {on: 1}}", "a: parameters must be values by name"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_cases_is_told_with_its_place(folder: Path, text: str, expected: str) -> None:
    (folder / "over.cases.yaml").write_text(text, encoding="utf-8")
    tables = {table.name: table for table in load_refined(folder, CATALOG)}
    with pytest.raises(ConfigurationError) as raised:
        load_cases(tables["over"], CATALOG)
    assert raised.value.problems[0].startswith(expected)
