"""What the shell offers after Tab, asked as bash asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from deltalake import write_deltalake

from lakehouse_assets_tests.real_stack import CATALOG


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of two tables."""
    for name in ("transformed/moradores", "refined/valor_total_por_morador"):
        write_deltalake(str(tmp_path / name), pyarrow.table({"a": [1]}))
    return tmp_path


def offered(line: str, lake: Path, catalog: Path = CATALOG) -> list[str]:
    words = {"LAKEHOUSE_LAKE": str(lake), "LAKEHOUSE_CATALOG": str(catalog)}
    asked = {"_LAKEHOUSE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "2"}
    program = [sys.executable, "-c", "from lakehouse_assets.cli import main; main()"]
    done = subprocess.run(program, env={**os.environ, **words, **asked}, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [one.partition(",")[2] for one in done.stdout.splitlines() if one]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "lakehouse query ''",
            ["SELECT * FROM refined.valor_total_por_morador", "SELECT * FROM transformed.moradores"],
        ),
        ('lakehouse query "SELECT count(*) FROM tr', ["SELECT count(*) FROM transformed.moradores"]),
        ('lakehouse query "SELECT count(*) FROM nada', []),
        ("lakehouse verify mora", ["moradores"]),
        ("lakehouse explain i", ["imoveis"]),
    ],
)
def test_names_of_tables_are_offered(lake: Path, line: str, expected: list[str]) -> None:
    assert offered(line, lake) == expected


def test_a_catalog_that_cannot_be_read_offers_nothing(lake: Path) -> None:
    assert offered("lakehouse verify mora", lake, lake / "none.toml") == []
