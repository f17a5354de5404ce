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
from lakehouse_assets.defs import kafka
from lakehouse_assets.defs.metadata import place
from lakehouse_assets.defs.resources import LakeResource
from lakehouse_assets.engine import deltalog
from lakehouse_assets.engine.deltalog import AddedFile

GROUP = "raw"
FIRST_DAY = "2026-01-01"  # no stack landed anything before
DAYS = DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
CONTIGUOUS, READABLE = "offsets_contiguous", "messages_readable"
_SHOWN_OFFSETS = 20


def key(table: str) -> AssetKey:
    """The raw asset of a table."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog) -> list[AssetsDefinition]:
    """One partitioned asset for each table."""
    return [_asset(table) for table in catalog.tables]


def _asset(table: Table) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[kafka.key(table.name)],
        partitions_def=DAYS,
        group_name=GROUP,
        kinds={"deltalake", "parquet"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        description=(
            f"Every change of {table.source_name} as it came, inserts, updates and deletes apart, by day of arrival (UTC). "
            "The engine's stream writes it; materialising a day audits it."
        ),
        check_specs=[
            AssetCheckSpec(CONTIGUOUS, asset=key(table.name), blocking=True, description="No Kafka offset is missing."),
            AssetCheckSpec(READABLE, asset=key(table.name), description="Every message could be read (a warning)."),
        ],
    )
    def audit(context: AssetExecutionContext, lake: LakeResource) -> MaterializeResult:
        files = [
            file
            for file in deltalog.all_files(lake.paths.raw)[1]
            if file.partition["table_name"] == table.name and file.partition["event_date"] == context.partition_key
        ]
        return MaterializeResult(
            metadata={**_counts(files), **place(lake.paths.raw)},
            check_results=[_contiguous(files), _readable(files, table, context.partition_key, lake)],
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


def _contiguous(files: list[AddedFile]) -> AssetCheckResult:
    missing = missing_offsets(files)
    return AssetCheckResult(
        check_name=CONTIGUOUS,
        passed=missing == 0,
        severity=AssetCheckSeverity.ERROR,
        metadata={"missing_offsets": missing},
        description=None if missing == 0 else f"{abs(missing)} offsets are {'missing' if missing > 0 else 'doubled'}",
    )


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
