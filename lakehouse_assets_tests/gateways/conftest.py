"""A PostgreSQL for each of the files that harm one, and a source for each of their tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakehouse_assets_tests.real_postgres import Source, new_source, running_postgres


@pytest.fixture(scope="module")
def admin_dsn() -> Iterator[str]:
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture
def source(admin_dsn: str) -> Source:
    """A source for one test to break."""
    return new_source(admin_dsn)
