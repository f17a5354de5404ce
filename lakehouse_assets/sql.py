"""How names and texts are written in Spark SQL: the only quoting in the project's Spark code."""

from __future__ import annotations

from pathlib import Path


def name(identifier: str) -> str:
    """An identifier in backticks."""
    return "`" + identifier.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text literal; the session runs with `spark.sql.parser.escapedStringLiterals` at its default."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def let(variable: str, expression: str, body: str) -> str:
    """`body`, in which `variable` stands for what `expression` gives: computed and written once.

    The variable hides a column of its name in `body`, so only `expression` may speak of columns.
    """
    return f"get(transform(array({expression}), {variable} -> {body}), 0)"


def delta(path: Path) -> str:
    """A Delta table by its path."""
    return "delta." + name(str(path))


def only_in_one(left: str, right: str) -> str:
    """The rows of two SELECTs that are in one and not in the other, counted with their repetitions."""
    return f"(({left} EXCEPT ALL {right}) UNION ALL ({right} EXCEPT ALL {left}))"


def struct_of_texts(names: tuple[str, ...]) -> str:
    """The type of a JSON object whose listed members are all read as text."""
    return "struct<" + ", ".join(f"{name(n)}: string" for n in names) + ">"
