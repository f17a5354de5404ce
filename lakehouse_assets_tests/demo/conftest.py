"""A source of its own for every test of the demo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakehouse_assets_tests.real_postgres import new_source, running_postgres


@pytest.fixture(scope="package")
def admin_dsn() -> Iterator[str]:
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture
def dsn(admin_dsn: str) -> str:
    """The application role of an empty source."""
    return new_source(admin_dsn).application
