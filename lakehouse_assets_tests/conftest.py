"""The real parts that tests share, each started when the first test asks for it; no test measures time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_PROJECT = Path(__file__).parents[1]

settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

pytest_plugins = [
    "lakehouse_assets_tests.real_postgres",
    "lakehouse_assets_tests.real_stack",
    "lakehouse_assets_tests.spark",
]


class _Files(LoadScopeScheduling):
    """Side by side: the files that need a whole stack are one unit of work, so that never two are under load at once;
    every other file is one of its own.

    By their texts: pytest-xdist's own groups are not seen by pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stack" if _needs_a_stack(file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Files:
    """How `make test` deals the tests out to its processes."""
    return _Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: the shared stack, then Spark, so that one process warms its JVM for all. What
    starts a stack of its own comes last of its unit."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("stack") is None,
            bool(item.get_closest_marker("own_stack")),
            "spark" not in getattr(item, "fixturenames", ()),
        )
    )


@cache
def _needs_a_stack(file: str) -> bool:
    text = (_PROJECT / file).read_text(encoding="utf-8")
    return "mark.stack" in text or "pytestmark = pytest.mark.own_stack" in text
