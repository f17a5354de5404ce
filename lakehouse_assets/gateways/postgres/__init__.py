"""The source database: connections, set-up, checks and positions. The only room that knows the Postgres driver."""

from lakehouse_assets.gateways.postgres.bootstrap import APPLICATION_ROLE, REPLICATION_ROLE, SQL_FOLDER, bootstrap
from lakehouse_assets.gateways.postgres.checks import access_problems, reader_problems, source_problems
from lakehouse_assets.gateways.postgres.connection import connect, execute, failure, place
from lakehouse_assets.gateways.postgres.discovery import find_tables, sampled_texts
from lakehouse_assets.gateways.postgres.moment import Moment, Rewritten, SourceTable, open_moment
from lakehouse_assets.gateways.postgres.serving import publish, published
from lakehouse_assets.gateways.postgres.shape import read_shapes, undeclared_tables
from lakehouse_assets.gateways.postgres.slot import (
    SlotState,
    cluster,
    current_lsn,
    heartbeat_age,
    slot_state,
    write_marker,
)
from lakehouse_assets.gateways.postgres.table_checks import Problem

__all__ = [
    "APPLICATION_ROLE",
    "REPLICATION_ROLE",
    "SQL_FOLDER",
    "Moment",
    "Problem",
    "Rewritten",
    "SlotState",
    "SourceTable",
    "access_problems",
    "bootstrap",
    "cluster",
    "connect",
    "current_lsn",
    "execute",
    "failure",
    "find_tables",
    "heartbeat_age",
    "open_moment",
    "place",
    "publish",
    "published",
    "read_shapes",
    "reader_problems",
    "sampled_texts",
    "slot_state",
    "source_problems",
    "undeclared_tables",
    "write_marker",
]
