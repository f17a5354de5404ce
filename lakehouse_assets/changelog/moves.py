"""Rows whose key changed while a value was unavailable: the value is in the row that the delete removed.

A key change arrives as delete + insert with the same LSN and transaction. When the insert carries the
unavailable placeholder, the value may lie any number of keys and batches back. So the keys that such moves
connect (a component) are folded one event after the other, from the first event in raw: the outcome needs
neither the target nor where batches were cut. This is rare, and costs only when it happens.

A snapshot sees the source as it is now, which may be ahead of the stream; the changes in between come after it. What
such a change takes along is the value that the stream had given the row, not what the snapshot put or removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse_assets import sql
from lakehouse_assets.catalog import UNAVAILABLE, Table
from lakehouse_assets.changelog import fold
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.normalisation.encodings import decode

_GENERATION = "generation"  # not an op of raw: the moment a completed snapshot removes what it did not see


def mentions_unavailable(table: Table) -> str:
    """SQL of whether a message may hold an unavailable value: it holds the text of one."""
    wholes = {c.type.unavailable for c in table.other_columns if c.type.toastable}
    # In the message the text may be escaped; what holds it nowhere are numbers.
    texts = {UNAVAILABLE if UNAVAILABLE in whole else whole.strip("[]") for whole in wholes} or {UNAVAILABLE}
    return f"({' OR '.join(f'contains(value, {sql.text(text)})' for text in sorted(texts))})"


def moves_query(raw: str, table: Table, target: int) -> str:
    """SQL of every move with an unavailable value up to `target`: old_key, new_key, position (of the insert)."""
    where = f"table_name = {sql.text(table.name)} AND position <= {target} AND {fold.STREAMED}"
    return f"""
    SELECT d.key AS old_key, i.key AS new_key, i.position
    FROM (SELECT * FROM {raw} WHERE {where} AND op = '{Op.INSERT}' AND {mentions_unavailable(table)}) i
    JOIN (SELECT * FROM {raw} WHERE {where} AND op = '{Op.DELETE}') d
      ON d.lsn = i.lsn AND d.tx_id = i.tx_id AND d.position < i.position
    """


def components(moves: Iterable[tuple[str, str, int]], applied: int) -> dict[str, str]:
    """Key -> name of its component, for the components that a move after `applied` touches."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    fresh: set[str] = set()
    for old, new, position in moves:
        parent[root(new)] = root(old)
        if position > applied:
            fresh.add(new)
    wanted = {root(key) for key in fresh}
    return {key: root(key) for key in parent if root(key) in wanted}


def moved_rows(raw: str, table: Table, events: fold.FoldRange) -> str:
    """SQL of the components' keys as rows of `fold.changes`, every value known or unavailable, none kept."""
    rows = f"SELECT *, -1L AS floor FROM ({_told(raw, table, events, 'map_values(s.rows)')})"
    columns = []
    for column in sorted(table.other_columns, key=lambda c: c.type.toastable):  # the order of fold.latest
        text = f"last.after.{sql.name(column.name)}"
        if column.type.toastable:
            columns.append(fold.typed(column, f"nullif({text}, {sql.text(column.type.unavailable)})"))
            columns += [
                f"false AS {fold.kept(column)}",
                f"{text} <=> {sql.text(column.type.unavailable)} AS {fold.unknown(column)}",
            ]
        else:
            columns.append(fold.typed(column, text))
    return fold.row(rows, table, columns, events)


def moved_versions(raw: str, table: Table, events: fold.FoldRange) -> str:
    """SQL of every change of the components' keys, from the first in raw, with the row that it put: the columns of
    `fold.batch` that tell a version, every value known or unavailable."""
    keys = ", ".join(fold.key_parts(table))
    return f"SELECT {keys}, last.position, last.op, last.committed_at, last.after FROM ({_told(raw, table, events, 's.told')})"


def _told(raw: str, table: Table, events: fold.FoldRange, wanted: str) -> str:
    """SQL of the entries (key columns, `last`) that the fold of each component ends with; `wanted`: which of its state `s`."""
    key_struct = sql.struct_of_texts(table.key)
    keys = [
        f"{decode(c.type, f'from_json(last.key, {sql.text(key_struct)}).{sql.name(c.name)}', c.encoding).value} AS k{i}"
        for i, c in enumerate(table.key_columns)
    ]
    return f"""
      SELECT {", ".join(keys)}, last FROM (
        SELECT explode({_reduced(table, wanted)}) AS last FROM (
          SELECT component, array_sort(collect_list(event), (a, b) -> CAST(sign(a.position - b.position) AS int)) AS events
          FROM ({_history(raw, table, events)}) GROUP BY component
        )
      )
    """


def _row_type(table: Table) -> str:
    """A row, its newest event, and what the stream had said of it when a snapshot taken at LSN `taken` overtook it."""
    after = sql.struct_of_texts(tuple(c.name for c in table.columns))
    return (
        "struct<position: bigint, lsn: bigint, tx_id: bigint, op: string, committed_at: timestamp, "
        f"key: string, after: {after}, streamed: {after}, taken: bigint>"
    )


def _history(raw: str, table: Table, events: fold.FoldRange) -> str:
    """The components' events from the first in raw, and every genuine truncate once a component."""
    columns = "position, lsn, tx_id, op, committed_at, key"
    keyed = fold.first_deliveries(fold.events_of(raw, table, f"position <= {events.target}"), table)
    truncates = f"""
      SELECT min(position) AS position, lsn, tx_id, op FROM {raw}
      WHERE table_name = {sql.text(table.name)} AND op = '{Op.TRUNCATE}' AND position <= {events.target}
      GROUP BY {fold.IDENTITY}
    """
    row = _row_type(table)
    return f"""
      SELECT m.component, CAST(struct({columns}, after, NULL, NULL) AS {row}) AS event
      FROM ({keyed}) JOIN {events.moved_view} m USING (key)
      UNION ALL
      SELECT m.component, CAST(struct(position, lsn, tx_id, op, NULL, NULL, NULL, NULL, NULL) AS {row}) AS event
      FROM ({truncates}) CROSS JOIN (SELECT DISTINCT component FROM {events.moved_view}) m
      {_generations(events, row)}
    """


def _generations(events: fold.FoldRange, row: str) -> str:
    """Each completed generation as an event at its end, the position of its start in the place of the transaction."""
    if not events.generations:
        return ""
    values = ", ".join(
        f"({end}L, {'NULL' if lsn is None else f'{lsn}L'}, {start}L, '{_GENERATION}')"
        for start, end, lsn in events.generations
    )
    return f"""
      UNION ALL
      SELECT m.component, CAST(struct(position, lsn, start, op, NULL, NULL, NULL, NULL, NULL) AS {row}) AS event
      FROM (VALUES {values} AS g (position, lsn, start, op))
        CROSS JOIN (SELECT DISTINCT component FROM {events.moved_view}) m
    """


def _reduced(table: Table, wanted: str) -> str:
    """The fold of one component as an aggregate over its events `e`: its rows by key, the row the last delete removed,
    and every entry there was.

    A row that is gone stays as a delete, for what a later change may still take from it.
    """
    row = _row_type(table)
    nothing = f"'rows', CAST(map() AS map<string, {row}>), 'lost', CAST(NULL AS {row})"
    empty = f"named_struct({nothing}, 'told', CAST(array() AS array<{row}>))"
    others = "map_filter(s.rows, (k, v) -> k <> e.key)"
    changed = (
        f"named_struct('rows', map_concat({others}, map(e.key, n)), "
        f"'lost', CASE WHEN e.op = '{Op.DELETE}' THEN n ELSE s.lost END, 'told', array_append(s.told, n))"
    )
    next_state = _let("b", _before("try_element_at(s.rows, e.key)"), _let("n", _after(table, row), changed))
    removed = (
        f"CAST(struct(v.position, v.lsn, v.tx_id, '{Op.DELETE}', v.committed_at, v.key, v.after, "
        f"{_overtaken('v')}, e.lsn) AS {row})"
    )
    stays = f"v.op = '{Op.DELETE}' OR v.position >= e.tx_id"
    seen = f"transform_values(s.rows, (k, v) -> CASE WHEN {stays} THEN v ELSE {removed} END)"
    step = (
        f"CASE WHEN e.op = '{Op.TRUNCATE}' THEN named_struct({nothing}, 'told', s.told) "
        f"WHEN e.op = '{_GENERATION}' THEN named_struct('rows', {seen}, 'lost', s.lost, 'told', s.told) ELSE {next_state} END"
    )
    return f"aggregate(events, {empty}, (s, e) -> {step}, s -> {wanted})"


def _before(r: str) -> str:
    """`b`: what is known, before event `e`, of the row `r` of its key."""
    return f"""named_struct(
      'row', CASE WHEN {r}.op <> '{Op.DELETE}' THEN {r}.after END,
      'streamed', CASE WHEN {_same_epoch(r)} AND e.lsn < {r}.taken THEN {r}.streamed END,
      'moved', CASE WHEN e.op = '{Op.INSERT}' AND s.lost.lsn = e.lsn AND s.lost.tx_id = e.tx_id THEN s.lost.after END,
      'overtaken', {_overtaken(r)},
      'taken', {r}.taken)
    """


def _after(table: Table, row: str) -> str:
    """`n`: the row of the key after event `e`, given `b`."""
    deleted = _entry(row, "coalesce(b.streamed, b.row)")
    snapshot = _entry(row, "e.after", "b.overtaken", "CASE WHEN b.overtaken IS NOT NULL THEN e.lsn END")
    put = _entry(
        row,
        _filled(table, "coalesce(b.moved, b.row)"),
        f"CASE WHEN b.streamed IS NOT NULL THEN {_filled(table, 'coalesce(b.moved, b.streamed)')} END",
        "CASE WHEN b.streamed IS NOT NULL THEN b.taken END",
    )
    return f"CASE e.op WHEN '{Op.DELETE}' THEN {deleted} WHEN '{Op.SNAPSHOT}' THEN {snapshot} ELSE {put} END"


def _let(name: str, value: str, body: str) -> str:
    """`body` with `name` standing for `value`: SQL lambdas have no other way to name a thing."""
    return f"transform(array({value}), {name} -> {body})[0]"


def _same_epoch(r: str) -> str:
    return f"shiftright({r}.position, 40) = shiftright(e.position, 40)"


def _overtaken(r: str) -> str:
    """What the stream had said of row `r` when the snapshot of `e` writes or removes it; incremental ones have no LSN."""
    streamed = f"CASE WHEN {r}.taken IS NOT NULL THEN {r}.streamed WHEN {r}.op <> '{Op.DELETE}' THEN {r}.after END"
    return f"CASE WHEN {_same_epoch(r)} AND e.lsn IS NOT NULL THEN {streamed} END"


def _filled(table: Table, before: str) -> str:
    """The event's row, its unavailable values taken from `before`."""
    columns = [
        f"'{c.name}', CASE WHEN x IS NOT NULL AND e.after.{sql.name(c.name)} = {sql.text(c.type.unavailable)} "
        f"THEN x.{sql.name(c.name)} ELSE e.after.{sql.name(c.name)} END"
        for c in table.columns
    ]
    return _let("x", before, f"named_struct({', '.join(columns)})")


def _entry(row: str, after: str, streamed: str = "NULL", taken: str = "NULL") -> str:
    return (
        f"CAST(struct(e.position, e.lsn, e.tx_id, e.op, e.committed_at, e.key, {after}, {streamed}, {taken}) AS {row})"
    )
