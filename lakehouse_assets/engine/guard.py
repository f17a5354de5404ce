"""Guards the stream: compares what writes it with what the lake was made from, and says where it has to begin."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse_assets import continuity
from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.changelog.position import epoch_of, offset_of
from lakehouse_assets.continuity import Break, Identity, Kind, Observed, Reached
from lakehouse_assets.engine import stream_offsets
from lakehouse_assets.engine.positions import folded, newest_cut

_UNKNOWN_LSN = (1 << 63) - 1


@dataclass(frozen=True)
class Guard:
    """What is guarded, and `observe`, which looks at the services once."""

    catalog: Catalog
    paths: LakePaths
    checkpoint: Path
    observe: Callable[[], Observed]

    def look(self) -> tuple[Break, ...]:
        """What is broken now; () when the stream may go on. What is seen for the first time is kept with the lake."""
        known, observed = continuity.known_identity(self.paths), self.observe()
        found = continuity.breaks(known, observed, self.catalog, self._reached(known))
        learnt = known.learnt(observed)
        if not found and learnt != known:
            continuity.remember(self.paths, learnt)
        return found

    def look_before_start(self) -> tuple[Break, ...]:
        """`look`, and whether the checkpoint is the one that raw was written from."""
        known = continuity.known_identity(self.paths)
        return (*self.look(), *(() if known.begin is not None else self._checkpoint(known)))

    def begin(self) -> Identity:
        """Make the checkpoint ready for a start; the identity whose epochs the stream's positions get.

        After a recovery the stream begins anew where raw ends, table by table: raw is the truth, the checkpoint only
        remembers it. So it does when the catalog has no longer every table that it read: Spark would not go on without.
        """
        known = continuity.known_identity(self.paths)
        if known.begin is None:
            planned = stream_offsets.planned_offsets(self.checkpoint)
            read = stream_offsets.committed_offsets(self.checkpoint)
            if not {*planned, *read} - {table.topic for table in self.catalog.tables}:
                return known
            reached = self._reached(known).offsets
            known = replace(known, begin={topic: offset for topic, offset in reached.items() if offset})
            continuity.remember(self.paths, known)  # what follows may be broken off
        draft = self.checkpoint.with_name(f"{self.checkpoint.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        stream_offsets.write_start(draft, known.begin)
        shutil.rmtree(self.checkpoint, ignore_errors=True)
        draft.rename(self.checkpoint)
        begun = replace(known, begin=None)
        continuity.remember(self.paths, begun)
        return begun

    def behind_raw(self) -> dict[str, int]:
        """By topic the offset behind the last one in raw."""
        return self._behind(newest_cut(self.paths).positions)

    def _behind(self, positions: Mapping[str, int]) -> dict[str, int]:
        return {t.topic: offset_of(positions[t.name]) + 1 for t in self.catalog.tables if t.name in positions}

    def _reached(self, known: Identity) -> Reached:
        # A tombstone is read and leaves nothing in raw, so that the checkpoint may be ahead of it.
        read, in_raw = known.begin, self._behind_raw_now(known)
        if read is None:
            read = stream_offsets.committed_offsets(self.checkpoint)
        lsns = [folded(self.paths, name).max_lsn for name in self.catalog.names]
        return Reached(
            {t.topic: max(read.get(t.topic, 0), in_raw.get(t.topic, 0)) for t in self.catalog.tables},
            max((lsn for lsn in lsns if lsn != _UNKNOWN_LSN), default=0),
        )

    def _behind_raw_now(self, known: Identity) -> dict[str, int]:
        """`behind_raw` of the tables of which raw holds something in their epoch of now."""
        positions = newest_cut(self.paths).positions
        return self._behind({name: p for name, p in positions.items() if epoch_of(p) == known.epoch(name)})

    def _checkpoint(self, known: Identity) -> tuple[Break, ...]:
        in_raw, planned = self._behind_raw_now(known), stream_offsets.planned_offsets(self.checkpoint)
        if in_raw and not planned:
            tables = tuple(t.name for t in self.catalog.tables if t.topic in in_raw)
            reason = f"the stream's checkpoint {self.checkpoint} is gone, and raw holds changes"
            return (Break(Kind.CHECKPOINT_LOST, tables, reason),)
        if lost := self._read_and_not_in_raw():
            reason = f"the stream has read changes (checkpoint {self.checkpoint}), and raw holds none: the lake is another one"
            return (Break(Kind.CHECKPOINT_AHEAD, lost, reason),)
        old = tuple(t.name for t in self.catalog.tables if planned.get(t.topic, 0) < in_raw.get(t.topic, 0))
        if not old:
            return ()
        reason = f"the stream's checkpoint {self.checkpoint} is older than raw: it would read {', '.join(old)} twice"
        return (Break(Kind.CHECKPOINT_OLD, old, reason),)

    def _read_and_not_in_raw(self) -> tuple[str, ...]:
        """The tables of which batches were committed, when raw has not one row of any."""
        if newest_cut(self.paths).positions:
            return ()
        read, began = stream_offsets.committed_offsets(self.checkpoint), stream_offsets.start_offsets(self.checkpoint)
        return tuple(t.name for t in self.catalog.tables if read.get(t.topic, 0) > began.get(t.topic, 0))
