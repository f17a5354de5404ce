"""What a person types to let a braked table's change pass, and where it is seen that one waits."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lakehouse_assets import documents
from lakehouse_assets.catalog import load_catalog
from lakehouse_assets.catalog.model import BRAKE, LakePaths
from lakehouse_assets.cli.app import cli
from lakehouse_assets.cli.context import edge
from lakehouse_assets.engine import brake
from lakehouse_assets.engine.brake import Braked
from lakehouse_assets.progress.lag import table_lags
from lakehouse_assets.progress.status import explain_stage
from lakehouse_assets_tests.defs.small_lake import apply, land

WAITING = Braked("imoveis", 9, 11, 5, 0, 5)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LakePaths:
    """A lake in which imoveis is braked."""
    monkeypatch.setenv("LAKEHOUSE_LAKE", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "home"))
    paths = LakePaths(tmp_path)
    apply(paths, "imoveis", 9, land(paths, "imoveis", range(10)))
    land(paths, "imoveis", range(10, 12))
    documents.write(paths.root / BRAKE / "imoveis.braked.json", asdict(WAITING))
    return paths


def allow(*words: str) -> Result:
    return CliRunner().invoke(cli, ["allow", *words])


def waits(paths: LakePaths) -> Braked | None:
    lags = table_lags(load_catalog(Path(__file__).parents[2] / "lakehouse.toml"), paths, paths.root / "none", None)
    return next(lag.braked for lag in lags if lag.name == "imoveis")


def test_a_table_waits_until_it_is_allowed_and_twice_is_as_good_as_once(paths):
    assert waits(paths) == WAITING
    for _ in range(2):
        done = allow("imoveis", "--through", "11")
        assert (done.exit_code, done.output) == (0, "imoveis: applied up to 9, allowed through 11\n")
        assert brake.allowed_through(paths, "imoveis") == 11
        assert waits(paths) is None


def test_what_waits_is_the_reason_that_a_sync_gives(paths):
    here = edge()
    told = explain_stage("transformed", here.settings, here.catalog, here.links)
    assert told.startswith("imoveis is braked: the fold to position 11 would delete 5 and change 0 of 5 rows; look: ")
    assert told.endswith("lakehouse allow imoveis --through 11")


def test_a_table_does_not_wait_any_more_when_it_moved_on(paths):
    apply(paths, "imoveis", 10)
    assert waits(paths) is None
    assert "nothing waits" in allow("imoveis", "--through", "10").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("imoveis", "--through", "12"), "raw holds nothing at position 12"),
        (("imovel", "--through", "1"), "no such table: imovel"),
        (("imoveis",), "Missing option '--through'"),
        (("imoveis", "--through", "all"), "'all' is not a valid integer"),
    ],
)
def test_what_cannot_be_allowed_is_refused_and_nothing_changes(paths, words, told):
    done = allow(*words)
    assert (done.exit_code, told in done.output) == (2, True)
    assert waits(paths) == WAITING
