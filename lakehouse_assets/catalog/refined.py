"""The business tables: one `.sql` file each, a comment header and a SELECT; inputs and lineage are read from the SQL.

Header lines are `-- key: value`, before the statement: description, owner, grain (columns, comma-separated), and
optionally a total that must reconcile: `total` (an expression over the table) and `of` (a SELECT of one number over the
inputs). `empty` says when the table may have no rows though its inputs have some; without it that is an error.
`-- param name: type = default` declares an input that is no table (see `parameters`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify

from lakehouse_assets.catalog import parameters
from lakehouse_assets.catalog.model import META_COLUMNS, NAME, VERSION_COLUMNS, Catalog, Table
from lakehouse_assets.errors import ConfigurationError

DIALECT, CHECKS_DIALECT = "spark", "duckdb"
TRANSFORMED, HISTORY, REFINED = "transformed", "history", "refined"
_LAYERS = (TRANSFORMED, HISTORY, REFINED)
_WRITTEN = "written"  # what an identifier keeps of itself when its case is taken away
_HEAD = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)  # what stands before the statement
_HEADER = re.compile(r"^--\s*([a-z]+):\s*(.+)$")
_NEXT = "correct these refined SQL files, or let LAKEHOUSE_REFINED be the folder of your own"
_REQUIRED = ("description", "owner", "grain")
_KNOWN = (*_REQUIRED, "total", "of", "empty")
_Schema = dict[str, dict[str, dict[str, str]]]  # layer -> table -> column -> type


@dataclass(frozen=True)
class RefinedTable:
    """One business table. `inputs` are `layer.table` names; `lineage` maps a column to its (input, column) sources."""

    name: str
    path: Path
    select: str
    description: str
    owner: str
    grain: tuple[str, ...]
    inputs: tuple[str, ...]
    columns: tuple[str, ...]
    lineage: dict[str, tuple[tuple[str, str], ...]]
    total: str | None = None
    of: str | None = None
    empty: str = ""

    def source_tables(self, tables: dict[str, RefinedTable]) -> tuple[str, ...]:
        """The transformed tables it rests on, through other refined tables too."""
        found: list[str] = []
        for layer, name in (i.split(".") for i in self.inputs):
            found += [name] if layer != REFINED else tables[name].source_tables(tables)
        return tuple(dict.fromkeys(found))

    def bound(self, locate: dict[str, str]) -> str:
        """The SELECT with each `layer.table` replaced by the SQL that `locate` gives for it."""
        places = {name: sqlglot.parse_one(place, read=DIALECT, into=exp.Table) for name, place in locate.items()}

        def bind(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Table) and node.db in _LAYERS:
                place = places[f"{node.db}.{node.name}"].copy()
                place.set("alias", exp.TableAlias(this=exp.to_identifier(node.alias or node.name)))
                return place
            if isinstance(node, exp.Column) and _names_its_layer(node):
                node.set("catalog" if node.catalog else "db", None)
            return node

        return sqlglot.parse_one(self.select, read=DIALECT).transform(bind).sql(dialect=DIALECT)


def load_refined(folder: Path, catalog: Catalog) -> tuple[RefinedTable, ...]:
    """Every refined table, inputs before those that read them; ConfigurationError listing every problem of every file.

    Parameters that the catalog gives no value keep their defaults.
    """
    files = sorted(folder.glob("*.sql"))
    names = [file.stem for file in files]
    given, asked = catalog.parameters, set[str]()
    problems: list[str] = []
    parsed = {f.stem: t for f in files if (t := _read(f, catalog, names, given, asked, problems)) is not None}
    problems += parameters.unknown(given, asked)
    ordered = [] if problems else _in_order(parsed, problems)
    if problems:
        raise ConfigurationError(problems, where=str(folder), next_step=_NEXT)
    schema = _schema(catalog)
    tables: dict[str, RefinedTable] = {}
    for name in ordered:
        if not all(i.removeprefix(f"{REFINED}.") in tables for i in parsed[name].inputs if i.startswith(REFINED)):
            continue  # it reads a table that is wrong itself
        before = len(problems)
        table = _complete(parsed[name], schema, problems)
        if len(problems) == before:
            tables[name] = table
            schema.setdefault(REFINED, {})[name] = dict.fromkeys(table.columns, "string")
    for table in tables.values():
        _check_total(table, schema, problems)
    if problems:
        raise ConfigurationError(problems, where=str(folder), next_step=_NEXT)
    return tuple(tables.values())


def _read(
    file: Path, catalog: Catalog, names: list[str], given: Mapping[str, object], asked: set[str], problems: list[str]
) -> RefinedTable | None:
    """The table, without its columns; `asked` gets the names of its parameters."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problems.append(f"{file.name}: is not UTF-8")
        asked |= set(parameters.declared(file.name, _head(file.read_text(encoding="utf-8", errors="replace")), []))
        return None
    head = _head(text)
    header = {match[1]: match[2].strip() for line in head.splitlines() if (match := _HEADER.match(line.strip()))}
    before = len(problems)
    if not NAME.fullmatch(file.stem):
        problems.append(f"{file.name}: the file's name is the table's and must be lower-case letters, digits and _")
    problems += [f"{file.name}: header lacks `-- {key}: ...`" for key in _REQUIRED if key not in header]
    problems += [
        f"{file.name}: unknown header {key!r}; known: {', '.join(_KNOWN)}" for key in header if key not in _KNOWN
    ]
    if ("total" in header) != ("of" in header):
        problems.append(f"{file.name}: `total` and `of` go together")
    select = _select(file.name, text, problems)
    of = _select(f"{file.name}: of", header["of"], problems) if "of" in header else None
    declared = parameters.declared(file.name, head, problems)
    asked |= set(declared)
    if select is not None:
        parameters.fill(file.name, declared, [select] if of is None else [select, of], given, problems)
    inputs = _inputs(file.name, select, catalog, names, problems) if select is not None else ()
    if of is not None:
        _inputs(f"{file.name}: of", of, catalog, names, problems)
    if "total" in header:
        _read_total(f"{file.name}: total", _total_of(file.stem, header["total"]), catalog, names, problems)
    if len(problems) > before or select is None:
        return None
    return RefinedTable(
        file.stem, file, select.sql(dialect=DIALECT, comments=False), header["description"], header["owner"],
        tuple(part.strip() for part in header["grain"].split(",")), inputs, (), {}, header.get("total"),
        of.sql(dialect=CHECKS_DIALECT) if of is not None and declared else header.get("of"), header.get("empty", ""),
    )  # fmt: skip


def _head(text: str) -> str:
    """The comments before the statement."""
    head = _HEAD.match(text)
    return head[0] if head else ""


def _total_of(name: str, total: str) -> str:
    """What the second engine is asked for the total of a table."""
    return f'SELECT {total} FROM {REFINED}."{name}"'


def _read_total(place: str, text: str, catalog: Catalog, names: list[str], problems: list[str]) -> None:
    total = _select(place, text, problems, CHECKS_DIALECT)
    if total is None:
        return
    if total.find(exp.Placeholder):
        problems.append(f"{place}: has a parameter; only the SELECT and `of` may")
    _inputs(place, total, catalog, names, problems)


def _select(place: str, text: str, problems: list[str], dialect: str = DIALECT) -> exp.Query | None:
    try:
        statements = [s for s in sqlglot.parse(text, read=dialect) if s is not None]
    except SqlglotError as error:
        problems.append(f"{place}: {str(error).splitlines()[0]}")
        return None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        problems.append(f"{place}: exactly one SELECT is expected")
        return None
    if isinstance(statements[0], exp.Subquery):  # nobody sees through it to what its columns come from
        problems.append(f"{place}: the whole SELECT stands in parentheses; take them away")
        return None
    return statements[0]


def _inputs(place: str, select: exp.Query, catalog: Catalog, names: list[str], problems: list[str]) -> tuple[str, ...]:
    known = [*input_types(catalog)] + [f"{REFINED}.{name}" for name in names]
    ctes = {cte.alias for cte in select.find_all(exp.CTE)}
    tables = (".".join(part.name for part in t.parts) for t in select.find_all(exp.Table))
    found = [name for name in tables if name not in ctes]
    problems += [
        f"{place}: unknown table {name}; known: {', '.join(known)}"
        for name in dict.fromkeys(found)
        if name not in known
    ]
    return tuple(sorted(set(found)))


def _in_order(tables: dict[str, RefinedTable], problems: list[str]) -> list[str]:
    ordered: list[str] = []
    waiting = dict(tables)
    while waiting:
        ready = [
            n for n, t in waiting.items() if all(i.split(".")[1] in ordered for i in t.inputs if i.startswith(REFINED))
        ]
        if not ready:
            problems.append(f"refined tables read each other in a circle: {', '.join(sorted(waiting))}")
            return []
        ordered += sorted(ready)
        for name in ready:
            del waiting[name]
    return ordered


def input_types(catalog: Catalog) -> dict[str, dict[str, str]]:
    """What a business table may read beside others: by `layer.table` the Spark SQL types of its columns."""
    return {
        **{f"{TRANSFORMED}.{table.name}": _types(table, META_COLUMNS) for table in catalog.tables},
        **{f"{HISTORY}.{table.name}": _types(table, VERSION_COLUMNS) for table in catalog.tables if table.history},
    }


def _types(table: Table, beside: Mapping[str, str]) -> dict[str, str]:
    return {**{c.name: c.spark for c in table.lake_columns}, **beside}


def _schema(catalog: Catalog) -> _Schema:
    schema: _Schema = {}
    for name, types in input_types(catalog).items():
        layer, _, table = name.partition(".")
        schema.setdefault(layer, {})[table] = types
    return schema


def _complete(table: RefinedTable, schema: _Schema, problems: list[str]) -> RefinedTable:
    """The table with its columns and their lineage; a column that is unknown or has no name is a problem."""
    query = sqlglot.parse_one(table.select, read=DIALECT)
    assert isinstance(query, exp.Query)  # checked when the file was read
    place = table.path.name
    unnamed = [column.sql(dialect=DIALECT) for column in query.selects if not column.output_name and not column.is_star]
    problems += [f"{place}: {sql} needs a name (`AS ...`)" for sql in unnamed]
    problems += [
        f"{place}: {column}: two tables are called {name}; give one another name (`AS ...`)"
        for column, name in _misleading(query).items()
    ]
    for identifier in query.find_all(exp.Identifier):
        identifier.meta[_WRITTEN] = identifier.name
    qualified = _qualified(place, query, schema, problems, DIALECT)
    if qualified is None:
        return table
    names = qualified.named_selects  # in lower case
    problems += [f"{place}: grain names {g!r}, which it does not select" for g in table.grain if g.lower() not in names]
    problems += [f"{place}: selects {c} twice" for c in dict.fromkeys(names) if names.count(c) > 1]
    nodes = [lineage(name, qualified, schema=schema, dialect=DIALECT) for name in names]
    columns = tuple(_as_written(name, node, schema) for name, node in zip(names, nodes, strict=True))
    return replace(
        table,
        columns=columns,
        lineage={column: _sources(node, schema) for column, node in zip(columns, nodes, strict=True)},
    )


def _check_total(table: RefinedTable, schema: _Schema, problems: list[str]) -> None:
    """Whether the second engine can compute both numbers: problems of a total that would fail once the table is there."""
    for key, text in (("total", table.total and _total_of(table.name, table.total)), ("of", table.of)):
        place = f"{table.path.name}: {key}"
        query = _select(place, text, problems, CHECKS_DIALECT) if text else None
        if query is None or any(t.db == REFINED and t.name not in schema[REFINED] for t in query.find_all(exp.Table)):
            continue  # there is none, or it reads a table that is wrong itself
        qualified = _qualified(place, query, schema, problems, CHECKS_DIALECT)
        if qualified is not None and (values := len(qualified.named_selects)) != 1:
            problems.append(f"{place}: one value is expected, not {values}")


def _qualified(
    place: str, query: exp.Query, schema: _Schema, problems: list[str], dialect: str
) -> exp.Query | None:  # fmt: skip
    """The query with every column's table told and every star expanded, all names in lower case."""
    try:
        return qualify(query, schema=dict(schema), dialect=dialect, quote_identifiers=False)
    except SqlglotError as error:
        problems.append(f"{place}: {str(error).split('. Line:')[0]}")
        return None


def _names_its_layer(column: exp.Column) -> bool:
    return len(column.parts) > 2 and column.parts[0].name.lower() in _LAYERS


def _misleading(query: exp.Query) -> dict[str, str]:
    """The table's name in each column that is written with its layer, where another table has that name too."""
    found: dict[str, str] = {}
    tables = {(t.alias_or_name.lower(), t.text("db"), t.name) for t in query.find_all(exp.Table, exp.Subquery)}
    for column in filter(_names_its_layer, query.find_all(exp.Column)):
        name = column.parts[1].name
        if sum(called == name.lower() for called, *_ in tables) > 1:
            found[column.sql(dialect=DIALECT)] = name
    return found


def _as_written(column: str, node: Node, schema: _Schema) -> str:
    """The name of a column, given in lower case, as the query writes it; through a star, as what it reads does."""
    names = (name for step in node.walk() for name in _names(step.expression, schema))
    return next((name for name in names if name.lower() == column), column)


def _names(expression: exp.Expr, schema: _Schema) -> Iterable[str]:
    if isinstance(expression, exp.Table):
        return schema.get(expression.db, {}).get(expression.name, {})
    return [i.meta[_WRITTEN] for i in expression.find_all(exp.Identifier) if _WRITTEN in i.meta]


def _sources(node: Node, schema: _Schema) -> tuple[tuple[str, str], ...]:
    """The (input, column) pairs that a column comes from, the columns as their tables call them."""
    found: set[tuple[str, str]] = set()
    for step in node.walk():
        if isinstance(table := step.expression, exp.Table):
            name = step.name.partition(".")[2].strip('"`').replace('""', '"')
            found.add((f"{table.db}.{table.name}", next((n for n in _names(table, schema) if n.lower() == name), name)))
    return tuple(sorted(found))
