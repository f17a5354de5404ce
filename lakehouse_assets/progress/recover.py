"""Brings a halted stream back: what to do follows from what is broken, is shown first, and ends with a proof.

A gap before Kafka needs a new slot and a snapshot of every table; one in a topic a snapshot of its table; a lost checkpoint
nothing but to begin where raw ends. Snapshots are new generations in raised epochs: what is not in them leaves the lake.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.continuity import Break, Kind
from lakehouse_assets.engine.guard import Guard
from lakehouse_assets.engine.positions import newest_cut
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import kafka
from lakehouse_assets.progress.repair import RepairRequest, has_rows, wait_for_generation, wait_until_equal
from lakehouse_assets.settings import Settings
from lakehouse_assets.stack import connector, connector_apply, engine, signals
from lakehouse_assets.stack import recovery as recovery_of_slot
from lakehouse_assets.stack.connections import Connections
from lakehouse_assets.stack.observation import observe
from lakehouse_assets.stack.up import service_states

_STOP_SECONDS = 120
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Recovery:
    """What is broken, the tables that get a snapshot, and whether it is one of everything from a new slot."""

    breaks: tuple[Break, ...]
    tables: tuple[Table, ...]
    from_new_slot: bool

    def steps(self, catalog: Catalog) -> list[str]:
        """What recovering does, in order, in words."""
        names = ", ".join(table.name for table in self.tables)
        steps = ["put the stream into raw down"]
        if self.from_new_slot:
            steps.append(
                f"stop the connector, forget its offsets, drop slot {catalog.slot}, begin with a new slot and snapshot"
            )
        elif self.tables:
            steps.append(f"make the topics that are missing, then take a snapshot of {names}")
        if self.tables:
            steps.append(f"raise the epoch of {names}: rows that the snapshot lacks leave the lake")
        return [*steps, "begin the stream where raw ends", f"verify {names or 'every table'}"]


@dataclass(frozen=True)
class RecoverRequest:
    """Where and with what to recover."""

    settings: Settings
    catalog: Catalog
    links: Connections
    repair: RepairRequest
    say: Callable[[str], None]

    @property
    def paths(self) -> LakePaths:
        """The lake's folders."""
        return LakePaths(self.settings.lake)

    @property
    def guard(self) -> Guard:
        """What the engine looks with."""
        return Guard(self.catalog, self.paths, self.settings.checkpoint, lambda: observe(self.catalog, self.links))


def plan(request: RecoverRequest, *, snapshot: bool = False) -> Recovery:
    """What there is to do; no breaks when nothing is broken. `snapshot`: begin from a new slot in any case."""
    halted = continuity.read_halt(request.paths)
    found = dict.fromkeys((*(halted.breaks if halted else ()), *request.guard.look()))
    if snapshot:
        found[Break(Kind.SLOT_MISSING, request.catalog.names, "a new snapshot was asked for")] = None
    breaks = tuple(found)
    concerned = {name for b in breaks if not b.kind.of_checkpoint for name in b.tables}
    tables = tuple(table for table in request.catalog.tables if table.name in concerned)
    return Recovery(breaks, tables, any(b.kind.of_source for b in breaks))


def recover(request: RecoverRequest, recovery: Recovery) -> None:
    """Do it; returns when every table concerned is proven equal. LakehouseError when a step fails: it can be told again."""
    paths, catalog, links, say = request.paths, request.catalog, request.links, request.say
    continuity.halt(paths, recovery.breaks)
    _wait_until_down(request)
    say("the stream is down")
    for topic in kafka.create_topics(links.kafka_bootstrap, connector.topics(catalog)):
        say(f"made topic {topic}")
    observed, found, since = observe(catalog, links), recovery.breaks, newest_cut(paths)
    if recovery.from_new_slot:
        recovery_of_slot.resnapshot(request.settings, catalog, say)
    elif recovery.tables:
        connector_apply.wait_for_connector(catalog, links, threading.Event())
        signals.ask_snapshot(links, recovery.tables, signals.Kind.BLOCKING)
        say(f"asked for a snapshot of {', '.join(table.name for table in recovery.tables)}")
    # Last, so that a recovery broken off before is begun again from the same halt.
    known, in_raw = continuity.known_identity(paths), request.guard.behind_raw()
    continuity.remember(paths, known.recovered(observed, found, catalog, in_raw))
    continuity.clear_halt(paths)
    say("the stream begins where raw ends")
    for table in recovery.tables:
        # Who agreed to the plan agreed that rows which the snapshot lacks leave the lake, however many.
        if has_rows(request.repair, table):
            wait_for_generation(request.repair, table, since.position(table.name), allow=True)
    for proof in wait_until_equal(request.repair, recovery.tables or catalog.tables):
        say(f"{proof.table}: {proof.source_count} rows, equal")


def _wait_until_down(request: RecoverRequest) -> None:
    """Return when no stream writes to raw: the engine has put it down, or is down itself."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        halted = continuity.read_halt(request.paths)
        state = next((s.state for s in service_states(request.settings) if s.name == engine.NAME), "down")
        if (halted and halted.stopped) or state == "down":
            return
        time.sleep(_POLL_SECONDS)
    raise LakehouseError(
        f"the engine does not put its stream down within {_STOP_SECONDS} s", where="engine",
        next_step=f"read {request.settings.home / 'logs' / 'engine.log'}; lakehouse down, up, then recover again",
    )  # fmt: skip
