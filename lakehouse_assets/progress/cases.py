"""Runs the examples of business tables one after the other and tells of each whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets.catalog import Catalog
from lakehouse_assets.catalog.cases import SUFFIX, Case, load_cases
from lakehouse_assets.catalog.refined import RefinedTable, load_refined
from lakehouse_assets.engine.cases import Outcome, run_case

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def all_cases(folder: Path, catalog: Catalog, names: Iterable[str]) -> dict[str, list[Case]]:
    """The cases of the named tables; ConfigurationError when a file of cases is wrong."""
    tables = {table.name: table for table in load_refined(folder, catalog)}
    return {name: load_cases(tables[name], catalog) for name in names}


def tables_for(folder: Path, catalog: Catalog, case: Case) -> dict[str, RefinedTable]:
    """The business tables by name, with the case's parameters in force."""
    given = replace(catalog, parameters={**catalog.parameters, **case.parameters})
    return {table.name: table for table in load_refined(folder, given)}


def run_all(
    spark: SparkSession, folder: Path, catalog: Catalog, cases: Mapping[str, list[Case]], say: Callable[[str], None]
) -> int:
    """How many of the tables' cases do not hold; one that Spark cannot compute is one of them."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    failed = 0
    for name, of in cases.items():
        if not of:
            say(f"{name}: no cases ({name}{SUFFIX} beside its SQL)")
        for case in of:
            tables = tables_for(folder, catalog, case)
            try:
                outcome = run_case(spark, tables[name], tables, catalog, case)
            except (PySparkException, Py4JError) as error:
                failed += 1
                say(f"{name}: {case.name}: {_first_line(error)}")
                continue
            failed += not outcome.holds
            say(f"{name}: {case.name}: {'holds' if outcome.holds else 'DOES NOT HOLD'}")
            for line in _differences(outcome):
                say(f"    {line}")
    return failed


def _differences(outcome: Outcome) -> list[str]:
    return [
        f"{word}: {', '.join(f'{name}={value}' for name, value in row.items())}"
        for word, rows in (("missing", outcome.missing), ("unexpected", outcome.unexpected))
        for row in rows
    ]


def _first_line(error: Exception) -> str:
    """What Spark says first; the name of the error where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
