"""How the end-to-end tests type words and look at the source."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.cli.answers import objects
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress.status import explain_stage
from lakehouse_assets.progress.sync import sync
from lakehouse_assets.progress.verify import verify
from lakehouse_assets_tests.real_stack import RealStack

PROGRAM = Path(sys.executable).with_name("lakehouse")


@dataclass(frozen=True)
class Words:
    """Types words at one stack."""

    stack: RealStack

    @property
    def paths(self) -> LakePaths:
        """The lake's folders."""
        return LakePaths(self.stack.settings.lake)

    def run(
        self, *arguments: str, code: int = 0, seconds: float = 900, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `lakehouse arguments...`, at most so many seconds; the exit code must be `code`."""
        words = {**os.environ, **self.stack.environment, "COLUMNS": "160", **environment}
        done = subprocess.run(
            [PROGRAM, *arguments], env=words, capture_output=True, text=True, check=False, timeout=seconds
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    @property
    def here(self) -> Edge:
        """What a word starts from, for what is asked so often that a process each would be most of the cost."""
        return Edge(self.stack.settings)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a query, as `lakehouse query --format json` prints them."""
        with open_lake(self.paths) as lake:
            return objects(lake.query(statement))

    def source(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one committed statement at the source as the application."""
        return postgres.execute(self.stack.links.source_dsn, statement)

    def verdict(self, table: str) -> str:
        """What a verification says of one table: equal, different, not verified."""
        (proof,) = verify(self.here.verify_request(180), [table]).proofs
        return proof.verdict

    def sync(self, seconds: float = 600) -> None:
        """Wait for the lake, as `lakehouse sync` does; a busy machine may take that long."""
        here = self.here
        sync(
            here.sync_request(),
            seconds,
            print,
            lambda stage: explain_stage(stage, here.settings, here.catalog, here.links),
        )

    def settle(self) -> None:
        """Wait for the lake, then prove that every row of every table agrees."""
        self.sync()
        found = verify(self.here.verify_request(600))
        assert [proof for proof in found.proofs if not proof.equal] == []


@pytest.fixture(scope="session")
def filling(stack: RealStack) -> Words:
    """Words at the shared stack, whose first rows are on their way into the lake."""
    return Words(stack)


@pytest.fixture(scope="session")
def words(filling: Words) -> Words:
    """Words at the shared stack, whose rows are in the lake."""
    filling.settle()
    return filling
