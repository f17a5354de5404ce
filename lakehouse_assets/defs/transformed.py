"""transformed/<t>: raw folded to the run's cut, with the checks that what was published is sound."""

from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)  # fmt: skip

from lakehouse_assets.catalog import Catalog, Kind, Table
from lakehouse_assets.changelog.envelope import UNAVAILABLE
from lakehouse_assets.defs import postgres, raw
from lakehouse_assets.defs.metadata import PREVIEW_ROWS, column_schema, place, preview, same_columns
from lakehouse_assets.defs.resources import LakeResource, SparkResource
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.engine.transformed import FoldResult, fold

GROUP = "transformed"
KEY_UNIQUE, NO_PLACEHOLDER, AT_CUT, STORABLE = "key_unique", "no_placeholder", "position_equals_cut", "values_storable"


def key(table: str) -> AssetKey:
    """The transformed asset of a table."""
    return AssetKey([GROUP, table])


def build(catalog: Catalog) -> list[AssetsDefinition]:
    """One asset for each table."""
    return [_asset(table) for table in catalog.tables]


def _asset(table: Table) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[raw.key(table.name)],
        group_name=GROUP,
        kinds={"spark", "deltalake"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        description=f"{table.description} The current row of each key, typed, as it is in the source.",
        metadata={"dagster/column_schema": column_schema(table)},
        check_specs=[
            _spec(table, KEY_UNIQUE, "No key has two rows.", blocking=True),
            _spec(table, NO_PLACEHOLDER, "No text is Debezium's placeholder for an unavailable value.", blocking=True),
            _spec(table, AT_CUT, "The applied position is the cut's.", blocking=True),
            _spec(table, STORABLE, "Every value of this run's changes fits its type (a warning: others are NULL)."),
        ],
    )
    def folding(context: AssetExecutionContext, lake: LakeResource, spark: SparkResource) -> MaterializeResult:
        result = fold(spark.spark_session, table, lake.paths, lake.cut)
        context.log.info(f"{table.name}: position {result.before} -> {result.applied}")
        with lake.reader() as reader:
            return MaterializeResult(
                metadata=_metadata(table, lake, result, reader), check_results=_checks(table, lake, result, reader)
            )

    return folding


def _spec(table: Table, name: str, description: str, *, blocking: bool = False) -> AssetCheckSpec:
    return AssetCheckSpec(name, asset=key(table.name), blocking=blocking, description=description)


def _metadata(table: Table, lake: LakeResource, result: FoldResult, reader: LakeReader) -> dict[str, Any]:
    name = f"transformed.{table.name}"
    columns = ", ".join(f'"{c.name}"' for c in table.columns)
    rows = reader.query(f"SELECT {columns} FROM {name} ORDER BY _position DESC LIMIT {PREVIEW_ROWS}")
    return {
        "dagster/row_count": reader.scalar(f"SELECT count(*) FROM {name}"),
        "dagster/column_lineage": same_columns(table, postgres.key(table.name)),
        "preview": preview(rows),
        "raw_version": lake.cut.version,
        "position": result.applied,
        "positions_folded": result.applied - result.before,
        "inserted": result.inserted,
        "updated": result.updated,
        "deleted": result.deleted,
        **place(lake.paths.transformed(table.name)),
    }


def _checks(table: Table, lake: LakeResource, result: FoldResult, reader: LakeReader) -> list[AssetCheckResult]:
    applied, cut = folded(lake.paths, table.name).applied, lake.cut.position(table.name)
    doubled, placeholders = reader.query(soundness(table)).rows[0]
    unstorable = sum(result.unstorable.values())
    return [
        AssetCheckResult(check_name=KEY_UNIQUE, passed=doubled == 0, metadata={"rows_too_many": doubled}),
        AssetCheckResult(check_name=NO_PLACEHOLDER, passed=placeholders == 0, metadata={"cells": placeholders}),
        AssetCheckResult(check_name=AT_CUT, passed=applied >= cut, metadata={"applied": applied, "cut": cut}),
        AssetCheckResult(
            check_name=STORABLE,
            passed=unstorable == 0,
            severity=AssetCheckSeverity.WARN,
            metadata={"cells": unstorable, **{f"cells in {c}": n for c, n in result.unstorable.items()}},
        ),
    ]


def soundness(table: Table) -> str:
    """SQL for the reader: rows beyond one a key, and cells that hold the placeholder."""
    keys = ", ".join(f'"{k}"' for k in table.key)
    texts = [
        f"count(*) FILTER (WHERE \"{c.name}\" = '{UNAVAILABLE}')" for c in table.columns if c.type.kind is Kind.TEXT
    ]
    return f"SELECT count(*) - count(DISTINCT ({keys})), {' + '.join(texts) or '0'} FROM transformed.{table.name}"
