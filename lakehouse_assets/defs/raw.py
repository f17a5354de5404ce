"""raw/<t>: what the stream landed in one day, audited. The stream writes; materialising only looks, without Spark."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.changelog.envelope import Op
from lakehouse_assets.changelog.position import epoch_of, offset_of
from lakehouse_assets.defs import kafka as kafka_hop
from lakehouse_assets.defs.metadata import place
from lakehouse_assets.defs.resources import KafkaResource, LakeResource
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import AddedFile

GROUP = "raw"
FIRST_DAY = "2026-01-01"  # no stack landed anything before
DAYS = DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
CONTIGUOUS, READABLE = "offsets_contiguous", "messages_readable"
_SHOWN_OFFSETS = 20
_LOOKED_UP_OFFSETS = 1000  # more missing than that are no tombstones


def key(table: str) -> AssetKey:
    """The raw asset of a table."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog) -> list[AssetsDefinition]:
    """One partitioned asset for each table."""
    return [_asset(table) for table in catalog.tables]


def _asset(table: Table) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[kafka_hop.key(table.name)],
        partitions_def=DAYS,
        group_name=GROUP,
        kinds={"deltalake", "parquet"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        description=(
            f"Every change of {table.source_name} as it came, inserts, updates and deletes apart, by day of arrival (UTC). "
            "The engine's stream writes it; materialising a day audits it."
        ),
        check_specs=[
            AssetCheckSpec(
                CONTIGUOUS,
                asset=key(table.name),
                blocking=True,
                description="No Kafka offset is missing, but for tombstones.",
            ),
            AssetCheckSpec(READABLE, asset=key(table.name), description="Every message could be read (a warning)."),
        ],
    )
    def audit(context: AssetExecutionContext, lake: LakeResource, kafka: KafkaResource) -> MaterializeResult:
        files = [
            file
            for file in deltalog.all_files(lake.paths.raw)[1]
            if file.partition["table_name"] == table.name and file.partition["event_date"] == context.partition_key
        ]
        return MaterializeResult(
            metadata={**_counts(files), **place(lake.paths.raw)},
            check_results=[
                _contiguous(files, table, context.partition_key, lake, kafka),
                _readable(files, table, context.partition_key, lake),
            ],
        )

    return audit


def _counts(files: list[AddedFile]) -> dict[str, Any]:
    by_op = Counter[str]()
    for file in files:
        by_op[file.partition["op"]] += file.rows
    total, deletes = by_op.total(), by_op[Op.DELETE]
    positions = [p for file in files for p in (file.low["position"], file.high["position"])]
    return {
        "dagster/partition_row_count": total,
        **{f"{op}s" if op != Op.UNKNOWN else "unknown": by_op[op] for op in Op},
        "deletes_share": round(deletes / total, 4) if total else 0.0,
        "first_position": min(positions, default=-1),
        "last_position": max(positions, default=-1),
        "files": len(files),
    }


def missing_offsets(files: list[AddedFile]) -> int:
    """How many offsets are missing between the first and the last of the files, by their counts; negative: doubled."""
    missing = 0
    for epoch in {epoch_of(file.low["position"]) for file in files}:
        of_epoch = [file for file in files if epoch_of(file.low["position"]) == epoch]
        first = min(offset_of(file.low["position"]) for file in of_epoch)
        last = max(offset_of(file.high["position"]) for file in of_epoch)
        missing += last - first + 1 - sum(file.rows for file in of_epoch)
    return missing


def _contiguous(
    files: list[AddedFile], table: Table, day: str, lake: LakeResource, kafka: KafkaResource
) -> AssetCheckResult:
    missing = missing_offsets(files)
    ignored = len(kafka.tombstones(table.topic, _gaps(table, day, lake))) if missing > 0 else 0
    lost = missing - ignored
    return AssetCheckResult(
        check_name=CONTIGUOUS,
        passed=lost == 0,
        severity=AssetCheckSeverity.ERROR,
        metadata={"missing_offsets": lost, "tombstones": ignored},
        description=None if lost == 0 else f"{abs(lost)} offsets are {'missing' if lost > 0 else 'doubled'}",
    )


def _gaps(table: Table, day: str, lake: LakeResource) -> list[int]:
    """Offsets that raw does not hold between the first and last of the day: a tombstone leaves one, and so does a loss."""
    with lake.reader() as reader:
        answer = reader.query(f"""
          SELECT unnest(generate_series(kafka_offset + 1, next_offset - 1)) FROM (
            SELECT kafka_offset, lead(kafka_offset) OVER (PARTITION BY position >> 40 ORDER BY position) AS next_offset
            FROM raw WHERE table_name = '{table.name}' AND event_date = '{day}'
          ) WHERE next_offset > kafka_offset + 1 LIMIT {_LOOKED_UP_OFFSETS}
        """)
    return [row[0] for row in answer.rows]


def _readable(files: list[AddedFile], table: Table, day: str, lake: LakeResource) -> AssetCheckResult:
    unreadable = sum(file.rows for file in files if file.partition["op"] == Op.UNKNOWN)
    offsets = list(_unknown_offsets(table, day, lake)) if unreadable else []
    return AssetCheckResult(
        check_name=READABLE,
        passed=unreadable == 0,
        severity=AssetCheckSeverity.WARN,
        metadata={"unreadable": unreadable, "offsets": offsets},
        description=None
        if unreadable == 0
        else f"{unreadable} messages could not be read; they are kept in raw as `unknown`",
    )


def _unknown_offsets(table: Table, day: str, lake: LakeResource) -> Iterator[int]:
    with lake.reader() as reader:
        answer = reader.query(
            f"SELECT kafka_offset FROM raw WHERE table_name = '{table.name}' AND op = '{Op.UNKNOWN}' "
            f"AND event_date = '{day}' ORDER BY 1 LIMIT {_SHOWN_OFFSETS}"
        )
    yield from (row[0] for row in answer.rows)
