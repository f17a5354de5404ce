"""serving/<x>: each business table published into a PostgreSQL for BI tools, where a DSN says to."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from ctypes import c_float
from functools import partial
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)  # fmt: skip

from lakehouse_assets import documents
from lakehouse_assets.catalog.model import SERVING, LakePaths
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.defs.refined import assets as refined
from lakehouse_assets.defs.resources import LakeResource
from lakehouse_assets.engine import canonical, deltalog
from lakehouse_assets.engine.positions import exists
from lakehouse_assets.gateways import postgres

GROUP = "serving"
EQUALS_REFINED = "serving_equals_refined"
# The reader's types that PostgreSQL calls otherwise.
_TYPES = {
    "VARCHAR": "text", "DOUBLE": "double precision", "FLOAT": "real", "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "TINYINT": "smallint", "HUGEINT": "numeric(38,0)",
}  # fmt: skip


def key(name: str) -> AssetKey:
    """The published form of a business table."""
    return AssetKey([GROUP, name])


def build(tables: Iterable[RefinedTable], dsn: str | None) -> list[AssetsDefinition]:
    """One asset for each business table; none without a DSN."""
    return [_asset(table, dsn) for table in tables] if dsn else []


def behind(tables: Iterable[str], paths: LakePaths, dsn: str | None, computed: Collection[str] = ()) -> list[AssetKey]:
    """What is published where `dsn` points in another version than the lake holds, or will once `computed` are, or not at all."""
    if not dsn:
        return []
    return [
        key(name)
        for name in tables
        if name in computed
        or (exists(paths.refined(name)) and documents.read(_note(paths, name)) != _now(paths, name, dsn))
    ]


def _asset(table: RefinedTable, dsn: str) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[refined.key(table.name)],
        group_name=GROUP,
        kinds={"postgres"},
        owners=[f"team:{table.owner}"],
        description=f"refined.{table.name} as the table {GROUP}.{table.name} of {postgres.place(dsn)}, for BI tools.",
        check_specs=[
            AssetCheckSpec(
                EQUALS_REFINED, asset=key(table.name),
                description="The rows read back from PostgreSQL are those of the lake, each as often.",
            )
        ],
    )  # fmt: skip
    def publishing(context: AssetExecutionContext, lake: LakeResource) -> MaterializeResult:
        now = _now(lake.paths, table.name, dsn)
        select = f"SELECT * FROM refined.{canonical.name(table.name)}"
        with lake.reader() as reader:
            held = reader.query(select)
        columns = {name: served_type(kind) for name, kind in zip(held.columns, held.types, strict=True)}
        postgres.publish(dsn, table.name, columns, held.rows, table.description)
        context.log.info(f"{table.name}: {len(held.rows)} rows published")
        comparable = partial(_comparable, tuple(columns.values()))
        unlike = Counter(map(comparable, held.rows))
        unlike.subtract(map(comparable, postgres.published(dsn, table.name)))
        lacking, extra = sum(n for n in unlike.values() if n > 0), -sum(n for n in unlike.values() if n < 0)
        # Whatever was found: rows that are unlike would be so again, and the sensor would publish them at every look.
        documents.write(_note(lake.paths, table.name), now)
        return MaterializeResult(
            metadata={"dagster/row_count": len(held.rows), "dagster/table_name": f"{GROUP}.{table.name}", **now},
            check_results=[
                AssetCheckResult(
                    check_name=EQUALS_REFINED, passed=not lacking and not extra,
                    metadata={"rows": len(held.rows), "rows lacking": lacking, "rows too many": extra},
                )
            ],
        )  # fmt: skip

    return publishing


def served_type(kind: str) -> str:
    """PostgreSQL's type for one of the reader's; what it has not is text."""
    if kind in _TYPES:
        return _TYPES[kind]
    if re.fullmatch(r"DECIMAL\(\d+,\d+\)", kind):
        return kind.lower().replace("decimal", "numeric")
    return kind.lower() if kind in ("SMALLINT", "INTEGER", "BIGINT", "BOOLEAN", "DATE") else "text"


def _comparable(kinds: tuple[str, ...], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row so that it equals what it was published as."""
    return tuple(None if value is None else _form(kind, value) for kind, value in zip(kinds, row, strict=True))


def _form(kind: str, value: Any) -> Any:
    if kind == "text":
        return str(value)  # as it was written
    if kind == "real":
        return repr(c_float(value).value)  # read back with fewer digits
    return repr(value) if isinstance(value, float) else value  # NaN is not itself


def _now(paths: LakePaths, name: str, dsn: str) -> dict[str, object]:
    return {"refined version": deltalog.newest_version(paths.refined(name)), "place": postgres.place(dsn)}


def _note(paths: LakePaths, name: str) -> Path:
    return paths.root / SERVING / f"{name}.json"
