"""Rows whose key changed while a value was unavailable: the value is in the row that the delete removed.

A key change arrives as delete + insert with the same LSN and transaction. When the insert carries the
unavailable placeholder, the value may lie any number of keys and batches back. So the keys that such moves
connect (a component) are folded one event after the other, from the first event in raw: the outcome needs
neither the target nor where batches were cut. This is rare, and costs only when it happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse_assets.catalog import Table
from lakehouse_assets.changelog import fold, sql
from lakehouse_assets.changelog.envelope import UNAVAILABLE, Op
from lakehouse_assets.normalisation.encodings import decode

_GENERATION = "generation"  # not an op of raw: the moment a completed snapshot removes what it did not see


def moves_query(raw: str, table: Table, target: int) -> str:
    """SQL of every move with an unavailable value up to `target`: old_key, new_key, position (of the insert)."""
    where = f"table_name = {sql.text(table.name)} AND position <= {target} AND {fold.STREAMED}"
    return f"""
    SELECT d.key AS old_key, i.key AS new_key, i.position
    FROM (SELECT * FROM {raw} WHERE {where} AND op = '{Op.INSERT}' AND value LIKE '%{UNAVAILABLE}%') i
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
    key_struct = sql.struct_of_texts(table.key)
    keys = [
        f"{decode(c.type, f'from_json(last.key, {sql.text(key_struct)}).{sql.name(c.name)}').value} AS k{i}"
        for i, c in enumerate(table.key_columns)
    ]
    rows = f"""
      SELECT {", ".join(keys)}, last, -1L AS floor FROM (
        SELECT explode({_reduced(table)}) AS last FROM (
          SELECT component, array_sort(collect_list(event), (a, b) -> CAST(sign(a.position - b.position) AS int)) AS events
          FROM ({_history(raw, table, events)}) GROUP BY component
        )
      )
    """
    columns = []
    for column in sorted(table.other_columns, key=lambda c: c.type.toastable):  # the order of fold.latest
        columns.append(fold.typed(column, f"last.after.{sql.name(column.name)}"))
        if column.type.toastable:
            columns.append(f"false AS {fold.kept(column)}")
    return fold.row(rows, table, columns, events)


def _row_type(table: Table) -> str:
    after = sql.struct_of_texts(tuple(c.name for c in table.columns))
    return (
        "struct<position: bigint, lsn: bigint, tx_id: bigint, op: string, committed_at: timestamp, "
        f"key: string, after: {after}>"
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
      SELECT m.component, CAST(struct({columns}, after) AS {row}) AS event
      FROM ({keyed}) JOIN {events.moved_view} m USING (key)
      UNION ALL
      SELECT m.component, CAST(struct(position, lsn, tx_id, op, NULL, NULL, NULL) AS {row}) AS event
      FROM ({truncates}) CROSS JOIN (SELECT DISTINCT component FROM {events.moved_view}) m
      {_generations(events, row)}
    """


def _generations(events: fold.FoldRange, row: str) -> str:
    """Each completed generation as an event at its end, its start in the place of the lsn."""
    if not events.generations:
        return ""
    values = ", ".join(f"({end}L, {start}L, '{_GENERATION}')" for start, end in events.generations)
    return f"""
      UNION ALL
      SELECT m.component, CAST(struct(position, lsn, NULL, op, NULL, NULL, NULL) AS {row}) AS event
      FROM (VALUES {values} AS g (position, lsn, op)) CROSS JOIN (SELECT DISTINCT component FROM {events.moved_view}) m
    """


def _reduced(table: Table) -> str:
    """The fold of one component as an aggregate: its rows, and the row the last delete removed."""
    row = _row_type(table)
    empty = f"named_struct('rows', CAST(map() AS map<string, {row}>), 'lost', CAST(NULL AS {row}))"
    previous = "CASE WHEN try_element_at(s.rows, e.key).op <> 'delete' THEN try_element_at(s.rows, e.key).after END"
    lost = "CASE WHEN s.lost.lsn = e.lsn AND s.lost.tx_id = e.tx_id THEN s.lost.after END"
    filled = ", ".join(
        f"'{c.name}', CASE WHEN e.after.{sql.name(c.name)} = '{UNAVAILABLE}' "
        f"THEN before.{sql.name(c.name)} ELSE e.after.{sql.name(c.name)} END"
        for c in table.columns
    )
    after = f"CASE WHEN e.op = '{Op.DELETE}' THEN before ELSE named_struct({filled}) END"
    new = (
        "struct(e.position AS position, e.lsn AS lsn, e.tx_id AS tx_id, e.op AS op, e.committed_at AS committed_at, "
        f"e.key AS key, {after} AS after)"
    )
    # transform(array(x), name -> ...)[0] binds a name: SQL lambdas have no other way.
    new = f"transform(array(coalesce({previous}, {lost})), before -> CAST({new} AS {row}))[0]"
    kept = "map_filter(s.rows, (k, v) -> k <> e.key)"
    next_state = (
        f"transform(array({new}), r -> named_struct('rows', map_concat({kept}, map(e.key, r)), "
        f"'lost', CASE WHEN e.op = '{Op.DELETE}' THEN r ELSE s.lost END))[0]"
    )
    seen = "map_filter(s.rows, (k, v) -> v.position >= e.lsn)"
    step = (
        f"CASE WHEN e.op = '{Op.TRUNCATE}' THEN {empty} "
        f"WHEN e.op = '{_GENERATION}' THEN named_struct('rows', {seen}, 'lost', s.lost) ELSE {next_state} END"
    )
    return f"aggregate(events, {empty}, (s, e) -> {step}, s -> map_values(s.rows))"
