"""The generated pages are those the code would write now, and the documents name only commands that exist."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import click
import pytest

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.cli import reference, values
from lakehouse_assets.cli.app import cli
from lakehouse_assets.engine.values import read_texts

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def test_the_generated_pages_are_fresh(spark):
    read = partial(read_texts, spark)
    assert reference.write(load_catalog(PROJECT / "lakehouse.toml"), read, check=True) == []


def test_every_clause_of_the_dictionary_has_an_example():
    bare = re.findall(
        r"^\| `([a-z_]+)`:.*\| \| \| \| \|$", (PROJECT / "docs" / "normalisation.md").read_text(), re.MULTILINE
    )
    assert bare == []


def test_every_setting_has_a_description():
    assert "None |" not in reference.settings_page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_make_targets_that_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text()))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_words_that_exist(page):
    named = set(re.findall(r"(?:`|^\$ |^)lakehouse ([a-z]+)", page.read_text(), re.MULTILINE))
    assert named <= set(cli.commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_word_and_option_has_help():
    def bare(command: click.Command) -> list[str]:
        if isinstance(command, click.Group):
            return [name for sub in command.commands.values() for name in bare(sub)]
        missing = [] if command.help else [str(command.name)]
        return missing + [
            f"{command.name} {p.name}" for p in command.params if isinstance(p, click.Option) and not p.help
        ]

    assert bare(cli) == []


def test_a_relative_folder_is_one_of_the_callers_whichever_process_writes_it(tmp_path, monkeypatch):
    """The engine has another working directory."""
    monkeypatch.chdir(tmp_path)
    given = values.rebuild.make_context("rebuild", ["imoveis", "--into", "before/imoveis"]).params["into"]
    assert given == tmp_path / "before" / "imoveis"
