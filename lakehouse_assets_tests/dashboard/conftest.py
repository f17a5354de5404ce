"""The small lake, once, and the settings that point at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets_tests.dashboard import lake
from lakehouse_assets_tests.real_stack import CATALOG


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> LakePaths:
    return lake.make(tmp_path_factory.mktemp("page") / "lake")


@pytest.fixture(scope="session")
def reader(paths: LakePaths) -> Iterator[LakeReader]:
    with open_lake(paths) as opened:
        yield opened


@pytest.fixture(scope="session")
def words(paths: LakePaths, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a stack that is down, with the small lake."""
    home: Path = tmp_path_factory.mktemp("home")
    return {
        "LAKEHOUSE_LAKE": str(paths.root),
        "LAKEHOUSE_HOME": str(home),
        "LAKEHOUSE_CATALOG": str(CATALOG),
        "LAKEHOUSE_PORT_BASE": "19960",
    }


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(CATALOG)
