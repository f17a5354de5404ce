"""Inputs of a business table that are no tables: declared in its header, given in the catalog, part of its SELECT.

A header line is `-- param name: type = default` and the SQL says `:name`. The default is a literal or a SELECT of one
value over the inputs; without one the catalog must give a value. What is given is put into the statement, so a table
is recomputed when it changes, and today is never among it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

SECTION = "refined.parameters"
_DIALECT = "spark"
_LINE = re.compile(r"^--\s*param\s+(.*)$")
_DECLARATION = re.compile(r"([a-z_][a-z0-9_]*)\s*:\s*([a-z]+)\s*(?:=\s*(.+))?")
# Type -> its Spark type, the form of a value, and an example of it.
_TYPES = {
    "date": ("DATE", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "2026-01-31"),
    "integer": ("BIGINT", re.compile(r"-?[0-9]{1,18}"), "30"),
    "decimal": ("DECIMAL(18, 2)", re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?"), "12.50"),
}


@dataclass(frozen=True)
class Parameter:
    """A declared parameter."""

    name: str
    type: str
    default: str | None


def declared(place: str, text: str, problems: list[str]) -> dict[str, Parameter]:
    """The parameters that a file's header declares, by name."""
    found: dict[str, Parameter] = {}
    for line in text.splitlines():
        if not (match := _LINE.match(line.strip())):
            continue
        if not (declaration := _DECLARATION.fullmatch(match[1].strip())):
            problems.append(f"{place}: `param {match[1]}` cannot be read; accepted: `-- param name: type = default`")
            continue
        name, kind, default = declaration.groups()
        if kind not in _TYPES:
            problems.append(f"{place}: param {name}: unknown type {kind}; known: {', '.join(_TYPES)}")
        if name in found:
            problems.append(f"{place}: param {name} is declared twice")
        found[name] = Parameter(name, kind, default)
    return found


def fill(
    place: str,
    parameters: dict[str, Parameter],
    queries: Sequence[exp.Query],
    given: Mapping[str, object],
    problems: list[str],
) -> None:
    """Replace each `:name` in the queries of a file by what is given for it, else by its default."""
    markers = [node for query in queries for node in query.find_all(exp.Placeholder)]
    used = {node.name: None for node in markers}
    known = ", ".join(f":{name}" for name in parameters) or "none"
    problems += [f"{place}: unknown parameter {_shown(n)}; declared: {known}" for n in used if n not in parameters]
    problems += [f"{place}: param {name} is not used" for name in parameters if name not in used]
    values = {name: _value(place, p, given) for name, p in parameters.items() if p.type in _TYPES}
    problems += [value for value in values.values() if isinstance(value, str)]
    for node in markers:
        value = values.get(node.name)
        if isinstance(value, exp.Expr):
            node.replace(value.copy())


def unknown(given: Iterable[str], known: set[str]) -> list[str]:
    """Problems of the catalog's values that no file asks for."""
    listed = ", ".join(sorted(known)) or "none"
    return [
        f"catalog: {SECTION}.{name}: no refined table has this parameter; known: {listed}"
        for name in given
        if name not in known
    ]


def _shown(name: str) -> str:
    return name if name == "?" else f":{name}"


def _value(place: str, parameter: Parameter, given: Mapping[str, object]) -> exp.Expr | str:
    """What the parameter stands for, or why that cannot be told."""
    name = parameter.name
    if name in given:
        return _literal(f"catalog: {SECTION}.{name}", str(given[name]), parameter.type)
    place = f"{place}: param {name}"
    if parameter.default is None:
        return f"{place} has neither a default nor a value; set {name} in [{SECTION}] of the catalog"
    if re.match(r"select\b", parameter.default, re.IGNORECASE):
        return _selected(place, parameter.default, parameter.type)
    return _literal(place, parameter.default, parameter.type)


def _literal(place: str, text: str, kind: str) -> exp.Expr | str:
    spark, form, example = _TYPES[kind]
    if not form.fullmatch(text) or (kind == "date" and not _is_day(text)):
        return f"{place}: {text!r} is no {kind}; accepted: {example}"
    return exp.cast(exp.Literal.string(text), spark, dialect=_DIALECT)


def _selected(place: str, text: str, kind: str) -> exp.Expr | str:
    try:
        statements = sqlglot.parse(text, read=_DIALECT)
    except SqlglotError as error:
        return f"{place}: {str(error).splitlines()[0]}"
    query = statements[0]
    if (
        len(statements) != 1
        or not isinstance(query, exp.Query)
        or len(query.selects) != 1
        or query.find(exp.Placeholder)
    ):
        return f"{place}: exactly one SELECT of one value is expected, without parameters"
    return exp.cast(query.subquery(), _TYPES[kind][0], dialect=_DIALECT)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
