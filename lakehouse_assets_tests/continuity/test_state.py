"""What is kept with the lake comes back as it was; damage is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import (
    UNKNOWN_IDENTITY,
    Break,
    Identity,
    Kind,
    clear_halt,
    halt,
    known_identity,
    read_halt,
    remember,
)  # fmt: skip
from lakehouse_assets.errors import LakehouseError

GONE = Break(Kind.SLOT_MISSING, ("imoveis", "moradores"), "slot lakehouse is gone")
LOST = Break(Kind.CHECKPOINT_LOST, ("imoveis",), "the checkpoint is gone")


def test_an_identity_comes_back(tmp_path: Path) -> None:
    paths, identity = LakePaths(tmp_path), Identity("7", 1, True, {"a": "b"}, {"imoveis": 2}, {"a": 5})
    assert known_identity(paths) == UNKNOWN_IDENTITY
    remember(paths, identity)
    assert known_identity(paths) == identity


def test_a_halt_gathers_its_reasons_and_keeps_its_beginning(tmp_path: Path) -> None:
    paths = LakePaths(tmp_path)
    assert read_halt(paths) is None
    first = halt(paths, (GONE,))
    second = halt(paths, (GONE, LOST), stopped=True)
    assert (second.breaks, second.since, second.stopped) == ((GONE, LOST), first.since, True)
    assert read_halt(paths) == second
    assert second.of("moradores") == (GONE,)
    assert halt(paths, (LOST,)).stopped
    clear_halt(paths)
    clear_halt(paths)
    assert read_halt(paths) is None


def test_a_damaged_identity_is_an_error_and_no_new_beginning(tmp_path: Path) -> None:
    place = tmp_path / "_stream" / "identity.json"
    place.parent.mkdir()
    place.write_text('{"system_id": "7"')
    with pytest.raises(LakehouseError, match="no JSON"):
        known_identity(LakePaths(tmp_path))
