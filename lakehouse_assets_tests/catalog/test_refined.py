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
        ("transformed.boletos", "_committed_at"),
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


def test_a_column_written_with_its_layer_is_bound_to_its_table(tmp_path: Path, catalog: Catalog) -> None:
    text = HEADER + (
        "SELECT transformed.imoveis.imovel_id AS id, Refined.a.*, m.nome FROM transformed.imoveis\n"
        "JOIN refined.a ON refined.a.n = transformed.imoveis.imovel_id JOIN transformed.moradores m ON true"
    )
    tables = load(tmp_path, catalog, a=HEADER.replace("id", "n") + BODY.replace("AS id", "AS n"), x=text)
    places = {name: f"delta.`/{name}`" for name in tables["x"].inputs}
    assert tables["x"].bound(places) == (
        "SELECT imoveis.imovel_id AS id, a.*, m.nome FROM delta.`/transformed.imoveis` AS imoveis "
        "JOIN delta.`/refined.a` AS a ON a.n = imoveis.imovel_id JOIN delta.`/transformed.moradores` AS m ON TRUE"
    )


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
    ("a SELECT in parentheses", HEADER + "(SELECT imovel_id AS id FROM transformed.imoveis) LIMIT 3", ["stands in parentheses"]),
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
    ("a name twice but for its case", HEADER + "SELECT transacao_id AS id, imovel_id AS Id FROM transformed.transacoes", ["selects id twice"]),
    ("a total that cannot be read", "-- total: count(*\n-- of: SELECT 1\n" + SIMPLE, ["x.sql: total: Expecting )"]),
    ("a total of an unknown column", "-- total: sum(valr)\n-- of: SELECT 1\n" + SIMPLE, ["x.sql: total: Column 'valr' could not be resolved"]),
    ("a total of two values", "-- total: sum(id), 1\n-- of: SELECT 1\n" + SIMPLE, ["x.sql: total: one value is expected, not 2"]),
    ("a total of an unknown table", "-- total: sum(id) + (SELECT count(*) FROM transformed.nada)\n-- of: SELECT 1\n" + SIMPLE, ["x.sql: total: unknown table transformed.nada"]),
    ("a total with a parameter", "-- total: sum(id) + :least\n-- of: SELECT 1\n" + SIMPLE, ["x.sql: total: has a parameter; only the SELECT and `of` may"]),
    ("of that reads an unknown column", "-- total: count(*)\n-- of: SELECT sum(nada) FROM transformed.transacoes\n" + SIMPLE, ["x.sql: of: Column 'nada' could not be resolved"]),
    ("of that reads an unknown column of a business table", "-- total: count(*)\n-- of: SELECT sum(nada) FROM refined.x\n" + SIMPLE, ["x.sql: of: Column 'nada' could not be resolved"]),
    ("of that the second engine cannot read", "-- total: count(*)\n-- of: SELECT sum(`imovel_id`) FROM transformed.transacoes\n" + SIMPLE, ["x.sql: of: "]),
    ("of with two values", "-- total: count(*)\n-- of: SELECT 1, 2\n" + SIMPLE, ["x.sql: of: one value is expected, not 2"]),
    ("a layer that names one of two", HEADER + "SELECT transformed.imoveis.imovel_id AS id FROM transformed.imoveis JOIN history.imoveis ON true", ["transformed.imoveis.imovel_id: two tables are called imoveis; give one another name (`AS ...`)"]),
    ("a header after the SELECT", "-- description: a\n-- owner: a\n" + BODY + "\n-- grain: id", ["header lacks `-- grain: ...`"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_each_mistake_is_one_problem_that_names_its_file(
    tmp_path: Path, catalog: Catalog, text: str, expected: list[str]
) -> None:
    (problem,) = problems(tmp_path, catalog, x=text)
    assert problem.startswith("x.sql: ")
    assert all(words in problem for words in expected)


@pytest.mark.parametrize("name", ["vendas.2024", "vendas-dia", "2024_vendas", "Vendas", "vendas do dia", "preço"])
def test_a_file_whose_name_is_no_tables_is_a_problem(tmp_path: Path, catalog: Catalog, name: str) -> None:
    total = "-- total: count(*)\n-- of: SELECT count(*) FROM transformed.transacoes\n"
    (problem,) = problems(tmp_path, catalog, **{name: total + SIMPLE, "vendas": SIMPLE})
    assert problem == f"{name}.sql: the file's name is the table's and must be lower-case letters, digits and _"


def test_a_file_that_is_not_utf8_is_a_problem_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_bytes(("-- description: Até.\n" + DATED.format("")).encode("latin-1"))
    assert problems(tmp_path, BILLS, {"base": "2026-01-31"}, y="-- color: red\n" + BILL_IDS) == [
        "x.sql: is not UTF-8",
        "y.sql: unknown header 'color'; known: description, owner, grain, total, of, empty",
    ]


def test_only_what_stands_before_the_statement_is_its_header(tmp_path: Path, catalog: Catalog) -> None:
    text = f"/* ours */\n\n{HEADER}\n-- a word\n-- empty: at night\n" + (
        "SELECT transacao_id AS id -- obs: a word\n-- owner: nobody\n-- param of nothing\nFROM transformed.transacoes"
    )
    table = load(tmp_path, catalog, x=text)["x"]
    assert (table.owner, table.empty) == ("financeiro", "at night")


PEOPLE = Catalog("p", "p", "p", (
    Table("people", "public", ("Id",), (column("Id", "integer"), column("Email", "text"), column("E.mail (2)", "text")), "", "", "p", history=True),
))  # fmt: skip


@pytest.mark.parametrize(
    ("select", "columns"),
    [
        ("SELECT ID, email AS Contato FROM transformed.people", {"ID": "Id", "Contato": "Email"}),
        ("SELECT id AS ID, `e.MAIL (2)` FROM transformed.people", {"ID": "Id", "e.MAIL (2)": "E.mail (2)"}),
        ("SELECT * EXCEPT (_position, _lsn, _tx_id, _op, _committed_at) FROM transformed.people", {"Id": "Id", "Email": "Email", "E.mail (2)": "E.mail (2)"}),
        ("WITH w AS (SELECT ID, upper(EMAIL) AS Contato FROM transformed.people) SELECT * FROM w", {"ID": "Id", "Contato": "Email"}),
        ("SELECT * FROM (SELECT iD, EMAIL FROM transformed.people UNION ALL SELECT id, email FROM history.people)", {"iD": "Id", "EMAIL": "Email"}),
        ("SELECT p.id AS Id, q.CONTATO FROM refined.a p JOIN refined.a q ON q.ID = p.id", {"Id": "Id", "CONTATO": "Contato"}),
        ("SELECT * FROM refined.a", {"Id": "Id", "Contato": "Contato"}),
    ],
)  # fmt: skip
def test_names_stay_as_they_are_written_and_their_case_tells_nothing_apart(
    tmp_path: Path, select: str, columns: dict[str, str]
) -> None:
    first = HEADER + "SELECT id AS Id, EMAIL AS Contato FROM transformed.people"
    table = load(tmp_path, PEOPLE, a=first, b=HEADER.replace("grain: id", "grain: iD") + select)["b"]
    assert table.columns == tuple(columns)
    assert {name: {source for _, source in of} for name, of in table.lineage.items()} == {
        name: {source} for name, source in columns.items()
    }


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
