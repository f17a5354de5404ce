"""A few faults on the shared stack; `make faults` is the long run of all of them."""

from __future__ import annotations

import pytest

from lakehouse_assets_tests.faults.harness import harm
from lakehouse_assets_tests.faults.kinds import KINDS
from lakehouse_assets_tests.real_stack import RealStack

pytestmark = pytest.mark.stack

FEW = ("link cut", "run killed in a fold")  # each service is killed by stack/test_real_stack.py
SEED, BUDGET_SECONDS = 20260131, 30


def test_a_stack_under_traffic_survives_faults(stack: RealStack) -> None:
    report = harm(stack, [kind for kind in KINDS if kind.name in FEW], SEED, BUDGET_SECONDS, print)
    assert report.broken == []
    assert report.regressions == []
    assert report.rounds
