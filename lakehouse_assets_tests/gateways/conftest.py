"""A source for each of the tests that break one."""

from __future__ import annotations

import pytest

from lakehouse_assets_tests.real_postgres import Source, new_source


@pytest.fixture
def source(admin_dsn: str) -> Source:
    """A source for one test to break."""
    return new_source(admin_dsn)
