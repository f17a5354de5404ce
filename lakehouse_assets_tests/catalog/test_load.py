"""A catalog that is wrong is refused before anything starts, with every problem and its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Catalog, Kind, load_catalog
from lakehouse_assets.catalog import columns as columns_module
from lakehouse_assets.catalog import load as load_module
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import EXIT_USAGE, ConfigurationError

REPOSITORY_CATALOG = Path(__file__).parents[2] / "lakehouse.toml"
PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"

PAGAMENTOS = """
[tables.pagamentos]
key = ["id"]
[tables.pagamentos.columns]
id = "integer"
valor = "numeric(15,2)"
"""


def load(tmp_path: Path, text: str) -> Catalog:
    file = tmp_path / "lakehouse.toml"
    file.write_text(text, encoding="utf-8")
    return load_catalog(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    assert raised.value.where == str(tmp_path / "lakehouse.toml")
    assert raised.value.exit_code == EXIT_USAGE
    assert all(problem in raised.value.text() for problem in raised.value.problems)
    return raised.value.problems


def test_the_repositorys_catalog_holds_the_five_tables_of_the_source() -> None:
    catalog = load_catalog(REPOSITORY_CATALOG)
    assert catalog.names == ("condominios", "moradores", "imoveis", "transacoes", "boletos")
    transacoes = catalog.table("transacoes")
    assert transacoes.key == ("transacao_id",)
    assert [(c.name, c.type.spark) for c in transacoes.columns] == [
        ("transacao_id", "int"),
        ("imovel_id", "int"),
        ("morador_id", "int"),
        ("data_transacao", "date"),
        ("valor_transacao", "decimal(15,2)"),
    ]


def test_the_page_of_the_catalog_has_every_key_and_an_example_that_is_read(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    table = load(tmp_path, example[1]).table("pedidos")
    assert (table.source_name, table.history, table.column("tipo_data").rule) == ("Sales.Order Items", True, None)
    known = {*load_module._LAKE_KEYS, *load_module._ENCODINGS, *load_module._TABLE_KEYS, *columns_module._COLUMN_KEYS}
    named = set(
        re.findall(r"`([a-z_]+)`", "\n".join(line.split("|")[1] for line in page.splitlines() if line[:1] == "|"))
    )
    assert known == named


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    catalog = load(tmp_path, PAGAMENTOS)
    assert (catalog.topic_prefix, catalog.publication, catalog.slot) == ("lakehouse", "lakehouse", "lakehouse")
    table = catalog.table("pagamentos")
    assert (table.schema, table.description, table.owner) == ("public", "", "")


def test_names_everywhere_derive_from_the_tables_name(tmp_path: Path) -> None:
    text = '[lake]\ntopic_prefix = "p"\npublication = "pub"\nslot = "s"\n' + PAGAMENTOS.replace(
        "key", 'schema = "financeiro"\nkey'
    )
    catalog = load(tmp_path, text)
    table = catalog.table("pagamentos")
    assert table.source_name == "financeiro.pagamentos"
    assert table.topic == "p.financeiro.pagamentos"
    assert catalog.published == ("financeiro.pagamentos", "lakehouse.heartbeat", "lakehouse.signal")
    assert catalog.heartbeat_topic == "p.lakehouse.heartbeat"
    paths = LakePaths(tmp_path)
    places = [paths.raw, paths.transformed("pagamentos"), paths.refined("x")]
    assert [place.relative_to(tmp_path).as_posix() for place in places] == [
        "raw",
        "transformed/pagamentos",
        "refined/x",
    ]


def test_a_key_keeps_its_own_order_and_the_other_columns_the_tables(tmp_path: Path) -> None:
    text = '[tables.t]\nkey = ["b", "a"]\n[tables.t.columns]\na = "integer"\nx = "text"\nb = "date"\ny = "text"\n'
    table = load(tmp_path, text).table("t")
    assert [c.name for c in table.key_columns] == ["b", "a"]
    assert [c.name for c in table.other_columns] == ["x", "y"]
    assert table.column("b").type.kind is Kind.DATE


def test_a_table_has_a_history_when_it_asks_for_one(tmp_path: Path) -> None:
    assert not load(tmp_path, PAGAMENTOS).table("pagamentos").history
    assert load(tmp_path, PAGAMENTOS.replace("key", "history = true\nkey")).table("pagamentos").history


def test_a_column_may_be_a_section_with_a_description(tmp_path: Path) -> None:
    text = PAGAMENTOS + '[tables.pagamentos.columns.nota]\ntype = "text"\ndescription = "Free text."\n'
    column = load(tmp_path, text).table("pagamentos").column("nota")
    assert (column.type.kind, column.description) == (Kind.TEXT, "Free text.")


def test_asking_for_what_the_catalog_does_not_hold_is_a_key_error(tmp_path: Path) -> None:
    catalog = load(tmp_path, PAGAMENTOS)
    with pytest.raises(KeyError, match="contratos"):
        catalog.table("contratos")
    with pytest.raises(KeyError, match=r"pagamentos\.nota"):
        catalog.table("pagamentos").column("nota")


COLUMNS = '[tables.t.columns]\nid = "integer"\n'
TABLE = '[tables.t]\nkey = ["id"]\n'

# What is wrong, the catalog, and the place and words that its one problem must hold.
MISTAKES = [
    ("no table at all", '[lake]\nslot = "s"\n', "tables: at least one"),
    ("tables is no section", "tables = 1\n", "tables: at least one"),
    ("an unknown section", f"[extra]\n{TABLE}{COLUMNS}", "extra: unknown section; known: lake, tables"),
    (
        "two tables on one topic",
        "[tables.a]\nsource = 'x y'\nkey = ['id']\ncolumns = {id = 'integer'}\n[tables.x_y]\nkey = ['id']\ncolumns = {id = 'integer'}\n",
        "tables.x_y: its changes come in the topic of tables.a's",
    ),
    ("lake is no section", f"lake = 1\n{TABLE}{COLUMNS}", "lake: must be a section"),
    ("an unknown key of the lake", f"[lake]\nslots = 'x'\n{TABLE}{COLUMNS}", "lake.slots: unknown key; known: topic_prefix"),
    ("a slot in capitals", f"[lake]\nslot = 'Slot'\n{TABLE}{COLUMNS}", "lake.slot: 'Slot' must be lower-case"),
    ("a prefix with a dot", f"[lake]\ntopic_prefix = 'a.b'\n{TABLE}{COLUMNS}", "lake.topic_prefix: 'a.b' must be lower-case"),
    ("a publication that is a number", f"[lake]\npublication = 7\n{TABLE}{COLUMNS}", "lake.publication: 7 must be"),
    ("a table name with a hyphen", '[tables.t-x]\nkey = ["id"]\ncolumns = {id = "integer"}\n', "tables.t-x: the name must be"),
    ("a table that is no section", "[tables]\nt = 1\n", "tables.t: must be a section"),
    ("an unknown key of a table", f'{TABLE}primary_key = ["id"]\n{COLUMNS}', "tables.t.primary_key: unknown key; known: columns"),
    ("a description that is no text", f"{TABLE}description = 1\n{COLUMNS}", "tables.t.description: must be text"),
    ("an owner that is no text", f"{TABLE}owner = ['a']\n{COLUMNS}", "tables.t.owner: must be text"),
    ("a schema that is no text", f"{TABLE}schema = 1\n{COLUMNS}", "tables.t.schema: must be text"),
    ("a schema with a dot", f"{TABLE}schema = 'a.b'\n{COLUMNS}", "tables.t.schema: 'a.b' holds what the connector"),
    ("a source with a comma", f"{TABLE}source = 'a,b'\n{COLUMNS}", "tables.t.source: 'a,b' holds what the connector"),
    ("an empty schema", f"{TABLE}schema = ''\n{COLUMNS}", "tables.t.schema: is empty"),
    ("a history that is neither true nor false", f"{TABLE}history = 'yes'\n{COLUMNS}", "tables.t.history: must be true or false"),
    ("a column that its history has", f'{TABLE}history = true\n{COLUMNS}Valid_From = "date"\n', "tables.t.columns.Valid_From: the name is taken"),
    ("no key", f"[tables.t]\n{COLUMNS}", "tables.t.key: a primary key is needed"),
    ("an empty key", f"[tables.t]\nkey = []\n{COLUMNS}", "tables.t.key: a primary key is needed"),
    ("a key that is a text", f'[tables.t]\nkey = "id"\n{COLUMNS}', "tables.t.key: a primary key is needed"),
    ("a key of numbers", f"[tables.t]\nkey = [1]\n{COLUMNS}", "tables.t.key: a primary key is needed"),
    ("a key that is no column", f'[tables.t]\nkey = ["ident"]\n{COLUMNS}', "tables.t.key: 'ident' is no column"),
    ("a key that names a column twice", f'[tables.t]\nkey = ["id", "id"]\n{COLUMNS}', "tables.t.key: names a column twice"),
    ("an unknown type", f'{TABLE}{COLUMNS}v = "cash"\n', "tables.t.columns.v: type 'cash' is not supported; accepted: smallint"),
    ("a type that cannot be read", f'{TABLE}{COLUMNS}v = "text["\n', "tables.t.columns.v: type 'text[' cannot be read"),
    ("an array that loses values", f'{TABLE}{COLUMNS}v = "date[]"\n', "tables.t.columns.v: type 'date[]' is not supported: its messages"),
    ("a key of a type that messages write otherwise", '[tables.t]\nkey = ["id"]\n[tables.t.columns]\nid = "interval"\n', "tables.t.columns.id: a key cannot be of type interval"),
    ("a type that is a number", f"{TABLE}{COLUMNS}v = 5\n", "tables.t.columns.v: must be a type or a section with `type`"),
    ("a column section without type", f"{TABLE}{COLUMNS}[tables.t.columns.v]\ndescription = ''\n", "tables.t.columns.v: must be"),
    ("an unknown key of a column", f"{TABLE}{COLUMNS}[tables.t.columns.v]\ntype = 'text'\nrules = 1\n", "tables.t.columns.v.rules:"),
    ("a column description that is no text", f"{TABLE}{COLUMNS}v = {{type = 'text', description = 1}}\n", "tables.t.columns.v"),
    ("a column that the platform adds", f'{TABLE}{COLUMNS}_position = "bigint"\n', "tables.t.columns._position: the name is taken"),
    ("a column whose name is empty", f'{TABLE}{COLUMNS}"" = "text"\n', "tables.t.columns.: the name"),
    ("two columns that differ in case only", f'{TABLE}{COLUMNS}ID = "text"\n', "tables.t.columns.ID: 'id' is the same name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_each_mistake_is_one_problem_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(expected)


def test_a_table_without_columns_is_told_so_and_not_that_its_key_is_wrong(tmp_path: Path) -> None:
    found = problems(tmp_path, '[tables.t]\nkey = ["id"]\n')
    assert found[0] == "tables.t.columns: at least one column is needed"


def test_every_problem_of_every_table_is_listed_at_once(tmp_path: Path) -> None:
    text = """
        surplus = 1
        [lake]
        slot = "No"
        [tables.a]
        key = ["missing"]
        [tables.a.columns]
        id = "nothing"
        [tables.b]
        owner = 1
        [tables.b.columns]
        id = "numeric(99,1)"
        _op = "text"
    """
    places = [problem.split(":")[0] for problem in problems(tmp_path, re.sub(r"(?m)^ +", "", text))]
    assert sorted(places) == sorted(
        ["surplus", "lake.slot", "tables.a.key", "tables.a.columns.id", "tables.b.owner", "tables.b.key",
         "tables.b.columns.id", "tables.b.columns._op"]
    )  # fmt: skip


def test_a_catalog_that_is_missing_says_which_setting_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist") as raised:
        load_catalog(tmp_path / "nowhere.toml")
    assert "LAKEHOUSE_CATALOG" in raised.value.next_step


@pytest.mark.parametrize("content", [b"[tables", b"a = 1\na = 2\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lakehouse.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not valid TOML"):
        load_catalog(file)


def test_a_catalog_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_catalog(tmp_path)
