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

from lakehouse_assets.catalog import Catalog, Column
from lakehouse_assets.catalog.refined import RefinedTable
from lakehouse_assets.defs.metadata import PREVIEW_ROWS, place, preview, schema_of
from lakehouse_assets.defs.resources import LakeResource, SparkResource
from lakehouse_assets.engine.judgement import personal
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.engine.refined import compute

GROUP = "refined"
GRAIN_UNIQUE, NOT_EMPTY, RECONCILES = "grain_unique", "not_empty_when_inputs_are_not", "total_reconciles"
NO_PERSONAL_DATA = "no_personal_data"


def key(name: str) -> AssetKey:
    """The asset of a business table."""
    return AssetKey([GROUP, name])


def build(tables: tuple[RefinedTable, ...], catalog: Catalog) -> list[AssetsDefinition]:
    """One asset for each SQL file."""
    by_name = {table.name: table for table in tables}
    return [_asset(table, by_name, catalog) for table in tables]


def _asset(table: RefinedTable, tables: dict[str, RefinedTable], catalog: Catalog) -> AssetsDefinition:
    # By their names in lower case: no engine of the lake tells names apart by it, and each writes them its own way.
    sources = {column.lower(): _sources(table, column, tables, catalog) for column in table.columns}
    protected = {name for name, columns in sources.items() if any(c.protect for c in columns)}
    specs = [
        AssetCheckSpec(
            GRAIN_UNIQUE, asset=key(table.name), blocking=True, description=f"One row per {', '.join(table.grain)}."
        ),
        AssetCheckSpec(
            NO_PERSONAL_DATA, asset=key(table.name), blocking=True,
            description="No CPF, CNPJ, e-mail or phone number outside the columns declared to hold them.",
        ),
    ]  # fmt: skip
    if not table.empty:
        specs.append(
            AssetCheckSpec(
                NOT_EMPTY, asset=key(table.name), blocking=True, description="Rows went in, so rows come out."
            )
        )
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
            shown = ", ".join(f'"{c}"' for c in rows.columns if c.lower() not in protected) or "NULL AS protected"
            seen = reader.query(f"SELECT {shown} FROM refined.{table.name} LIMIT {PREVIEW_ROWS}")
            texts = [
                name
                for name, kind in zip(rows.columns, rows.types, strict=True)
                if kind == "VARCHAR" and name.lower() not in protected
            ]
            declared = {name: frozenset[str]().union(*(c.holds for c in sources[name.lower()])) for name in texts}
            return MaterializeResult(
                metadata={
                    "dagster/row_count": computed.rows,
                    "dagster/column_schema": schema_of(rows),
                    "dagster/column_lineage": _lineage(table),
                    "preview": preview(seen, declared),
                    **{f"position of {name}": position for name, position in computed.inputs.items()},
                    **place(lake.paths.refined(table.name)),
                },
                check_results=[*_checks(table, computed.rows, reader), _personal(table, declared, reader)],
            )

    return computing


def _sources(table: RefinedTable, column: str, tables: dict[str, RefinedTable], catalog: Catalog) -> list[Column]:
    """The source columns that a column is made of, through whatever refined tables lie between."""
    found: list[Column] = []
    for relation, name in table.lineage[column]:
        layer, _, source = relation.partition(".")
        if layer == GROUP:
            found += _sources(tables[source], name, tables, catalog)
        else:
            of = {c.name: c.source for c in catalog.table(source).lake_columns}
            found += [catalog.table(source).column(of[name])] if name in of else []
    return found


def _personal(table: RefinedTable, declared: dict[str, frozenset[str]], reader: LakeReader) -> AssetCheckResult:
    found = personal(reader, f"refined.{table.name}", declared)
    return AssetCheckResult(
        check_name=NO_PERSONAL_DATA, passed=not found, metadata={f"texts in {k}": n for k, n in found.items()}
    )


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
    # Not count(DISTINCT ...): it leaves out NULL, which is a group like any other.
    different = f"SELECT count(*) FROM (SELECT DISTINCT {grain} FROM refined.{table.name})"
    doubled = reader.scalar(f"SELECT count(*) - ({different}) FROM refined.{table.name}")
    results = [AssetCheckResult(check_name=GRAIN_UNIQUE, passed=doubled == 0, metadata={"rows_too_many": doubled})]
    if not table.empty:
        fed = rows > 0 or all(reader.scalar(f"SELECT count(*) FROM {name}") > 0 for name in table.inputs)
        results.append(AssetCheckResult(check_name=NOT_EMPTY, passed=rows > 0 or not fed, metadata={"rows": rows}))
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
