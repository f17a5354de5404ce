"""Runs the examples of the business tables in Spark: the SQL as it is, over small tables made of the given rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehouse_assets import sql
from lakehouse_assets.catalog.cases import Case
from lakehouse_assets.catalog.model import Catalog
from lakehouse_assets.catalog.refined import RefinedTable, input_types

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a case gave: rows that should have come, and rows that should not; both empty when it holds."""

    case: str
    missing: list[Row]
    unexpected: list[Row]

    @property
    def holds(self) -> bool:
        """Whether exactly what was expected came."""
        return not (self.missing or self.unexpected)


def run_case(
    spark: SparkSession, table: RefinedTable, tables: Mapping[str, RefinedTable], catalog: Catalog, case: Case
) -> Outcome:
    """Run one case; `tables` are the business tables with the case's parameters in force."""
    types = input_types(catalog)
    for name, columns in types.items():
        _view(spark, name, _rows(case.given.get(name, []), columns))
    found = _computed(spark, table, tables, list(types))
    compared = case.compared or tuple(found.columns)
    # Spark may write a column in other letters than the reader of the SQL does.
    kinds = {field.name.lower(): field.dataType.simpleString() for field in found.schema.fields}
    wanted = spark.sql(_rows(case.expect, {name: kinds[name.lower()] for name in compared}))
    came = found.select(*[f"`{name}`" for name in compared])
    return Outcome(case.name, _listed(wanted.exceptAll(came)), _listed(came.exceptAll(wanted)))


def _computed(
    spark: SparkSession, table: RefinedTable, tables: Mapping[str, RefinedTable], sources: list[str]
) -> DataFrame:
    """The table's SELECT over the given rows; the business tables it reads are computed of them too."""
    places = {name: sql.name(_name(name)) for name in sources}
    for name in table.inputs:
        if name not in places:
            of = tables[name.partition(".")[2]]
            _computed(spark, of, tables, sources).createOrReplaceTempView(_name(name))
            places[name] = sql.name(_name(name))
    return spark.sql(table.bound(places))


def _view(spark: SparkSession, name: str, rows: str) -> None:
    spark.sql(rows).createOrReplaceTempView(_name(name))


def _name(table: str) -> str:
    return "case_" + table.replace(".", "_")


def _rows(rows: list[Row], columns: Mapping[str, str]) -> str:
    """SQL of typed rows. A status that is not given is `ok`: most values were read."""
    selects = [
        "SELECT "
        + ", ".join(f"CAST({_value(row, name)} AS {kind}) AS {sql.name(name)}" for name, kind in columns.items())
        for row in rows or [{}]
    ]
    return " UNION ALL ".join(selects) if rows else f"SELECT * FROM ({selects[0]}) WHERE false"


def _value(row: Row, name: str) -> str:
    value = row.get(name, "ok" if name.endswith("__status") else None)
    if value is None:
        return "NULL"
    return sql.text(str(value).lower() if isinstance(value, bool) else str(value))


def _listed(rows: DataFrame) -> list[Row]:
    return [row.asDict() for row in rows.collect()]
