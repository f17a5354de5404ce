"""The fold: the changes of one table between two positions, reduced to one row a key, ready to MERGE.

This is the only statement of DESIGN section 4 in the product; its oracle is a short plain-Python one in
lakehouse_assets_tests/changelog/oracle.py. What a batch needs to know beyond its own events (truncates,
generations, moved keys, replays) is found by the survey and handed in as `FoldRange`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse_assets import sql
from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.generations import Generation
from lakehouse_assets.normalisation.encodings import decode

STREAMED = "coalesce(snapshot, 'false') = 'false'"
# What a change delivered again has in common with its first delivery, beside its key; a snapshot row is never one.
IDENTITY = (
    "tx_id, lsn, op, shiftright(position, 40), "
    f"CASE WHEN {STREAMED} AND tx_id IS NOT NULL AND lsn IS NOT NULL THEN -1L ELSE position END"
)
ROW_OPS = f"op IN ('{Op.INSERT}', '{Op.UPDATE}', '{Op.DELETE}', '{Op.SNAPSHOT}')"


@dataclass(frozen=True)
class FoldRange:
    """Which events are folded, and what is known about them.

    `applied` < position <= `target`. `truncate_at`: position of the last genuine truncate in the range.
    `generations`: completed snapshot generations, at least those that end in the range.
    `replay_lsns`: the LSN range in which events folded earlier could be repeated, None when the log shows that
    none can. `moved_view`: view (key, component) of the keys whose rows moved with unavailable values, None when
    none did.
    """

    applied: int
    target: int
    truncate_at: int | None = None
    generations: tuple[Generation, ...] = ()
    replay_lsns: tuple[int, int] | None = None
    moved_view: str | None = None

    @property
    def completed(self) -> tuple[Generation, ...]:
        """The generations that end in the range."""
        return tuple(generation for generation in self.generations if generation.end > self.applied)

    @property
    def oldest_living(self) -> int | None:
        """Rows whose newest event is older than this position are gone; None when all may live."""
        gone = [generation.start for generation in self.completed]
        if self.truncate_at is not None:
            gone.append(self.truncate_at)
        return max(gone, default=None)


def batch(raw: str, table: Table, events: FoldRange) -> str:
    """SQL of the range's events, decoded: key columns `k0..`, `after` as texts, replays left out."""
    source = events_of(raw, table, f"position > {events.applied} AND position <= {events.target}")
    if events.replay_lsns is not None:
        source = f"SELECT * FROM ({source}) e WHERE NOT EXISTS ({_earlier(raw, table, events)})"
    deliveries = first_deliveries(source, table)
    if events.truncate_at is None:
        return deliveries
    # Only now: what comes again after a truncate was first delivered before it.
    return f"SELECT * FROM ({deliveries}) WHERE position > {events.truncate_at}"


def key_parts(table: Table) -> list[str]:
    """The names of the typed key columns of events: `k0`, `k1`, ..."""
    return [f"k{i}" for i in range(len(table.key))]


def events_of(raw: str, table: Table, where: str) -> str:
    """SQL of the table's row events, key columns typed as `k0..`, `after` as texts; without a readable key there is none."""
    key_struct, after_struct = sql.struct_of_texts(table.key), sql.struct_of_texts(tuple(c.name for c in table.columns))
    decoded = [
        f"{decode(c.type, f'key_texts.{sql.name(c.name)}', c.encoding).value} AS k{i}"
        for i, c in enumerate(table.key_columns)
    ]
    return f"""
    SELECT position, op, lsn, tx_id, committed_at, snapshot, key, after, {", ".join(decoded)}
    FROM (
      SELECT *, from_json(key, {sql.text(key_struct)}) AS key_texts,
             from_json(value, {sql.text(f"struct<after: {after_struct}>")}).after AS after
      FROM {raw} WHERE table_name = {sql.text(table.name)} AND {ROW_OPS} AND {where}
    )
    WHERE {" AND ".join(f"key_texts.{sql.name(k)} IS NOT NULL" for k in table.key)}
    """


def _earlier(raw: str, table: Table, events: FoldRange) -> str:
    """An event already folded that `e` repeats: same transaction, LSN, key and operation, streamed, in the same epoch."""
    low, high = events.replay_lsns or (0, 0)
    streamed = "coalesce({0}.snapshot, 'false') = 'false'"
    return f"""
      SELECT 1 FROM {raw} p
      WHERE p.table_name = {sql.text(table.name)} AND p.position <= {events.applied} AND p.lsn BETWEEN {low} AND {high}
        AND p.tx_id = e.tx_id AND p.lsn = e.lsn AND p.key = e.key AND p.op = e.op
        AND shiftright(p.position, 40) = shiftright(e.position, 40)
        AND {streamed.format("p")} AND {streamed.format("e")}
    """


def first_deliveries(source: str, table: Table) -> str:
    """SQL of `source` without events repeated inside it: the first delivery of a streamed event counts."""
    keys = ", ".join(key_parts(table))
    return f"""
    SELECT * EXCEPT (delivery) FROM (
      SELECT *, row_number() OVER (PARTITION BY {keys}, {IDENTITY} ORDER BY position) AS delivery FROM ({source})
    ) WHERE delivery = 1
    """


def latest(source: str, table: Table, events: FoldRange) -> str:
    """SQL of one row a key from the events of a batch."""
    keys = ", ".join(key_parts(table))
    toastable = [c for c in table.other_columns if c.type.toastable]
    columns = [typed(c, f"last.after.{sql.name(c.name)}") for c in table.other_columns if not c.type.toastable]
    for c in toastable:
        # A value from before the row's death belongs to another life of the key.
        living = f"{_known(c)}.position > coalesce(greatest(ended_at, missed_at), -1)"
        columns.append(typed(c, f"CASE WHEN {living} THEN {_known(c)}.text END"))
        columns.append(f"({_known(c)} IS NULL AND ended_at IS NULL) AS {kept(c)}")
        columns.append(f"NOT coalesce({living}, false) AS {unknown(c)}")
    aggregates = [*_lives(events), *(_last_known(c) for c in toastable)]
    return row(f"SELECT {keys}, {', '.join(aggregates)} FROM ({source}) GROUP BY {keys}", table, columns, events)


def _lives(events: FoldRange) -> list[str]:
    """A key's last event, where its last life ended, and which generation did not see it (its end and start)."""
    truncated = "NULL" if events.truncate_at is None else f"{events.truncate_at}L"
    missed = [
        (f"CASE WHEN count_if(position BETWEEN {start} AND {end}) = 0 THEN {{}}L END", start, end)
        for start, end, _ in events.completed
    ]
    ends = [case.format(end) for case, _, end in missed]
    starts = [case.format(start) for case, start, _ in missed]
    return [
        "max_by(struct(position, lsn, tx_id, op, committed_at, key, after), position) AS last",
        f"greatest(max(position) FILTER (WHERE op = '{Op.DELETE}'), {truncated}) AS ended_at",
        f"greatest(-1L, {', '.join([*ends, '-1L'])}) AS missed_at",
        f"greatest(-1L, {', '.join([*starts, '-1L'])}) AS floor",
    ]


def _last_known(column: Column) -> str:
    text = f"after.{sql.name(column.name)}"
    genuine = f"op <> '{Op.DELETE}' AND NOT ({text} <=> {sql.text(column.type.unavailable)})"
    return f"max(struct(position, {text} AS text)) FILTER (WHERE {genuine}) AS {_known(column)}"


def row(grouped: str, table: Table, columns: list[str], events: FoldRange) -> str:
    """SQL of the row MERGE takes, from one `last` event a key."""
    keys = [f"k{i} AS {sql.name(c.name)}" for i, c in enumerate(table.key_columns)]
    meta = ["last.position AS _position", "last.lsn AS _lsn", "last.tx_id AS _tx_id", "last.op AS _op"]
    gone = "false" if events.oldest_living is None else f"last.position < {events.oldest_living}"
    return f"""
    SELECT {", ".join([*keys, *columns, *meta])}, last.committed_at AS _committed_at, floor AS _floor,
           (last.op = '{Op.DELETE}' OR {gone}) AS _dead, last.key AS _key
    FROM ({grouped})
    """


def typed(column: Column, text: str) -> str:
    """A column of the result, decoded from its text; a text that is judged stays for its rule."""
    value = text if column.judged else decode(column.type, text, column.encoding).value
    return f"{value} AS {sql.name(column.name)}"


def _known(column: Column) -> str:
    return sql.name(f"_known_{column.name}")


def kept(column: Column) -> str:
    """The flag that says the target's value of a column stays."""
    return sql.name(f"_kept_{column.name}")


def unknown(column: Column) -> str:
    """The flag that says the range holds no value of a column."""
    return sql.name(f"_unknown_{column.name}")
