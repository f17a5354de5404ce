"""What can be configured, read once at the edge from `LAKEHOUSE_*` environment variables.

docs/settings.md is generated from this class; a test fails when it is stale.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lakehouse_assets.errors import ConfigurationError

PREFIX = "LAKEHOUSE_"
PORTS_PER_STACK = 20
REFINED_FOLDER = Path(__file__).parent / "defs" / "refined"  # of the demo's business tables


class Settings(BaseSettings):
    """One stack: where its state is, which ports it takes, and which services it does not start itself."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    home: Path = Field(
        Path(".lakehouse"), description="Folder of all state of this stack: databases, logs, checkpoints, secrets."
    )
    lake: Path = Field(Path("datalake"), description="Folder of the lake: raw, transformed, refined.")
    catalog: Path = Field(
        Path("lakehouse.toml"), description="The catalog: which tables exist and what their columns are."
    )
    refined: Path | None = Field(
        None,
        description="Folder of the business tables' SQL files; default: `refined` beside the catalog where there is one, else the demo's.",
    )
    cache: Path = Field(
        Path("~/.cache/lakehouse"), description="Folder of downloaded jars, shared by all clones of one user."
    )
    port_base: int = Field(
        15400,
        ge=1024,
        le=65535 - PORTS_PER_STACK,
        description=f"First of {PORTS_PER_STACK} loopback ports of this stack.",
    )

    source_dsn: str | None = Field(
        None,
        description="An external PostgreSQL (`postgresql://user:password@host:port/db`, with `?sslmode=` and files where it is to be verified) in place of the embedded one.",
    )
    replication_dsn: str | None = Field(
        None,
        description="The role the connector uses on an external PostgreSQL; default: that of `LAKEHOUSE_SOURCE_DSN`.",
    )
    serving_dsn: str | None = Field(
        None,
        description="A PostgreSQL whose schema `serving` gets the business tables, for BI tools; the role may create that schema, or owns it.",
    )
    kafka_bootstrap: str | None = Field(
        None, description="An external Kafka (`host:port,...`) in place of the embedded one."
    )
    connect_url: str | None = Field(
        None,
        description="An external Kafka Connect (`http://host:port`, or with `user:password@`) that has Debezium installed.",
    )
    spark_remote: str | None = Field(
        None, description="An external Spark Connect server (`sc://host:port`) for the batch work."
    )

    keys: SecretStr | None = Field(
        None,
        description="Keys of protected columns, `kid=base64 of 32 bytes` separated by commas, the active one last; in place of the file.",
    )
    keys_file: Path | None = Field(
        None, description="File of keys, one `kid=base64` a line, mode 0600; default: `keys.env` in the stack's home."
    )

    trigger_seconds: int = Field(5, ge=1, le=3600, description="Seconds between two micro-batches of the stream.")
    max_offsets_per_trigger: int = Field(200_000, ge=1, description="Most Kafka messages in one micro-batch.")
    sensor_seconds: int = Field(
        3,
        ge=1,
        le=3600,
        description="Least seconds between two ticks of the arrivals sensor; its daemon looks every 5.",
    )
    engine_memory: str = Field("1g", pattern=r"^\d+[mg]$", description="Java heap of the Spark engine.")
    max_slot_wal_gb: int = Field(
        10,
        ge=1,
        description="WAL the embedded PostgreSQL keeps for a slot that does not move (max_slot_wal_keep_size).",
    )

    status_warn_share: float = Field(
        0.001, ge=0, le=1, description="Share of a column's texts that may be unreadable before its check warns."
    )
    status_error_share: float = Field(
        0.01, ge=0, le=1, description="Share of a column's texts that may be unreadable before its check fails."
    )
    brake_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of a table that one fold may delete or change in bulk before it waits for `lakehouse allow`; 1 never waits.",
    )
    brake_rows: int = Field(
        1000, ge=1, description="Rows that one fold may always delete or change, whatever share of the table they are."
    )
    verify_cron: str = Field(
        "*/15 * * * *",
        pattern=r"^\S+( \S+){4}$",
        description="When the check `postgres_equals_transformed` runs (cron, UTC).",
    )
    refold_cron: str = Field(
        "0 */6 * * *",
        pattern=r"^\S+( \S+){4}$",
        description="When the check `rebuild_equals_fold` runs for the next table (cron, UTC).",
    )
    verify_timeout_seconds: int = Field(
        300, ge=1, description="Seconds a verification waits for the lake to cover the source's moment."
    )
    verify_statement_timeout_seconds: int = Field(
        300, ge=1, description="Seconds one statement of a verification may take at the source."
    )
    verify_max_rows: int = Field(
        50_000_000, ge=1, description="Rows of the largest table a verification reads without `--force`."
    )

    @field_validator("home", "lake", "catalog", "refined", "cache", "keys_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @property
    def refined_folder(self) -> Path:
        """Where the business tables' SQL files are."""
        beside = self.catalog.with_name("refined")
        return self.refined or (beside if beside.is_dir() else REFINED_FOLDER)

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder, always inside the stack's home."""
        return self.home / "dagster"

    @property
    def checkpoint(self) -> Path:
        """The stream's offsets: state of the stack, not of the lake."""
        return self.home / "checkpoints" / "raw"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from `environ`; raise ConfigurationError naming every wrong or unknown one."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    problems = [
        f"{name}: no such setting; known: {', '.join(sorted(known))}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]
    values = {
        name: environ[PREFIX + name.upper()] for name in Settings.model_fields if environ.get(PREFIX + name.upper())
    }
    try:
        settings = Settings(**values)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        problems += [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        settings = None
    if problems or settings is None:
        raise ConfigurationError(
            problems, where="environment", next_step="correct or unset these variables; docs/settings.md lists them all"
        )
    return settings
