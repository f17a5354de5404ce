"""The figures of the checks of transformed, over tables made by hand."""

from __future__ import annotations

from pathlib import Path

from lakehouse_assets.catalog import UNAVAILABLE
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.defs.transformed import soundness
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets_tests.progress import copied_lake
from lakehouse_assets_tests.proof.tables import table

PAGAMENTOS = table("id", id="integer", nome="text")


def test_an_empty_table_is_sound(tmp_path: Path) -> None:
    paths = LakePaths(tmp_path)
    copied_lake.write(PAGAMENTOS, paths, [])
    with open_lake(paths) as lake:
        assert lake.query(soundness(PAGAMENTOS)).rows == [(0, 0)]


def test_a_doubled_row_and_a_placeholder_are_counted(tmp_path: Path) -> None:
    paths = LakePaths(tmp_path)
    copied_lake.write(PAGAMENTOS, paths, [{"id": 1, "nome": UNAVAILABLE}, {"id": 1, "nome": "Ana"}])
    with open_lake(paths) as lake:
        assert lake.query(soundness(PAGAMENTOS)).rows == [(1, 1)]
