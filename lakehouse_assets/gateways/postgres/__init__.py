"""The source database: connections, set-up, checks and positions. The only room that knows the Postgres driver."""

from lakehouse_assets.gateways.postgres.bootstrap import APPLICATION_ROLE, REPLICATION_ROLE, SQL_FOLDER, bootstrap
from lakehouse_assets.gateways.postgres.checks import source_problems
from lakehouse_assets.gateways.postgres.connection import connect, execute, failure, open_snapshot, place
from lakehouse_assets.gateways.postgres.rows import rows
from lakehouse_assets.gateways.postgres.slot import SlotState, current_lsn, parse_lsn, slot_state, write_marker
from lakehouse_assets.gateways.postgres.table_checks import Problem

__all__ = [
    "APPLICATION_ROLE",
    "REPLICATION_ROLE",
    "SQL_FOLDER",
    "Problem",
    "SlotState",
    "bootstrap",
    "connect",
    "current_lsn",
    "execute",
    "failure",
    "open_snapshot",
    "parse_lsn",
    "place",
    "rows",
    "slot_state",
    "source_problems",
    "write_marker",
]
