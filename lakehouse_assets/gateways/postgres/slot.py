"""Positions in the source's WAL: its end, how far the slot got, and a marker that everything earlier is behind."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from lakehouse_assets.changelog.lsn import parse_lsn
from lakehouse_assets.continuity import Source
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.postgres.connection import execute, place, session

_BEAT = "update lakehouse.heartbeat set beat_at = clock_timestamp(), marker = %s where id = 1"
LOST = "lost"
# Of `pg_replication_slots s`; NULL before PostgreSQL 17, which has no such column.
INVALIDATION_REASON = "to_jsonb(s) ->> 'invalidation_reason'"


@dataclass(frozen=True)
class SlotState:
    """A replication slot. LSNs are integers; `safe_wal_size` (bytes until it is lost) is None without a limit.

    `holder` is the process of the server that reads it for somebody, None when nobody does.
    """

    exists: bool
    holder: int | None = None
    plugin: str | None = None
    confirmed_flush_lsn: int | None = None
    wal_status: str | None = None
    invalidation_reason: str | None = None
    safe_wal_size: int | None = None
    retained_bytes: int | None = None

    @property
    def active(self) -> bool:
        """Whether somebody reads it: nobody else can move it then."""
        return self.holder is not None

    @property
    def lost(self) -> bool:
        """Whether the server has thrown WAL away that the slot still needed: only a new snapshot mends that."""
        return self.wal_status == LOST or self.invalidation_reason is not None


def current_lsn(dsn: str) -> int:
    """Where the next WAL record will start, that is behind everything committed so far."""
    with session(dsn) as connection:
        return _insert_lsn(connection)


def cluster(dsn: str) -> Source:
    """Which cluster answers; LakehouseError for a standby, whose WAL is another's."""
    rows = execute(
        dsn,
        """select system_identifier::text, timeline_id, pg_current_wal_flush_lsn() - '0/0'::pg_lsn
           from pg_control_system(), pg_control_checkpoint()""",
    )
    system_id, timeline, lsn = rows[0]
    return Source(system_id, timeline, int(lsn))


def slot_state(dsn: str, slot: str) -> SlotState:
    """The state of the slot; `exists` is False when there is none of that name."""
    with session(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"""select active_pid, plugin, confirmed_flush_lsn - '0/0'::pg_lsn, wal_status, {INVALIDATION_REASON},
                      safe_wal_size, pg_current_wal_lsn() - restart_lsn
               from pg_replication_slots s where slot_name = %s""",
            [slot],
        )
        found = cursor.fetchone()
    if found is None:
        return SlotState(exists=False)
    holder, plugin, confirmed, wal_status, reason, safe, retained = found
    return SlotState(True, holder, plugin, _whole(confirmed), wal_status, reason, _whole(safe), _whole(retained))


def heartbeat_age(dsn: str) -> float | None:
    """Seconds since the heartbeat table was last written, by the source's clock; None when it never was."""
    rows = execute(dsn, "select extract(epoch from clock_timestamp() - beat_at) from lakehouse.heartbeat where id = 1")
    return float(rows[0][0]) if rows else None


def write_marker(dsn: str, text: str) -> int:
    """Beat the heartbeat and return an LSN behind everything committed before the call.

    The slot's confirmed_flush_lsn is sure to reach it without any further change at the source. Two
    transactions are needed: while Debezium handles a change its offset still holds the commit *before*
    it, so the second beat is what carries the first one's commit out. The LSN is read inside the first,
    after its change and before its commit record: every earlier commit is smaller, its own is not.
    """
    with session(dsn) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(_BEAT, [text])
            if cursor.rowcount != 1:
                raise LakehouseError(
                    "lakehouse.heartbeat has no row, so nothing moves the slot",
                    where=place(dsn),
                    next_step="insert into lakehouse.heartbeat (id, beat_at, marker) values (1, now(), '')",
                )
            marker = _insert_lsn(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute(_BEAT, [text])
    return marker


def _insert_lsn(connection: Connection) -> int:
    with connection.cursor() as cursor:
        # The insert position, not the write position: with synchronous_commit off a commit may not be written yet.
        cursor.execute("select pg_current_wal_insert_lsn()")
        return parse_lsn(cursor.fetchone()[0])  # pyright: ignore[reportOptionalSubscript]


def _whole(value: object) -> int | None:
    return None if value is None else int(value)  # pyright: ignore[reportArgumentType]
