"""transformed/<t>: raw folded to the run's cut, with the checks that what was published is sound."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
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

from lakehouse_assets.catalog import Catalog, Column, Table
from lakehouse_assets.catalog.model import LakeColumn
from lakehouse_assets.defs import drift, postgres, raw
from lakehouse_assets.defs.metadata import PREVIEW_ROWS, column_schema, lake_columns_from, place, preview
from lakehouse_assets.defs.resources import LakeResource, PostgresResource, SparkResource
from lakehouse_assets.engine import canonical
from lakehouse_assets.engine.brake import USUAL, Limits, MassChange
from lakehouse_assets.engine.evolution import differences, evolved
from lakehouse_assets.engine.judgement import Judged, accounted, first_invalid_share, judged, personal
from lakehouse_assets.engine.positions import folded
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.engine.transformed import FoldResult, fold
from lakehouse_assets.keys import NO_KEYS, Keys

GROUP = "transformed"
KEY_UNIQUE, NO_PLACEHOLDER, AT_CUT, STORABLE = "key_unique", "no_placeholder", "position_equals_cut", "values_storable"
NOTHING_LOST, NO_PERSONAL_DATA, MASS_CHANGE = "nothing_lost", "no_personal_data", "mass_change"
BY_NAME = "name"  # who chose a rule that the catalog does not speak of
MOST_INVALID = 0.2


def key(table: str) -> AssetKey:
    """The transformed asset of a table."""
    return AssetKey([GROUP, table])


@dataclass(frozen=True)
class Standards:
    """Shares of a column's texts that may be unreadable: above `warn` its check warns, above `error` it fails."""

    warn: float = 0.001
    error: float = 0.01


def build(
    catalog: Catalog,
    standards: Standards | None = None,
    keys: Callable[[], Keys] = lambda: NO_KEYS,
    limits: Limits = USUAL,
) -> list[AssetsDefinition]:
    """One asset for each table. `keys` is asked when a table with protected columns is folded."""
    return [_asset(table, standards or Standards(), keys, limits) for table in catalog.tables]


def _asset(table: Table, standards: Standards, keys: Callable[[], Keys], limits: Limits) -> AssetsDefinition:
    @asset(
        key=key(table.name),
        deps=[raw.key(table.name)],
        group_name=GROUP,
        kinds={"spark", "deltalake"},
        owners=[f"team:{table.owner}"] if table.owner else None,
        description=f"{table.description} The current row of each key, typed, as it is in the source.",
        metadata={"dagster/column_schema": column_schema(table)},
        check_specs=[
            _spec(table, MASS_CHANGE, "No run deletes or changes a large part of the table unless a person allowed it.", blocking=True),
            _spec(table, KEY_UNIQUE, "No key has two rows.", blocking=True),
            _spec(table, NO_PLACEHOLDER, "No text is Debezium's placeholder for an unavailable value.", blocking=True),
            _spec(table, AT_CUT, "The applied position is the cut's.", blocking=True),
            _spec(table, NOTHING_LOST, "Every row has all its values, or an open entry in quarantine.", blocking=True),
            _spec(table, NO_PERSONAL_DATA, "No CPF, CNPJ, e-mail or phone number outside the columns declared to hold them.", blocking=True),
            _spec(table, drift.NAME, drift.DESCRIPTION),
            _spec(table, STORABLE, "Every value of this run's changes fits its type (a warning: others are NULL)."),
            *(_spec(table, values_read(c), f"The texts of {c.name} are read by its rule ({c.why}).") for c in table.judged_columns),
            *(_spec(table, rule_fits(c), f"{c.name} holds what its name says.") for c in table.judged_columns if c.why == BY_NAME),
        ],
    )  # fmt: skip
    def folding(
        context: AssetExecutionContext, lake: LakeResource, spark: SparkResource, postgres: PostgresResource
    ) -> Iterator[AssetCheckResult | MaterializeResult]:
        # The cut first: what it holds was written by a source that is at most as new as the one asked then.
        cut = lake.cut
        source, away = drift.asked(postgres, table)
        shaped = evolved(spark.spark_session, table, lake.paths, source, keys())
        try:
            result = fold(spark.spark_session, shaped, lake.paths, cut, keys(), limits)
        except MassChange as change:
            yield _braked(change)
            raise
        context.log.info(f"{table.name}: position {result.before} -> {result.applied}")
        with lake.reader() as reader:
            readings = {c: judged(reader, shaped, c) for c in table.judged_columns}
            yield MaterializeResult(
                metadata=_metadata(shaped, lake, result, reader, readings),
                check_results=[
                    *_checks(shaped, lake, result, reader),
                    drift.verdict(table, differences(table, lake.paths, source), away),
                    *(_values_check(c, found, standards) for c, found in readings.items()),
                    *(_fits_check(shaped, c, reader) for c in table.judged_columns if c.why == BY_NAME),
                ],
            )

    return folding


def _braked(change: MassChange) -> AssetCheckResult:
    return AssetCheckResult(
        check_name=MASS_CHANGE, passed=False, description=change.text(), metadata=asdict(change.found)
    )


def values_read(column: Column) -> str:
    """The check of how a column's texts are read."""
    return f"values_of_{_plain(column)}"


def rule_fits(column: Column) -> str:
    """The check of whether a rule chosen by name is right for the column."""
    return f"rule_fits_{_plain(column)}"


def _plain(column: Column) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", column.name)


def _spec(table: Table, name: str, description: str, *, blocking: bool = False) -> AssetCheckSpec:
    return AssetCheckSpec(name, asset=key(table.name), blocking=blocking, description=description)


def _metadata(
    table: Table, lake: LakeResource, result: FoldResult, reader: LakeReader, readings: dict[Column, Judged]
) -> dict[str, Any]:
    name = f"transformed.{table.name}"
    shown = [c for column in table.columns if column.protect is None for c in column.lake_columns]
    columns = ", ".join(canonical.name(c.name) for c in shown)
    rows = reader.query(f"SELECT {columns} FROM {name} ORDER BY _position DESC LIMIT {PREVIEW_ROWS}")
    return {
        "dagster/column_schema": column_schema(table),
        "dagster/row_count": reader.scalar(f"SELECT count(*) FROM {name}"),
        "dagster/column_lineage": lake_columns_from(table, postgres.key(table.name)),
        "preview": preview(rows, {c.name: column.holds for column in table.columns for c in column.lake_columns}),
        "raw_version": lake.cut.version,
        "position": result.applied,
        "positions_folded": result.applied - result.before,
        "inserted": result.inserted,
        "updated": result.updated,
        "deleted": result.deleted,
        **{f"unreadable share of {c.name}": found.share for c, found in readings.items()},
        **place(lake.paths.transformed(table.name)),
    }


def _checks(table: Table, lake: LakeResource, result: FoldResult, reader: LakeReader) -> list[AssetCheckResult]:
    applied, cut = folded(lake.paths, table.name).applied, lake.cut.position(table.name)
    doubled, placeholders = reader.query(soundness(table)).rows[0]
    unstorable = sum(result.unstorable.values())
    rows, read, quarantined = accounted(reader, table)
    texts = {c.name: column.holds for column in table.columns for c in column.lake_columns if _is_searched(column, c)}
    found = personal(reader, f"transformed.{table.name}", texts, f"_position > {result.before}")
    return [
        AssetCheckResult(check_name=MASS_CHANGE, passed=True),
        AssetCheckResult(check_name=KEY_UNIQUE, passed=doubled == 0, metadata={"rows_too_many": doubled}),
        AssetCheckResult(check_name=NO_PLACEHOLDER, passed=placeholders == 0, metadata={"cells": placeholders}),
        AssetCheckResult(check_name=AT_CUT, passed=applied >= cut, metadata={"applied": applied, "cut": cut}),
        AssetCheckResult(
            check_name=NOTHING_LOST,
            passed=rows == read + quarantined,
            metadata={"rows": rows, "rows with every value": read, "rows in quarantine": quarantined},
        ),
        AssetCheckResult(
            check_name=NO_PERSONAL_DATA, passed=not found, metadata={f"texts in {k}": n for k, n in found.items()}
        ),
        AssetCheckResult(
            check_name=STORABLE,
            passed=unstorable == 0,
            severity=AssetCheckSeverity.WARN,
            metadata={"cells": unstorable, **{f"cells in {c}": n for c, n in result.unstorable.items()}},
        ),
    ]


def _is_searched(column: Column, lake_column: LakeColumn) -> bool:
    status = lake_column.name != column.name and lake_column.name.endswith("__status")
    return lake_column.spark == "string" and column.protect is None and column.type.text != "uuid" and not status


def _values_check(column: Column, found: Judged, standards: Standards) -> AssetCheckResult:
    return AssetCheckResult(
        check_name=values_read(column),
        passed=found.share <= standards.warn,
        severity=AssetCheckSeverity.ERROR if found.share > standards.error else AssetCheckSeverity.WARN,
        metadata={
            "unreadable share": found.share,
            "texts": found.texts,
            **{f"status {status}": n for status, n in found.statuses.items()},
            **{f"clause {name}": n for name, n in found.clauses.items()},
            "next step": "lakehouse quarantine; lakehouse dictionary propose shows what another rule would read",
        },
    )


def _fits_check(table: Table, column: Column, reader: LakeReader) -> AssetCheckResult:
    share = first_invalid_share(reader, table, column)
    name = column.rule.name if column.rule else ""
    return AssetCheckResult(
        check_name=rule_fits(column),
        passed=share <= MOST_INVALID,
        severity=AssetCheckSeverity.WARN,
        metadata={
            "invalid share of the first 1,000 texts": share,
            "next step": f"if {column.name} holds no {name}s, switch the rule off: "
            f'{column.name} = {{ type = "{column.type.text}", rule = "none" }} under [tables.{table.name}.columns], '
            f"then lakehouse rebuild {table.name}",
        },
    )


def soundness(table: Table) -> str:
    """SQL for the reader: rows beyond one a key, and cells that hold the placeholder."""
    keys = ", ".join(map(canonical.name, table.key))
    # DuckDB's count_if is NULL where nothing was compared.
    texts = [
        f"count(*) FILTER (WHERE {canonical.name(c.name)} = {canonical.text(table.column(c.source).type.unavailable)})"
        for c in table.lake_columns
        if c.spark == "string"
    ]
    return f"SELECT count(*) - count(DISTINCT ({keys})), {' + '.join(texts) or '0'} FROM transformed.{table.name}"
