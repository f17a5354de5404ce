"""refined/<x>: each SQL file recomputed and replaced atomically, then checked by a second engine."""

from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    TableColumnDep,
    TableColumnLineage,
    asset,
)  # fmt: skip

from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.defs.metadata import PREVIEW_ROWS, place, preview, schema_of
from lakehouse_assets.defs.resources import LakeResource, SparkResource
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.engine.refined import compute

GROUP = "refined"
GRAIN_UNIQUE, NOT_EMPTY, RECONCILES = "grain_unique", "not_empty_when_inputs_are_not", "total_reconciles"


def key(name: str) -> AssetKey:
    """The asset of a business table."""
    return AssetKey([GROUP, name])


def build(tables: tuple[RefinedTable, ...]) -> list[AssetsDefinition]:
    """One asset for each SQL file."""
    by_name = {table.name: table for table in tables}
    return [_asset(table, by_name) for table in tables]


def _asset(table: RefinedTable, tables: dict[str, RefinedTable]) -> AssetsDefinition:
    specs = [
        AssetCheckSpec(
            GRAIN_UNIQUE, asset=key(table.name), blocking=True, description=f"One row per {', '.join(table.grain)}."
        ),
        AssetCheckSpec(NOT_EMPTY, asset=key(table.name), blocking=True, description="Rows went in, so rows come out."),
    ]
    if table.total:
        specs.append(
            AssetCheckSpec(RECONCILES, asset=key(table.name), description=f"{table.total} is {table.of} (a warning).")
        )

    @asset(
        key=key(table.name),
        deps=[AssetKey(name.split(".")) for name in table.inputs],
        group_name=GROUP,
        kinds={"spark", "sql", "deltalake"},
        owners=[f"team:{table.owner}"],
        description=f"{table.description}\n\nGrain: {', '.join(table.grain)}.",
        metadata={"sql": MetadataValue.md(f"```sql\n{table.path.read_text(encoding='utf-8').strip()}\n```")},
        check_specs=specs,
    )
    def computing(context: AssetExecutionContext, lake: LakeResource, spark: SparkResource) -> MaterializeResult:
        computed = compute(spark.spark_session, table, tables, lake.paths)
        context.log.info(f"{table.name}: {computed.rows} rows")
        with lake.reader() as reader:
            rows = reader.query(f"SELECT * FROM refined.{table.name} LIMIT {PREVIEW_ROWS}")
            return MaterializeResult(
                metadata={
                    "dagster/row_count": computed.rows,
                    "dagster/column_schema": schema_of(rows),
                    "dagster/column_lineage": _lineage(table),
                    "preview": preview(rows),
                    **{f"position of {name}": position for name, position in computed.inputs.items()},
                    **place(lake.paths.refined(table.name)),
                },
                check_results=_checks(table, computed.rows, reader),
            )

    return computing


def _lineage(table: RefinedTable) -> TableColumnLineage:
    return TableColumnLineage(
        {
            column: [TableColumnDep(AssetKey(name.split(".")), source) for name, source in sources]
            for column, sources in table.lineage.items()
            if sources
        }
    )


def _checks(table: RefinedTable, rows: int, reader: LakeReader) -> list[AssetCheckResult]:
    grain = ", ".join(f'"{column}"' for column in table.grain)
    doubled = reader.scalar(f"SELECT count(*) - count(DISTINCT ({grain})) FROM refined.{table.name}")
    fed = all(reader.scalar(f"SELECT count(*) FROM {name}") > 0 for name in table.inputs)
    results = [
        AssetCheckResult(check_name=GRAIN_UNIQUE, passed=doubled == 0, metadata={"rows_too_many": doubled}),
        AssetCheckResult(check_name=NOT_EMPTY, passed=rows > 0 or not fed, metadata={"rows": rows}),
    ]
    if table.total and table.of:
        results.append(_reconciles(table, reader))
    return results


def _reconciles(table: RefinedTable, reader: LakeReader) -> AssetCheckResult:
    total = reader.scalar(f"SELECT {table.total} FROM refined.{table.name}")
    expected: Any = reader.scalar(str(table.of))
    return AssetCheckResult(
        check_name=RECONCILES,
        passed=(total or 0) == (expected or 0),
        severity=AssetCheckSeverity.WARN,
        metadata={"total": str(total), "expected": str(expected)},
    )
