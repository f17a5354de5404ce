"""Why a connector fails, and the SQL or setting that mends it: known words of a first cause -> the fix."""

from __future__ import annotations

from typing import NamedTuple

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways.connect import ConnectorStatus


class KnownCause(NamedTuple):
    """Words of the cause (all lower case, any of them), what they mean, and how to mend it."""

    words: tuple[str, ...]
    meaning: str
    fix: str


# The first line that fits is taken, so the special ones come before the general ones.
KNOWN_CAUSES = (
    KnownCause(
        ("wal_level",),
        "the source does not write what logical decoding needs",
        "alter system set wal_level = 'logical';  -- then restart the source",
    ),
    KnownCause(
        ("can no longer get changes from replication slot", "can no longer access replication slot",
         "has been invalidated", "no longer available on the server", "requested wal segment"),
        "the source threw away changes that were not read yet (the slot is invalid or behind the stored offset)",
        "lakehouse recover  -- and raise LAKEHOUSE_MAX_SLOT_WAL_GB (max_slot_wal_keep_size)",
    ),
    KnownCause(
        ("replication slot \"{slot}\" does not exist", "slot does not exist", "replication slot does not exist"),
        "the slot is gone, and with it the changes since the stored offset",
        "lakehouse recover",
    ),
    KnownCause(
        ("is active for pid",),
        "another process reads the slot",
        "another lake's connector? write another slot in [lake] of the catalog. An old connection of this one: "
        "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{slot}';",
    ),
    KnownCause(
        ("all replication slots are in use", "max_replication_slots"),
        "the source has no free slot",
        "select slot_name, active from pg_replication_slots;  -- drop one, or raise max_replication_slots and restart",
    ),
    KnownCause(
        ("max_wal_senders", "number of requested standby connections exceeds"),
        "the source has no free walsender",
        "alter system set max_wal_senders = 10;  -- then restart the source",
    ),
    KnownCause(
        ("publication",),
        "the publication is missing or does not list every table of the catalog",
        "create publication {publication} for table {tables} with (publish_via_partition_root = true);"
        "  -- or: alter publication {publication} set table {tables};",
    ),
    KnownCause(
        ("must be superuser or replication role", "permission denied to start wal sender", "replication role",
         "permission denied to use replication slots"),
        "the role lacks the REPLICATION attribute",
        "alter role {role} replication;",
    ),
    KnownCause(
        ("permission denied",),
        "the role lacks a right on a table",
        "grant select on {tables} to {role};  grant update on lakehouse.heartbeat to {role};",
    ),
    KnownCause(
        ("authentication failed", "no password was provided", "scram"),
        "the source refuses the role's password",
        "correct LAKEHOUSE_REPLICATION_DSN, or `lakehouse up`, which sets the embedded source's passwords again",
    ),
    KnownCause(
        ("could not resolve variable", "configprovider", "config provider", "could not read file"),
        "Connect cannot read the password from the secrets file",
        "lakehouse up",
    ),
    KnownCause(
        ("connection to", "connection refused", "unable to obtain a jdbc connection", "unknownhost",
         "connection attempt failed"),
        "the source does not answer",
        "start the source (`lakehouse up`), or correct host and port in LAKEHOUSE_REPLICATION_DSN",
    ),
    KnownCause(
        ("not present in metadata", "unknown_topic", "unknowntopicorpartition"),
        "a topic is missing",
        "lakehouse up, which makes every topic of the catalog",
    ),
    KnownCause(
        ("recordtoolarge", "larger than"),
        "one change is larger than the broker takes",
        "raise message.max.bytes at the broker and max.message.bytes of the topic, then restart the connector",
    ),
)  # fmt: skip
_UNKNOWN = KnownCause((), "", "read logs/connect.log; then `lakehouse up` starts the connector again")


def explain(cause: str, catalog: Catalog, role: str) -> tuple[str, str]:
    """(meaning, fix) of a first cause; the fix names this catalog's slot, publication, tables and the role."""
    names = {
        "slot": catalog.slot,
        "publication": catalog.publication,
        "tables": ", ".join(catalog.published_sql),
        "role": role,
    }
    lowered = cause.lower()
    known = next((entry for entry in KNOWN_CAUSES if any(w.format(**names) in lowered for w in entry.words)), _UNKNOWN)
    return known.meaning, known.fix.format(**names)


def failed_connector(status: ConnectorStatus, catalog: Catalog, role: str) -> LakehouseError:
    """The error that says why the connector failed, with its first cause and the fix."""
    meaning, fix = explain(status.cause, catalog, role)
    problem = f"{meaning} ({status.cause})" if meaning else status.cause or f"is {status.state}"
    return LakehouseError(problem, where=f"connector {status.name}", next_step=fix)
