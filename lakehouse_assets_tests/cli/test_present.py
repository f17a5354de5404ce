"""`lakehouse` without a word says how things are and what to type; what the system refuses is told, without a trace."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.cli.app import Words, cli
from lakehouse_assets.stack import secrets
from lakehouse_assets_tests.defs.small_lake import land
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


def test_what_is_proposed_from_raw_waits_until_raw_holds_the_table(tmp_path: Path) -> None:
    """Told before Spark is started."""
    paths = LakePaths(tmp_path / "lake")
    words = {"LAKEHOUSE_HOME": str(tmp_path), "LAKEHOUSE_LAKE": str(paths.root), "LAKEHOUSE_CATALOG": str(CATALOG)}
    for _ in range(2):
        done = CliRunner().invoke(cli, ["dictionary", "propose", "boletos"], env=words)
        assert done.exit_code == 1
        assert done.output == "error: boletos: raw holds nothing of it yet\nnext: lakehouse up, then lakehouse sync\n"
        land(paths, "imoveis", range(1))


def refused(error: OSError) -> Result:
    """What a person sees of a word that the system refuses something."""

    @click.command()
    def word() -> None:
        raise error

    return CliRunner().invoke(Words(commands=[word]), ["word"])


@pytest.mark.parametrize(
    ("number", "mends"),
    [
        (errno.EACCES, "as whom was the stack started"),
        (errno.EPERM, "as whom was the stack started"),
        (errno.ENOSPC, "free some space"),
        (errno.EIO, "--debug"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_file_and_what_mends_it(number: int, mends: str) -> None:
    done = refused(OSError(number, os.strerror(number), "/a/[red]/secrets.env"))
    assert done.exit_code == 1
    first, second = done.output.splitlines()
    assert first == f"error: /a/[red]/secrets.env: {os.strerror(number)}"
    assert second.startswith("next: ")
    assert mends in second


def test_an_error_without_a_file_or_a_number_is_told_too() -> None:
    assert refused(OSError("the name is too strange")).output.startswith("error: the name is too strange\nnext: ")


def test_who_stops_reading_is_told_nothing() -> None:
    done = refused(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)))
    assert (done.exit_code, done.output) == (1, "")


@pytest.mark.parametrize("word", ["up", "down", "status"])
def test_a_home_below_a_file_is_told_by_every_word(tmp_path: Path, word: str) -> None:
    """Real: a folder in place of the file of passwords, and a file in place of the home."""
    (tmp_path / "file").touch()
    (tmp_path / "home" / "secrets.env").mkdir(mode=0o700, parents=True)
    home = tmp_path / ("home" if word == "status" else "file")
    words = {"LAKEHOUSE_HOME": str(home), "LAKEHOUSE_CATALOG": str(CATALOG), "LAKEHOUSE_CACHE": str(tmp_path / "file")}
    done = CliRunner().invoke(cli, [word], env=words)
    assert done.exit_code == 1
    assert done.output.startswith(f"error: {tmp_path}/")
