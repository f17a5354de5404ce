"""The catalog's text gets what the source has, and everything else stays as it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.drift import difference
from lakehouse_assets.catalog.shape import SourceColumn, built_table
from lakehouse_assets.cli.catalog_text import has_tables, with_shape
from lakehouse_assets_tests.catalog.shapes import declared, with_columns

TEXT = """
# A comment that stays.
[tables.pedidos]
drift = "freeze"
key = ["id"]   # so does this one

[tables.pedidos.columns]
id = "integer"
nota = { type = "varchar(9)", rule = "none", description = "As it was typed." }   # and this one
valor = "numeric(10,2)"
"""


def test_new_columns_types_and_keys_are_written_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "lakehouse.toml"
    file.write_text(TEXT, encoding="utf-8")
    table = load_catalog(file).table("pedidos")
    changed = with_columns(
        declared(table),
        id="bigint",
        nota="text",
        valor=None,
        situacao="enum",
        foto="bit(99)",
        tinta="cube",
        **{"dia útil": "date"},
    )
    generated = SourceColumn("total", "integer", generated=True)
    source = replace(changed, columns=(*changed.columns, generated), key=("id", "nota"))
    file.write_text(with_shape(TEXT, table, difference(table, source, built_table(table))), encoding="utf-8")
    assert file.read_text(encoding="utf-8").splitlines() == [
        "",
        "# A comment that stays.",
        "[tables.pedidos]",
        'drift = "freeze"',
        'key = ["id", "nota"]   # so does this one',
        "",
        "[tables.pedidos.columns]",
        'id = "bigint"',
        'nota = {type = "text", rule = "none", description = "As it was typed."}   # and this one',
        'valor = "numeric(10,2)"',
        'situacao = "text"',
        'tinta = "other"',
        '"dia útil" = "date"',
    ]
    assert load_catalog(file).table("pedidos").key == ("id", "nota")


@pytest.mark.parametrize(
    ("text", "has"),
    [("", False), ("[lake]\nslot = 'x'\n", False), ("[tables]\n", False), (TEXT, True), ("[lake", True)],
)
def test_a_catalog_may_be_one_of_no_tables_yet(text: str, has: bool) -> None:
    assert has_tables(text) is has
