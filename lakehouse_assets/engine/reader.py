"""Reads the lake without a JVM: DuckDB over the Delta tables, read-only and unable to leave the lake's folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lakehouse_assets.catalog.model import NAME, LakePaths
from lakehouse_assets.engine.positions import exists
from lakehouse_assets.errors import EXIT_DATA, EXIT_USAGE, LakehouseError

_LAYERS = ("transformed", "history", "refined")  # of which each has a folder of tables
_PORTION = 10_000


@dataclass(frozen=True)
class Answer:
    """The rows of a query, with the names and DuckDB types of its columns."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class LakeReader:
    """An open connection; its names are the tables there were when it was opened, or when it looked again."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, paths: LakePaths, view: Callable[[str, Path], str | None]
    ) -> None:
        self._connection, self._paths, self._view = connection, paths, view
        self.tables: tuple[str, ...] = ()

    def look_again(self) -> None:
        """Give a name to every table that was made since; LakehouseError for one that cannot be opened."""
        for name, place in places(self._paths).items():
            if name not in self.tables and (view := self._view(name, place)):
                try:
                    self._connection.execute(view)
                except duckdb.Error as error:
                    raise _damaged(name, place, str(error).splitlines()[0]) from None
                self.tables = (*self.tables, name)

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """The answer to one SELECT; LakehouseError (usage) for anything else."""
        with self._errors():
            result = self._execute(statement, parameters)
            described = result.description or []
            return Answer(tuple(d[0] for d in described), tuple(str(d[1]) for d in described), result.fetchall())

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of one SELECT, a few at a time; no other query may run meanwhile."""
        with self._errors():
            result = self._execute(statement, parameters)
            while portion := result.fetchmany(_PORTION):
                yield from portion

    def _execute(self, statement: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        statements = self._connection.extract_statements(statement)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise _refused("only one SELECT is accepted")
        return self._connection.execute(statements[0], list(parameters))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.PermissionException:
            raise _refused("only tables of the lake can be read") from None
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
            known = ", ".join(self.tables) or "none yet: the lake is empty"
            raise LakehouseError(
                str(error).splitlines()[0], where="query", next_step=f"tables: {known}", exit_code=EXIT_USAGE
            ) from None
        except duckdb.Error as error:
            raise LakehouseError(str(error).splitlines()[0], where="query") from None

    def scalar(self, statement: str) -> Any:
        """The one value of a one-row answer."""
        return self.query(statement).rows[0][0]


@contextmanager
def open_lake(
    paths: LakePaths,
    versions: Mapping[str, int] | None = None,
    *,
    files: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[LakeReader]:
    """A reader over every table the lake holds: `raw`, `transformed.<t>`, `history.<t>`, `refined.<x>`, `quarantine`.

    Of the tables in `versions` it shows that version, of the others the newest at each query; those not in `only`
    have no name. With `files` every table has a column `filename` too: where a row is stored.
    """
    import duckdb_extensions

    with duckdb.connect() as connection:
        duckdb_extensions.import_extension("delta", con=connection)  # the usual one is shared by all threads
        connection.execute("LOAD delta")
        connection.execute("SET TimeZone = 'UTC'")
        for layer in _LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")

        def view(name: str, place: Path) -> str | None:
            if only is not None and name not in only:
                return None
            quoted = ".".join(f'"{part}"' for part in name.split("."))
            version = f", version => {versions[name]}" if versions and name in versions else ""
            columns = "*, filename" if files else "*"
            return f"CREATE VIEW {quoted} AS SELECT {columns} FROM delta_scan({_literal(place)}{version})"

        reader = LakeReader(connection, paths, view)
        reader.look_again()
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute(f"SET allowed_directories = [{_literal(paths.root)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield reader


def places(paths: LakePaths) -> dict[str, Path]:
    """The tables the lake holds now, by name; a folder whose name is no table's is none."""
    found = {name: place for name, place in (("raw", paths.raw), ("quarantine", paths.quarantine)) if exists(place)}
    for layer in _LAYERS:
        folders = sorted((paths.root / layer).glob("*"))
        found |= {
            f"{layer}.{folder.name}": folder for folder in folders if NAME.fullmatch(folder.name) and exists(folder)
        }
    return found


def _damaged(name: str, place: Path, reason: str) -> LakehouseError:
    mended = "put it back from a copy" if name == "raw" else f"remove {place}: a run makes it anew"
    return LakehouseError(f"cannot be opened: {reason}", where=name, next_step=mended, exit_code=EXIT_DATA)


def _literal(place: Path) -> str:
    return "'" + str(place).replace("'", "''") + "'"


def _refused(reason: str) -> LakehouseError:
    return LakehouseError(
        reason, where="query", next_step='for example: lakehouse query "SELECT * FROM refined.valor_total_por_morador"',
        exit_code=EXIT_USAGE,
    )  # fmt: skip
