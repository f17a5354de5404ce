"""Examples of a business table in a YAML file beside its SQL: rows that go in, and the rows that must come out.

A file is a list of cases: `case` (its name), `given` (rows of each `layer.table` that is read; what is not named is
NULL), `parameters`, `expect` (rows; only the columns that they name are compared, their order is not).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        place, before = str(entry["case"]), len(problems)
        given = _mapping(f"{place}: given must be rows by table", entry["given"], problems)
        parameters = _mapping(f"{place}: parameters must be values by name", entry.get("parameters"), problems)
        problems += [f"{place}: {name} is no input; inputs: {', '.join(types)}" for name in given if name not in types]
        inputs = {
            name: _rows(f"{place}: {name}", rows, types[name], problems)
            for name, rows in given.items()
            if name in types
        }
        expect = _rows(f"{place}: expect", entry["expect"] or [], table.columns, problems)
        if len({frozenset(row) for row in expect}) > 1:
            problems.append(f"{place}: the expected rows do not name the same columns")
        if len(problems) == before:
            cases.append(Case(place, inputs, expect, parameters))
    return cases


def _mapping(problem: str, value: object, problems: list[str]) -> dict[str, Any]:
    """The value, empty where nothing is given; what is no mapping by text is that problem."""
    if not value:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        problems.append(problem)
        return {}
    return value


def _rows(place: str, rows: object, columns: Iterable[str], problems: list[str]) -> Rows:
    """The rows under the columns' own names; like Spark, a case tells no columns apart by the case of their letters."""
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(f"{place}: must be a list of rows")
        return []
    own = {name.lower(): name for name in columns}
    for name in dict.fromkeys(name for row in rows for name in row):
        if not isinstance(name, str):
            problems.append(f"{place}: {name!r} is no column's name; YAML reads on, off, yes and no so: quote them")
        elif name.lower() not in own:
            problems.append(f"{place}: no such column: {name}; columns: {', '.join(own.values())}")
    named = [{own.get(str(name).lower(), str(name)): value for name, value in row.items()} for row in rows]
    if any(len(one) < len(row) for one, row in zip(named, rows, strict=True)):
        problems.append(f"{place}: a row names a column twice, but for the case of its letters")
    return named
