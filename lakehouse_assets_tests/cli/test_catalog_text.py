"""The catalog's text gets what the source has, and everything else stays as it was written."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.discovery import FoundTable, Proposal
from lakehouse_assets.catalog.drift import difference
from lakehouse_assets.catalog.shape import SourceColumn, built_table
from lakehouse_assets.cli.app import cli
from lakehouse_assets.cli.catalog_text import has_tables, with_shape, with_tables
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.progress import discovery
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
FOUND = Proposal(FoundTable("public", "novo", "r", ("id",), ()), "novo", {"key": ["id"], "columns": {"id": "integer"}})


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
    [
        ("", False), ("[lake]\nslot = 'x'\n", False), ("[tables]\n", False), ("tables = {}", False), (TEXT, True),
        ("[lake", True), ("tables = 0", True),
    ],
)  # fmt: skip
def test_a_catalog_may_be_one_of_no_tables_yet(text: str, has: bool) -> None:
    assert has_tables(text) is has


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tables = {}\nlake = {slot = 'x'}\n", {"novo"}),
        ("tables = {a = {key = ['id'], columns = {id = 'integer'}}}\n\n[lake]\nslot = 'x'\n", {"a", "novo"}),
        ("[tables]\na = {key = ['id'], columns = {id = 'integer'}}\n\n[lake]\nslot = 'x'\n", {"a", "novo"}),
    ],
)
def test_a_table_is_added_to_those_that_are_written_in_braces(tmp_path: Path, text: str, names: set[str]) -> None:
    file = tmp_path / "lakehouse.toml"
    file.write_text(with_tables(text, "loja", [FOUND]), encoding="utf-8")
    catalog = load_catalog(file)
    assert (set(catalog.names), catalog.slot) == (names, "x")


def test_tables_that_no_section_can_be_added_to_are_told() -> None:
    with pytest.raises(ConfigurationError, match=r"no section can be added") as raised:
        with_tables("tables.a.key = ['id']\ntables.a.columns.id = 'integer'\n", "loja", [FOUND])
    assert raised.value.next_step == "write them as [tables.NAME] and [tables.NAME.columns]"


def discovered(monkeypatch: pytest.MonkeyPatch, catalog: Path) -> Result:
    """`discover --write` of a source that has the table `novo`."""
    monkeypatch.setattr(discovery, "discover", lambda *_: discovery.Discovery("loja", [FOUND], [], []))
    words = {"LAKEHOUSE_CATALOG": str(catalog)}
    return CliRunner().invoke(cli, ["discover", "--source", "postgresql://x", "--write"], env=words)


def test_the_catalog_is_written_where_there_was_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "new" / "mine.toml"
    assert discovered(monkeypatch, file).exit_code == 0
    assert load_catalog(file).names == ("novo",)


def test_the_catalog_keeps_its_mode_and_stays_a_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, link = tmp_path / "real.toml", tmp_path / "mine.toml"
    file.write_text(TEXT, encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    assert discovered(monkeypatch, link).exit_code == 0
    assert load_catalog(file).names == ("pedidos", "novo")
    assert (link.is_symlink(), file.stat().st_mode & 0o777) == (True, 0o640)


def test_a_catalog_that_cannot_be_written_is_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "mine.toml"
    file.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full)
    done = discovered(monkeypatch, file)
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [file])
    assert f"{file}: cannot be written: No space left on device" in done.output
    assert file.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: Is a directory"), ("# Ação".encode("cp1252"), "not valid TOML: 'utf-8' codec")],
)
def test_a_catalog_that_cannot_be_read_is_told_before_the_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    place = tmp_path if content is None else tmp_path / "mine.toml"
    if content is not None:
        place.write_bytes(content)
    done = discovered(monkeypatch, place)
    assert done.exit_code == 2
    assert f"{place}: 1 problem\n  - {problem}" in done.output
