"""What every word starts from: settings, catalog, connections, read once at this edge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lakehouse_assets.catalog import Catalog, Table, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.errors import EXIT_USAGE, LakehouseError
from lakehouse_assets.keys import Keys, load_keys
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.stack.connections import Connections, connections

if TYPE_CHECKING:  # a word imports what it needs when it is typed, so that `--help` is quick
    from lakehouse_assets.catalog.refined import RefinedTable
    from lakehouse_assets.progress.sync import SyncRequest
    from lakehouse_assets.progress.verify import VerifyRequest


@dataclass(frozen=True)
class Edge:
    """The configuration of one call."""

    settings: Settings

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog."""
        return load_catalog(self.settings.catalog)

    def table(self, name: str) -> Table:
        """The catalog's table of that name; LakehouseError (usage) when there is none."""
        if name not in self.catalog.names:
            raise LakehouseError(
                f"no such table: {name}",
                where="catalog",
                next_step=f"tables: {', '.join(self.catalog.names)}",
                exit_code=EXIT_USAGE,
            )
        return self.catalog.table(name)

    @cached_property
    def refined(self) -> tuple[RefinedTable, ...]:
        """The business tables."""
        from lakehouse_assets.catalog.refined import load_refined

        return load_refined(self.settings.refined_folder, self.catalog)

    @cached_property
    def keys(self) -> Keys:
        """The keys of protected columns."""
        return load_keys(self.settings)

    @cached_property
    def links(self) -> Connections:
        """The addresses of the stack."""
        return connections(self.settings)

    @property
    def paths(self) -> LakePaths:
        """The lake's folders."""
        return LakePaths(self.settings.lake)

    @property
    def checkpoint(self) -> Path:
        """The stream's checkpoint."""
        return self.settings.checkpoint

    def source_dsn(self) -> str:
        """The source's address; an error when the embedded one was never made."""
        if self.links.is_embedded("postgres") and self.links.admin_dsn is None:
            raise LakehouseError(
                "the stack was never started here", where=str(self.settings.home), next_step="lakehouse up"
            )
        return self.links.source_dsn

    def sync_request(self) -> SyncRequest:
        """What `sync` waits for."""
        from lakehouse_assets.progress.sync import SyncRequest

        return SyncRequest(
            self.catalog, self.refined, self.paths, self.checkpoint, self.source_dsn(), self.links.kafka_bootstrap
        )

    def verify_request(self, timeout: float | None = None, *, force: bool = False) -> VerifyRequest:
        """What is verified, and at what cost; `timeout` (seconds) in place of the setting's."""
        from lakehouse_assets.progress.verify import live_request

        return live_request(self.settings, self.links, self.sync_request(), say, timeout, force=force)


def edge() -> Edge:
    """Read the settings."""
    return Edge(load_settings())


def say(line: str) -> None:
    """A line of progress: on standard error, so that a program can read standard output."""
    click.echo(line, err=True)
