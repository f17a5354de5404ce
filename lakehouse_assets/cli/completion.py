"""What the shell offers when a person presses Tab: the names of tables.

A failure offers nothing: there is no place for an error while a line is being typed.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from lakehouse_assets.cli.context import edge
from lakehouse_assets.errors import LakehouseError


def source_tables(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The catalog's tables."""
    try:
        return [CompletionItem(name) for name in edge().catalog.names if name.startswith(incomplete)]
    except LakehouseError:
        return []


def statement(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A statement whose last word is the beginning of a table's name, with each name that it may be; the first one at once."""
    from lakehouse_assets.engine.reader import places

    before, space, word = incomplete.rpartition(" ")
    try:
        names = sorted(name for name in places(edge().paths) if name.startswith(word))
    except LakehouseError:
        return []
    begun = f"{before}{space}" if incomplete.strip() else "SELECT * FROM "
    return [CompletionItem(f"{begun}{name}") for name in names]
