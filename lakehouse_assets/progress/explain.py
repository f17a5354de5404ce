"""Why a row of the lake is as it is: every event of its key, what the fold did with it, and the row at every stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.catalog.shape import SourceShape
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.generations import completed
from lakehouse_assets.changelog.lsn import lsn_text
from lakehouse_assets.engine import brake, history
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.reader import LakeReader, open_lake
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.gateways import postgres
from lakehouse_assets.progress.verify import agreed
from lakehouse_assets.proof import Bounds, Comparison, Key, Row
from lakehouse_assets.proof.fates import Fate, fates

_STATEMENT_SECONDS = 30


@dataclass(frozen=True)
class ExplainedEvent:
    """An event and its fate; `by` is the position of what decided it, `moved` the other half of a key change."""

    position: int
    op: str
    snapshot: bool
    lsn: str | None
    tx_id: int | None
    committed_at: str | None
    file: str
    fate: Fate
    by: int | None
    moved: str | None


@dataclass(frozen=True)
class Cell:
    """A column's value at each stage: as the newest message has it, in transformed, and in the source now."""

    column: str
    raw: str | None
    transformed: str | None
    source: str | None
    same: bool  # whether transformed holds what it should of the source's value


@dataclass(frozen=True)
class Explanation:
    """All that is known of a key. `applied` is the position up to which transformed holds changes."""

    table: str
    key: dict[str, str]
    applied: int
    events: list[ExplainedEvent]
    in_transformed: int  # rows
    in_source: bool | None  # None: it could not be asked
    cells: list[Cell]
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether there is or was such a key anywhere."""
        return bool(self.events or self.in_transformed or self.in_source)


def explain(catalog: Catalog, paths: LakePaths, source_dsn: str, name: str, parts: Sequence[str]) -> Explanation:
    """Explain the row of table `name` with the key `parts`, in the key's order.

    Raises LakehouseError (usage) for an unknown table or a key that is none. A source that does not answer is a note.
    """
    if name not in catalog.names:
        known = ", ".join(catalog.names)
        raise LakehouseError(
            f"no such table: {name}", where="explain", next_step=f"tables: {known}", exit_code=EXIT_USAGE
        )
    notes: list[str] = []
    table = catalog.table(name)
    asked = _shape(table, catalog, source_dsn, notes)
    compared = agreed(table, paths, asked)
    if compared.obstacle:
        raise LakehouseError(compared.obstacle, where=name, exit_code=EXIT_USAGE)
    applied = folded(paths, name).applied
    with open_lake(paths, files=True) as lake:
        key = history.key_of(lake, compared, parts)
        messages = history.messages(lake, compared, key) if "raw" in lake.tables else []
        events = _events(lake, compared, messages, applied)
        held = history.rows(lake, compared, key)
    notes += [f"{column} is not shown: {why}" for column, why in compared.not_compared.items()]
    if len(held) > 1:
        notes.append(f"transformed holds {len(held)} rows of this key")
    if waiting := brake.braked(paths, name, applied):
        notes.append(f"the table is braked: {waiting.words}; lakehouse status says more")
    source, in_source = (None, None) if asked is None else _source(compared, source_dsn, key, notes)
    newest = next((m for m in reversed(messages) if m.told.op not in (Op.DELETE, Op.UNKNOWN)), None)
    cells = _cells(compared, newest.values if newest else None, held[0] if held else None, source)
    named = dict(zip(compared.table.key, key, strict=True))
    return Explanation(name, named, applied, events, len(held), in_source, cells, notes)


def _events(
    lake: LakeReader, compared: Comparison, messages: list[history.Message], applied: int
) -> list[ExplainedEvent]:  # fmt: skip
    if not messages:
        return []
    complete = completed(history.markers(lake, compared))
    found = fates([m.told for m in messages], history.truncates(lake, compared), complete, applied)
    return [_explained(message, *fate) for message, fate in zip(messages, found, strict=True)]


def _explained(message: history.Message, fate: Fate, by: int | None) -> ExplainedEvent:
    told = message.told
    lsn = None if told.lsn is None else lsn_text(told.lsn)
    at = message.committed_at.isoformat() if message.committed_at else None
    snapshot = (told.snapshot or "false") != "false"
    return ExplainedEvent(told.position, told.op, snapshot, lsn, told.tx_id, at, message.file, fate, by, message.moved)


def _shape(table: Table, catalog: Catalog, dsn: str, notes: list[str]) -> SourceShape | None:
    try:
        return postgres.read_shapes(dsn, catalog.publication, [table])[table.name]
    except LakehouseError as error:
        notes.append(f"the source could not be asked: {error.problem}")
        return None


def _source(
    compared: Comparison, dsn: str, key: Key, notes: list[str]
) -> tuple[tuple[Row, Row] | None, bool | None]:  # fmt: skip
    try:
        with postgres.open_moment(dsn, _STATEMENT_SECONDS, _STATEMENT_SECONDS * 2) as moment:
            found = moment.of(compared, Bounds(())).row(key)
    except LakehouseError as error:
        notes.append(f"the source could not be asked: {error.problem}")
        return None, None
    return found, found is not None


def _cells(
    compared: Comparison, raw: Row | None, held: tuple[Row, Row] | None, source: tuple[Row, Row] | None
) -> list[Cell]:  # fmt: skip
    nothing: Row = (None,) * len(compared.columns)
    (there, shown_there), (here, shown_here) = held or (nothing, nothing), source or (nothing, nothing)
    message = raw or nothing
    return [
        Cell(column, message[i], shown_there[i], shown_here[i], there[i] == here[i])
        for i, column in enumerate(compared.columns)
    ]
