"""A business table is one SQL file; what it reads and where its columns come from is read from the SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Catalog, Column, PostgresType, Table, load_catalog, parse_type
from lakehouse_assets.catalog.refined import RefinedTable, load_refined
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.settings import REFINED_FOLDER, load_settings

REPOSITORY = Path(__file__).parents[2]
HEADER = "-- description: Something.\n-- owner: financeiro\n-- grain: id\n"
SIMPLE = HEADER + "SELECT transacao_id AS id FROM transformed.transacoes"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(REPOSITORY / "lakehouse.toml")


def column(name: str, text: str) -> Column:
    parsed = parse_type(text)
    assert isinstance(parsed, PostgresType)
    return Column(name, parsed)


def load(
    folder: Path, catalog: Catalog, given: dict[str, object] | None = None, **files: str
) -> dict[str, RefinedTable]:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return {table.name: table for table in load_refined(folder, replace(catalog, parameters=given or {}))}


def problems(folder: Path, catalog: Catalog, given: dict[str, object] | None = None, **files: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, catalog, given, **files)
    assert raised.value.where == str(folder)
    return raised.value.problems


def test_the_three_tables_the_business_asked_for_have_the_columns_it_asked_for(catalog: Catalog) -> None:
    tables = {t.name: t for t in load_refined(REPOSITORY / "lakehouse_assets" / "defs" / "refined", catalog)}
    assert tables["transacoes_por_condominio"].columns == ("condominio_id", "total_transacoes_por_condominio")
    assert tables["valor_total_por_morador"].columns == ("morador_id", "valor_total_transacoes")
    assert tables["transacoes_diarias_por_tipo"].columns == (
        "data_transacao",
        "tipo",
        "valor_total_diario",
        "total_transacoes_diarias",
    )


def test_bills_are_turned_into_revenue_and_into_who_owes(catalog: Catalog) -> None:
    tables = {t.name: t for t in load_refined(REPOSITORY / "lakehouse_assets" / "defs" / "refined", catalog)}
    assert tables["receita_mensal_por_condominio"].columns == (
        "condominio_id", "nome", "mes", "boletos_pagos", "receita", "multas", "boletos_a_conferir",
    )  # fmt: skip
    owing = tables["inadimplencia"]
    assert owing.columns == (
        "condominio_id", "condominio", "imovel_id", "cpf_pagador", "data_base", "boletos", "boletos_vencidos",
        "valor_vencido", "vencimento_mais_antigo", "dias_atraso", "faixa_atraso", "boletos_a_conferir",
    )  # fmt: skip
    assert owing.lineage["data_base"] == (
        ("transformed.boletos", "data_pagamento"),
        ("transformed.boletos", "data_vencimento"),
    )


def test_the_header_is_read_and_the_select_is_kept_without_comments(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "-- description: Paid: all of it.\n-- owner: financeiro\n-- grain: morador_id, data_transacao\n"
        "-- total: sum(v)\n-- of: SELECT sum(valor_transacao) FROM transformed.transacoes\n"
        "SELECT morador_id, data_transacao, sum(valor_transacao) AS v -- the sum\n"
        "FROM transformed.transacoes GROUP BY ALL;\n"
    )
    table = load(tmp_path, catalog, pago=text)["pago"]
    assert (table.name, table.path) == ("pago", tmp_path / "pago.sql")
    assert (table.description, table.owner) == ("Paid: all of it.", "financeiro")
    assert table.grain == ("morador_id", "data_transacao")
    assert (table.total, table.of) == ("sum(v)", "SELECT sum(valor_transacao) FROM transformed.transacoes")
    assert "--" not in table.select
    assert "/*" not in table.select


def test_a_join_with_aggregates_is_traced_to_every_column_it_comes_from(tmp_path: Path, catalog: Catalog) -> None:
    text = HEADER.replace("id", "condominio_id") + (
        "WITH pago AS (SELECT imovel_id, sum(valor_transacao) AS soma, count(*) AS vezes FROM transformed.transacoes GROUP BY 1)\n"
        "SELECT i.condominio_id, sum(p.soma / i.valor) AS parte, sum(p.vezes) AS vezes\n"
        "FROM transformed.imoveis i JOIN pago p ON p.imovel_id = i.imovel_id GROUP BY i.condominio_id"
    )
    table = load(tmp_path, catalog, partes=text)["partes"]
    assert table.inputs == ("transformed.imoveis", "transformed.transacoes")
    assert table.lineage["condominio_id"] == (("transformed.imoveis", "condominio_id"),)
    assert table.lineage["parte"] == (
        ("transformed.imoveis", "valor"),
        ("transformed.transacoes", "valor_transacao"),
    )


def test_a_count_of_rows_comes_from_no_column(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        HEADER.replace("id", "imovel_id")
        + "SELECT imovel_id, count(*) AS n FROM transformed.transacoes GROUP BY imovel_id"
    )
    assert load(tmp_path, catalog, n=text)["n"].lineage["n"] == ()


def test_a_star_stands_for_every_column(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        HEADER.replace("id", "tipo")
        + "WITH w AS (SELECT tipo, valor * 2 AS dobro FROM transformed.imoveis) SELECT * FROM w"
    )
    table = load(tmp_path, catalog, w=text)["w"]
    assert table.columns == ("tipo", "dobro")
    assert table.lineage["dobro"] == (("transformed.imoveis", "valor"),)


def test_the_name_of_a_common_table_expression_is_no_table(tmp_path: Path, catalog: Catalog) -> None:
    text = HEADER + "WITH moradores AS (SELECT morador_id AS id FROM transformed.moradores) SELECT id FROM moradores"
    assert load(tmp_path, catalog, m=text)["m"].inputs == ("transformed.moradores",)


def test_a_table_may_read_another_business_table_and_comes_after_it(tmp_path: Path, catalog: Catalog) -> None:
    tables = load(
        tmp_path,
        catalog,
        a=HEADER + "SELECT b.id FROM refined.b b JOIN transformed.imoveis i ON i.imovel_id = b.id",
        b=HEADER + "SELECT id FROM refined.c",
        c=SIMPLE,
    )
    assert list(tables) == ["c", "b", "a"]
    assert tables["a"].source_tables(tables) == ("transacoes", "imoveis")
    assert tables["a"].lineage["id"] == (("refined.b", "id"),)


def test_tables_are_bound_to_where_they_are_with_their_aliases(tmp_path: Path, catalog: Catalog) -> None:
    text = HEADER + (
        "WITH t AS (SELECT transacao_id AS id FROM transformed.transacoes)\n"
        "SELECT t.id FROM t JOIN transformed.imoveis ON imoveis.imovel_id = t.id JOIN transformed.moradores m ON m.morador_id = t.id"
    )
    places = {f"transformed.{n}": f"delta.`/lake of mine/{n}`" for n in ("transacoes", "imoveis", "moradores")}
    bound = load(tmp_path, catalog, x=text)["x"].bound(places)
    assert "delta.`/lake of mine/transacoes` AS transacoes" in bound
    assert "delta.`/lake of mine/imoveis` AS imoveis" in bound
    assert "delta.`/lake of mine/moradores` AS m" in bound
    assert "transformed." not in bound
    assert "FROM t " in bound


BODY = "SELECT transacao_id AS id FROM transformed.transacoes"

# What is wrong, the file, and the words its one problem must hold.
MISTAKES = [
    ("no description", "-- owner: a\n-- grain: id\n" + BODY, ["header lacks `-- description: ...`"]),
    ("no owner", "-- description: a\n-- grain: id\n" + BODY, ["header lacks `-- owner: ...`"]),
    ("no grain", "-- description: a\n-- owner: a\n" + BODY, ["header lacks `-- grain: ...`"]),
    ("an unknown header", "-- color: red\n" + SIMPLE, ["unknown header 'color'; known: description, owner, grain"]),
    ("a total without of", "-- total: count(*)\n" + SIMPLE, ["`total` and `of` go together"]),
    ("of without a total", "-- of: SELECT 1\n" + SIMPLE, ["`total` and `of` go together"]),
    ("of that reads an unknown table", "-- total: count(*)\n-- of: SELECT count(*) FROM transformed.nada\n" + SIMPLE, ["unknown table transformed.nada"]),
    ("of that is no SELECT", "-- total: count(*)\n-- of: DROP TABLE x\n" + SIMPLE, ["exactly one SELECT"]),
    ("no statement", HEADER, ["exactly one SELECT is expected"]),
    ("two statements", SIMPLE + ";\nSELECT 1", ["exactly one SELECT is expected"]),
    ("an INSERT", HEADER + "INSERT INTO refined.x SELECT 1 AS id", ["exactly one SELECT is expected"]),
    ("a DROP", HEADER + "DROP TABLE transformed.transacoes", ["exactly one SELECT is expected"]),
    ("no SQL at all", HEADER + "SELECT FROM WHERE (", ["x.sql: "]),
    ("an unknown table", HEADER + "SELECT 1 AS id FROM transformed.contratos", ["unknown table transformed.contratos; known: transformed.condominios", "refined.x"]),
    ("a table without its layer", HEADER + "SELECT transacao_id AS id FROM transacoes", ["unknown table transacoes; known: "]),
    ("the raw table", HEADER + "SELECT position AS id FROM raw", ["unknown table raw; known: "]),
    ("a table of another database", HEADER + "SELECT 1 AS id FROM other.transformed.transacoes", ["unknown table other.transformed.transacoes"]),
    ("a grain that is not selected", HEADER.replace("id", "id, tipo") + BODY, ["grain names 'tipo', which it does not select"]),
    ("an unknown column", HEADER + "SELECT transacao_id AS id, valor FROM transformed.transacoes", ["valor"]),
    ("an unknown column in a condition", SIMPLE + " WHERE valor > 0", ["valor"]),
    ("a column without a name", HEADER + "SELECT transacao_id AS id, max(imovel_id) FROM transformed.transacoes GROUP BY 1", ["needs a name"]),
    ("a name twice", HEADER + "SELECT transacao_id AS id, imovel_id AS id FROM transformed.transacoes", ["selects id twice"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_each_mistake_is_one_problem_that_names_its_file(
    tmp_path: Path, catalog: Catalog, text: str, expected: list[str]
) -> None:
    (problem,) = problems(tmp_path, catalog, x=text)
    assert problem.startswith("x.sql: ")
    assert all(words in problem for words in expected)


# Parameters. Their catalog is made here: no rule, no file.

BILLS = Catalog("p", "p", "p", (
    Table("bills", "public", ("id",), (column("id", "integer"), column("paid", "date")), "", "", "p"),
))  # fmt: skip
BILL_IDS = HEADER + "SELECT id FROM transformed.bills"
DATED = HEADER + "-- param base: date{}\nSELECT id FROM transformed.bills WHERE paid <= :base"


def test_a_parameter_stands_for_its_default_until_the_catalog_gives_a_value(tmp_path: Path) -> None:
    text = DATED.format(" = 2026-01-31")
    assert "paid <= CAST('2026-01-31' AS DATE)" in load(tmp_path, BILLS, x=text)["x"].select
    for given in ("2026-02-28", date(2026, 2, 28)):
        assert "paid <= CAST('2026-02-28' AS DATE)" in load(tmp_path, BILLS, {"base": given}, x=text)["x"].select


def test_a_default_may_be_taken_from_the_data_which_is_then_an_input(tmp_path: Path, catalog: Catalog) -> None:
    text = HEADER + (
        "-- param base: date = SELECT max(data_transacao) FROM transformed.transacoes\n"
        "SELECT morador_id AS id, :base AS base FROM transformed.moradores WHERE data_registro <= :base"
    )
    table = load(tmp_path, catalog, x=text)["x"]
    assert table.inputs == ("transformed.moradores", "transformed.transacoes")
    assert table.lineage["base"] == (("transformed.transacoes", "data_transacao"),)
    places = {f"transformed.{name}": f"delta.`/lake/{name}`" for name in ("moradores", "transacoes")}
    assert table.bound(places).count("CAST((SELECT MAX(data_transacao) FROM delta.`/lake/transacoes`") == 2
    given = load(tmp_path, catalog, {"base": "2026-01-31"}, x=text)["x"]
    assert given.inputs == ("transformed.moradores",)
    assert given.lineage["base"] == ()


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("integer", "30", "CAST('30' AS BIGINT)"),
        ("integer", -7, "CAST('-7' AS BIGINT)"),
        ("decimal", "12.50", "CAST('12.50' AS DECIMAL(18, 2))"),
        ("date", "0001-01-01", "CAST('0001-01-01' AS DATE)"),
    ],
)
def test_a_value_becomes_a_literal_of_its_type(tmp_path: Path, kind: str, value: object, literal: str) -> None:
    text = HEADER + f"-- param n: {kind}\nSELECT id, :n AS n FROM transformed.bills"
    assert f"SELECT id, {literal} AS n" in load(tmp_path, BILLS, {"n": value}, x=text)["x"].select


def test_the_total_that_must_reconcile_knows_the_parameters_and_is_written_for_the_checks(tmp_path: Path) -> None:
    of = "-- total: count(*)\n-- of: SELECT count_if(paid <= :base) FROM transformed.bills\n"
    table = load(tmp_path, BILLS, x=of + DATED.format(" = 2026-01-31"))["x"]
    assert table.of == "SELECT COUNT_IF(paid <= CAST('2026-01-31' AS DATE)) FROM transformed.bills"


def test_one_value_serves_every_file_that_declares_it(tmp_path: Path) -> None:
    tables = load(tmp_path, BILLS, {"base": "2026-01-31"}, a=DATED.format(""), b=DATED.format(" = 2025-12-31"))
    assert all("'2026-01-31'" in table.select for table in tables.values())


NO_VALUE = "x.sql: param base has neither a default nor a value; set base in [refined.parameters] of the catalog"
# What is wrong, the file, the catalog's values, and its one problem.
MISGIVEN: list[tuple[str, str, dict[str, object], str]] = [
    ("no value", DATED.format(""), {}, NO_VALUE),
    ("no day", DATED.format(" = 2026-02-30"), {}, "x.sql: param base: '2026-02-30' is no date; accepted: 2026-01-31"),
    ("today", DATED.format(" = current_date"), {}, "x.sql: param base: 'current_date' is no date; accepted: 2026-01-31"),
    ("a value that is no day", DATED.format(""), {"base": "31/01/2026"}, "catalog: refined.parameters.base: '31/01/2026' is no date; accepted: 2026-01-31"),
    ("a SELECT given", DATED.format(""), {"base": "SELECT 1"}, "catalog: refined.parameters.base: 'SELECT 1' is no date; accepted: 2026-01-31"),
    ("an integer with a fraction", DATED.format("").replace("date", "integer"), {"base": 1.5}, "catalog: refined.parameters.base: '1.5' is no integer; accepted: 30"),
    ("a value nobody asks for", BILL_IDS, {"day": 1}, "catalog: refined.parameters.day: no refined table has this parameter; known: none"),
    ("not declared", HEADER + "SELECT id FROM transformed.bills WHERE paid <= :base", {}, "x.sql: unknown parameter :base; declared: none"),
    ("without a name", HEADER + "SELECT id FROM transformed.bills WHERE paid <= ?", {}, "x.sql: unknown parameter ?; declared: none"),
    ("not used", "-- param day: date = 2026-01-31\n" + BILL_IDS, {}, "x.sql: param day is not used"),
    ("an unknown type", DATED.format("").replace("date", "text"), {}, "x.sql: param base: unknown type text; known: date, integer, decimal"),
    ("no type", "-- param day = 5\n" + BILL_IDS, {}, "x.sql: `param day = 5` cannot be read; accepted: `-- param name: type = default`"),
    ("twice", "-- param base: date = 2026-01-31\n" + DATED.format(" = 2026-01-31"), {}, "x.sql: param base is declared twice"),
    ("a default of two values", DATED.format(" = SELECT 1, 2"), {}, "x.sql: param base: exactly one SELECT of one value is expected, without parameters"),
    ("a default with a parameter", DATED.format(" = SELECT :base"), {}, "x.sql: param base: exactly one SELECT of one value is expected, without parameters"),
    ("a default of an unknown table", DATED.format(" = SELECT max(d) FROM transformed.nada"), {}, "x.sql: unknown table transformed.nada; known: transformed.bills, refined.x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "expected"), [m[1:] for m in MISGIVEN], ids=[m[0] for m in MISGIVEN])
def test_each_mistake_of_a_parameter_is_one_problem(
    tmp_path: Path, text: str, given: dict[str, object], expected: str
) -> None:
    assert problems(tmp_path, BILLS, given, x=text) == [expected]


def test_tables_that_read_each_other_in_a_circle_are_named(tmp_path: Path, catalog: Catalog) -> None:
    circle = {"a": HEADER + "SELECT id FROM refined.b", "b": HEADER + "SELECT id FROM refined.a"}
    (problem,) = problems(tmp_path, catalog, **circle, alone=SIMPLE)
    assert problem == "refined tables read each other in a circle: a, b"


def test_a_table_that_reads_itself_is_a_circle(tmp_path: Path, catalog: Catalog) -> None:
    (problem,) = problems(tmp_path, catalog, a=HEADER + "SELECT id FROM refined.a")
    assert problem == "refined tables read each other in a circle: a"


def test_the_problems_of_all_files_are_listed_at_once(tmp_path: Path, catalog: Catalog) -> None:
    found = problems(tmp_path, catalog, a=BODY, b=HEADER + "SELECT id FROM refined.z", c=SIMPLE)
    assert [problem.split(":")[0] for problem in found] == ["a.sql", "a.sql", "a.sql", "b.sql"]


def test_a_table_that_reads_a_wrong_one_is_not_blamed(tmp_path: Path, catalog: Catalog) -> None:
    wrong = HEADER + "SELECT nada AS id FROM transformed.transacoes"
    (problem,) = problems(tmp_path, catalog, a=wrong, b=HEADER + "SELECT id FROM refined.a", c=SIMPLE)
    assert problem == "a.sql: Column 'nada' could not be resolved"


def test_a_folder_without_sql_holds_no_business_table(tmp_path: Path, catalog: Catalog) -> None:
    assert load(tmp_path, catalog) == {}


def test_the_business_tables_of_a_catalog_are_in_the_folder_beside_it(tmp_path: Path) -> None:
    words = {"LAKEHOUSE_CATALOG": str(tmp_path / "lakehouse.toml")}
    assert load_settings(words).refined_folder == REFINED_FOLDER
    (tmp_path / "refined").mkdir()
    assert load_settings(words).refined_folder == tmp_path / "refined"
    assert load_settings(words | {"LAKEHOUSE_REFINED": str(tmp_path)}).refined_folder == tmp_path
