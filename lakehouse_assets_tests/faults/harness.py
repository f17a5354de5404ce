"""Harms a stack at random until its time is over, and judges it after every fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from lakehouse_assets.demo import seed as fill
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets_tests.faults.ground import DidNotHappen, Ground, ground_of
from lakehouse_assets_tests.faults.judge import Counted, broken_promises, count, recover
from lakehouse_assets_tests.faults.kinds import Kind
from lakehouse_assets_tests.faults.person import allowing
from lakehouse_assets_tests.faults.report import Report, Round, commit_of
from lakehouse_assets_tests.faults.traffic import traffic
from lakehouse_assets_tests.faults.watcher import Watcher
from lakehouse_assets_tests.real_stack import RealStack

Say = Callable[[str], None]
_PROJECT = Path(__file__).parents[2]


def drawn(kinds: Sequence[Kind], chance: Random) -> Iterator[Kind]:
    """Kinds without an end, in an order that the chance decides; each comes once before any comes again."""
    while True:
        yield from chance.sample(kinds, len(kinds))


def harm(
    stack: RealStack, kinds: Sequence[Kind], seed: int, budget: float, say: Say, disk: Path | None = None
) -> Report:  # fmt: skip
    """Faults one after another until `budget` seconds are over and one happened, or a promise is broken; what was found."""
    report = Report(seed, budget, commit_of(_PROJECT), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    chance = Random(seed)
    fill(stack.links.source_dsn, say=say)
    with (
        ground_of(stack, disk) as ground,
        Watcher(stack.catalog, ground.paths) as watcher,
        allowing(stack.catalog, ground.paths),
    ):
        with traffic(stack.links.source_dsn, chance.randrange(1 << 30)):
            time.sleep(5)
        report.usual = recover(ground)
        say(f"without a fault everything is in refined after {report.usual:.1f} s")
        with open_lake(ground.paths) as lake:
            before = count(lake)
        until = time.monotonic() + budget
        for kind in drawn(kinds, Random(seed)):
            if (time.monotonic() > until and report.rounds) or not _survives(
                ground, kind, chance, report, watcher, before, say
            ):
                break
        with open_lake(ground.paths) as lake:
            report.counted = count(lake).since(before)
    report.versions_watched, report.regressions = watcher.versions, watcher.regressions
    return report


def _survives(
    ground: Ground, kind: Kind, chance: Random, report: Report, watcher: Watcher, before: Counted, say: Say
) -> bool:
    """Whether every promise holds after one fault of the kind; it is noted in the report."""
    try:
        with traffic(ground.stack.links.source_dsn, chance.randrange(1 << 30)):
            time.sleep(chance.uniform(1, 6))
            began = time.monotonic()
            kind.happen(ground, chance)
            ended = time.monotonic()
            time.sleep(chance.uniform(0, 6))
        recover(ground)
        lasted, recovery = ended - began, time.monotonic() - ended
        report.rounds.append(Round(kind.name, round(lasted, 1), round(recovery, 1)))
        report.broken += [f"after {kind.name}: {sentence}" for sentence in broken_promises(ground, before)]
        told = f"lasted {lasted:.1f} s, recovered in {recovery:.1f} s"
    except DidNotHappen as reason:
        told = f"did not happen: {reason}"
    except LakehouseError as error:
        report.broken.append(f"after {kind.name}: {error.text()}")
        told = "did not recover"
    say(f"{datetime.now(UTC):%H:%M:%S} {len(report.rounds):3} {kind.name}: {told}")
    for sentence in (*report.broken, *watcher.regressions):
        say(f"BROKEN {sentence}")
    return not (report.broken or watcher.regressions)
