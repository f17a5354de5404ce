"""history/<t>: every version of the rows of the tables that ask for it, told to where transformed stands."""

from collections.abc import Callable

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    TableColumn,
    TableSchema,
    asset,
)  # fmt: skip

from lakehouse_assets import sql
from lakehouse_assets.catalog import Catalog, Table
from lakehouse_assets.catalog.model import VERSION_COLUMNS
from lakehouse_assets.defs import postgres, transformed
from lakehouse_assets.defs.metadata import column_schema, lake_columns_from, place
from lakehouse_assets.defs.resources import LakeResource, SparkResource
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.engine.versions import tell
from lakehouse_assets.keys import NO_KEYS, Keys

GROUP = "history"
OPEN_EQUALS_TRANSFORMED = "open_versions_equal_transformed"


def key(table: str) -> AssetKey:
    """The history asset of a table."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog, keys: Callable[[], Keys] = lambda: NO_KEYS) -> list[AssetsDefinition]:
    """One asset for each table with a history. `keys` is asked when a table with protected columns is told."""
    return [_asset(table, keys) for table in catalog.tables if table.history]


def _asset(table: Table, keys: Callable[[], Keys]) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[transformed.key(table.name)],
        group_name=GROUP,
        kinds={"spark", "deltalake"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        description=f"{table.description} Every version of each row, with the time and position it held from and to.",
        metadata={"dagster/column_schema": _schema(table)},
        check_specs=[
            AssetCheckSpec(
                OPEN_EQUALS_TRANSFORMED, asset=key(table.name), blocking=True,
                description="The versions that no change has ended are the rows of transformed.",
            )
        ],
    )  # fmt: skip
    def telling(context: AssetExecutionContext, lake: LakeResource, spark: SparkResource) -> MaterializeResult:
        told = tell(spark.spark_session, table, lake.paths, lake.cut, keys())
        context.log.info(f"{table.name}: position {told.before} -> {told.applied}")
        with lake.reader() as reader:
            return MaterializeResult(
                metadata={
                    "dagster/row_count": reader.scalar(f"SELECT count(*) FROM history.{table.name}"),
                    "dagster/column_lineage": lake_columns_from(table, postgres.key(table.name)),
                    "position": told.applied,
                    "versions begun": told.begun,
                    "versions ended": told.ended,
                    **place(lake.paths.history(table.name)),
                },
                check_results=[_open_equals_transformed(table, lake, told.applied, reader)],
            )

    return telling


def _schema(table: Table) -> TableSchema:
    return TableSchema(
        columns=[
            *column_schema(table).columns,
            *(TableColumn(name, kind) for name, kind in VERSION_COLUMNS.items()),
        ]
    )


def _open_equals_transformed(table: Table, lake: LakeResource, applied: int, reader: LakeReader) -> AssetCheckResult:
    keys = ", ".join(f'"{k}"' for k in table.key)
    standing = f"SELECT {keys}, valid_from_position FROM history.{table.name} WHERE valid_to_position IS NULL"
    rows = f"SELECT {keys}, _position FROM transformed.{table.name}"
    different = reader.scalar(f"SELECT count(*) FROM {sql.only_in_one(standing, rows)}")
    at = folded(lake.paths, table.name).applied
    return AssetCheckResult(
        check_name=OPEN_EQUALS_TRANSFORMED,
        passed=different == 0 and at == applied,
        metadata={"different": different, "history at": applied, "transformed at": at},
    )
