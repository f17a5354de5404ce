"""How the end-to-end tests type words and look at the source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.gateways import postgres
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

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        return json.loads(self.run("query", statement, "--format", "json").stdout)

    def source(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one committed statement at the source as the application."""
        return postgres.execute(self.stack.links.source_dsn, statement)

    def verdict(self, table: str) -> str:
        """What a verification says of one table: equal, different, not verified."""
        (proof,) = verify(Edge(self.stack.settings).verify_request(180), [table]).proofs
        return proof.verdict

    def settle(self) -> None:
        """Wait for the lake, then prove that every row of every table agrees."""
        self.run("sync", "--timeout", "600")  # a busy machine may take that long
        found = verify(Edge(self.stack.settings).verify_request(600))
        assert [proof for proof in found.proofs if not proof.equal] == []


@pytest.fixture(scope="session")
def words(stack: RealStack) -> Words:
    """Words at the shared stack, whose tables are seeded and in the lake."""
    typed = Words(stack)
    typed.run("seed")
    typed.settle()
    return typed
