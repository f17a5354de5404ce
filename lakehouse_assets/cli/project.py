"""The word that begins a project of your own: init."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from lakehouse_assets.catalog.model import plain_name
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError

TEMPLATE = Path(__file__).parents[1] / "project"
_CATALOG = Path("lakehouse.toml")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make the folder of a lake of your own: a catalog, a first business table and its test, and the settings.

    The example runs as it is: the embedded PostgreSQL makes the catalog's tables. For a database of your own,
    `lakehouse discover --source DSN --write` puts its tables into the catalog. A file that is there is never written over.

    For example: lakehouse init shop
    """
    texts = {file.relative_to(TEMPLATE): file.read_text(encoding="utf-8") for file in sorted(TEMPLATE.rglob("*.*"))}
    texts[_CATALOG] = texts[_CATALOG].replace("@NAME@", plain_name(folder.absolute().name))
    if there := [str(folder / name) for name in texts if (folder / name).exists()]:
        raise LakehouseError(
            f"is there already: {', '.join(there)}", where=str(folder), next_step="choose another folder",
            exit_code=EXIT_USAGE,
        )  # fmt: skip
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LakehouseError(
            f"cannot be written: {error.strerror}", where=str(error.filename), next_step="choose another folder"
        ) from error
    click.echo(f"made {', '.join(str(folder / name) for name in texts)}")
    click.echo(f"next: cd {shlex.quote(str(folder))} && . ./lakehouse.env && lakehouse test && lakehouse up")
