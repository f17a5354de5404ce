"""Examples of a business table in a YAML file beside its SQL: rows that go in, and the rows that must come out.

A file is a list of cases: `case` (its name), `given` (rows of each `layer.table` that is read; what is not named is
NULL), `parameters`, `expect` (rows; only the columns that they name are compared, their order is not).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from lakehouse_assets.catalog.model import Catalog
from lakehouse_assets.catalog.refined import RefinedTable, input_types
from lakehouse_assets.errors import ConfigurationError

SUFFIX = ".cases.yaml"
_KEYS = {"case", "given", "parameters", "expect"}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One example; `expect` has at least one row, all of the same columns, or none."""

    name: str
    given: Mapping[str, Rows]
    expect: Rows
    parameters: Mapping[str, object] = field(default_factory=dict)

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns that are compared, none when no row is expected."""
        return tuple(self.expect[0]) if self.expect else ()


def load_cases(table: RefinedTable, catalog: Catalog) -> list[Case]:
    """The cases of a business table, none without a file; ConfigurationError listing every problem."""
    path = table.path.with_name(table.name + SUFFIX)
    if not path.exists():
        return []
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"is no YAML: {' '.join(str(error).split())}"], where=str(path)) from None
    problems: list[str] = []
    cases = _cases(document, table, catalog, problems)
    if problems:
        raise ConfigurationError(problems, where=str(path), next_step="correct these cases")
    return cases


def _cases(document: object, table: RefinedTable, catalog: Catalog, problems: list[str]) -> list[Case]:
    if not isinstance(document, list) or not document:
        problems.append("a list of cases is expected")
        return []
    cases: list[Case] = []
    types = input_types(catalog)
    for number, entry in enumerate(document, 1):
        if not isinstance(entry, dict) or not _KEYS >= set(entry) >= {"case", "given", "expect"}:
            problems.append(f"case {number}: needs case, given and expect, and may have parameters")
            continue
        place, given, expect = str(entry["case"]), entry["given"] or {}, entry["expect"] or []
        before = len(problems)
        if not isinstance(given, dict):
            problems.append(f"{place}: given must be rows by table")
            continue
        for name, rows in given.items():
            if name not in types:
                problems.append(f"{place}: {name} is no input; inputs: {', '.join(types)}")
            else:
                _check_rows(f"{place}: {name}", rows, tuple(types[name]), problems)
        _check_rows(f"{place}: expect", expect, table.columns, problems)
        if len({tuple(sorted(row)) for row in expect if isinstance(row, dict)}) > 1:
            problems.append(f"{place}: the expected rows do not name the same columns")
        if len(problems) == before:
            cases.append(
                Case(place, {n: list(rows or []) for n, rows in given.items()}, expect, entry.get("parameters") or {})
            )
    return cases


def _check_rows(place: str, rows: object, columns: tuple[str, ...], problems: list[str]) -> None:
    if rows is not None and (not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows)):
        problems.append(f"{place}: must be a list of rows")
        return
    unknown = dict.fromkeys(name for row in rows or [] for name in row if name not in columns)
    problems += [f"{place}: no such column: {name}; columns: {', '.join(columns)}" for name in unknown]
