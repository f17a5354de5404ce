"""The environment every process of a stack gets: the caller's own, with the stack's settings and without passwords."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

import lakehouse_assets
from lakehouse_assets.settings import PREFIX, Settings
from lakehouse_assets.stack.connections import POSTGRES, Connections

# What a caller who is attached to Spark, or is part of another stack, has in his own environment.
_NOT_OURS = ("SUPERVISOR_", "DAGSTER_", "SPARK_")
_ADDRESSES = ("source_dsn", "replication_dsn", "kafka_bootstrap", "connect_url", "spark_remote")


def service_environment(
    settings: Settings, links: Connections, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What the supervisor and, through it, every service inherits.

    The embedded database's passwords stay in the secrets file; only the DSNs of external ones and the keys, which the
    caller gave in his environment, are handed on in theirs. Nothing of this is written to a file.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith((PREFIX, *_NOT_OURS))}
    return {**kept, **_python(environ), **setting_words(settings, links)}


def setting_words(settings: Settings, links: Connections) -> dict[str, str]:
    """The settings as `LAKEHOUSE_*` words, with the addresses in force."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields if name not in _ADDRESSES}
    values |= {
        "kafka_bootstrap": links.kafka_bootstrap,
        "connect_url": links.connect_url,
        "spark_remote": links.spark_remote,
    }
    if not links.is_embedded(POSTGRES):
        values |= {"source_dsn": settings.source_dsn, "replication_dsn": settings.replication_dsn}
    return {PREFIX + name.upper(): _word(value) for name, value in values.items() if value is not None}


def _word(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)  # which would print asterisks


def _python(environ: Mapping[str, str]) -> dict[str, str]:
    # The package is found wherever the command was called from, installed or not.
    root = str(Path(lakehouse_assets.__file__).parents[1])
    others = [folder for folder in environ.get("PYTHONPATH", "").split(os.pathsep) if folder and folder != root]
    return {"PYTHONPATH": os.pathsep.join([root, *others]), "PYTHONUNBUFFERED": "1", "TZ": "UTC"}
