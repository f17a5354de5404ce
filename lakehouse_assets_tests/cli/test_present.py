"""`lakehouse` without a word says how things are and what to type."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from lakehouse_assets.cli.app import cli
from lakehouse_assets.stack import secrets
from lakehouse_assets_tests.real_stack import CATALOG


def said(home: Path) -> str:
    words = {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_LAKE": str(home / "lake"), "LAKEHOUSE_CATALOG": str(CATALOG)}
    done = CliRunner().invoke(cli, [], env=words)
    assert done.exit_code == 0, done.output
    return done.output


def test_where_nothing_was_started_and_where_it_was_stopped(tmp_path: Path) -> None:
    assert "now:  nothing was ever started here\nnext: lakehouse demo" in said(tmp_path)
    secrets.secrets_file(tmp_path).touch(0o600)
    assert "now:  the stack is down\nnext: lakehouse up" in said(tmp_path)
