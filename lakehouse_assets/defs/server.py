"""Dagster's code server, with one difference: the process of a run is forked from one that has imported everything.

`python -m lakehouse_assets.defs.server ...` is `dagster api grpc ...`. Dagster spawns the process of a run, which then
imports Dagster, pyspark and the assets anew: docs/decisions/0010 has what that costs. The process that is forked has only
imported; it holds no thread, no connection and no session.
"""

import multiprocessing
import sys
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from dagster._cli import main

_IMPORTED = [
    "dagster._grpc.impl", "dagster._core.instance.factory", "dagster._core.storage.sqlite_storage", "upath",
    "lakehouse_assets.definitions", "pyspark.sql.connect.session", "duckdb", "duckdb_extensions", "deltalake", "pandas",
]  # fmt: skip
_context_of = multiprocessing.get_context


def _context(method: str | None = None) -> BaseContext:
    return _context_of("forkserver" if method == "spawn" else method)


if __name__ == "__main__":
    multiprocessing.get_context = _context  # the server asks for "spawn", and takes no other word
    multiprocessing.set_forkserver_preload(_IMPORTED)
    forkserver.ensure_running()
    sys.argv[1:1] = ["api", "grpc"]
    main()
