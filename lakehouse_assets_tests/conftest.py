"""The real parts that tests share, each started when the first test asks for it; no test measures time."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

pytest_plugins = [
    "lakehouse_assets_tests.real_postgres",
    "lakehouse_assets_tests.real_stack",
    "lakehouse_assets_tests.spark",
]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side: what uses whole stacks comes first and in one process, every other file wherever there is time."""
    items.sort(key=lambda item: not _on_a_stack(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("stack" if _on_a_stack(item) else item.path.as_posix()))


def _on_a_stack(item: pytest.Item) -> bool:
    return item.get_closest_marker("stack") is not None or "stack" in getattr(item, "fixturenames", ())
