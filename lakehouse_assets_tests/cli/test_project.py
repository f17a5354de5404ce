"""`lakehouse init` makes a folder that is sound as it is, and harms nothing that is there."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.refined import load_refined
from lakehouse_assets.cli.app import cli
from lakehouse_assets.progress.cases import all_cases, run_all

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def made(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text(encoding="utf-8") for f in folder.rglob("*") if f.is_file()}


def test_the_folder_that_is_made_is_sound_and_its_case_holds(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "Minha Loja"
    done = CliRunner().invoke(cli, ["init", str(folder)])
    assert done.exit_code == 0, done.output
    assert set(made(folder)) == {
        "lakehouse.toml", "lakehouse.env", ".gitignore", "refined/pedidos_por_dia.sql", "refined/pedidos_por_dia.cases.yaml"
    }  # fmt: skip
    catalog = load_catalog(folder / "lakehouse.toml")
    assert catalog.topic_prefix == "minha_loja"
    names = [table.name for table in load_refined(folder / "refined", catalog)]
    told: list[str] = []
    assert run_all(spark, folder / "refined", catalog, all_cases(folder / "refined", catalog, names), told.append) == 0
    assert told == ["pedidos_por_dia: two days, one amount that cannot be read: holds"]


def test_what_it_says_to_type_next_leads_into_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "minha loja"
    done = CliRunner().invoke(cli, ["init", str(folder)])
    (typed,) = (line.removeprefix("next: ") for line in done.output.splitlines() if line.startswith("next: "))
    assert shlex.split(typed)[:3] == ["cd", str(folder), "&&"]


def test_a_file_that_is_there_is_not_written_over_and_nothing_else_is_made(tmp_path: Path) -> None:
    (tmp_path / "lakehouse.env").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(cli, ["init", str(tmp_path)])
    assert done.exit_code == 2
    assert "lakehouse.env" in done.output
    assert made(tmp_path) == {"lakehouse.env": "mine"}


@pytest.mark.parametrize("name", ["file", "file/within"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = CliRunner().invoke(cli, ["init", str(tmp_path / name)])
    assert done.exit_code == 1
    assert "cannot be written" in done.output
