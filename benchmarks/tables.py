"""What many tables cost: databases of 5 and of 200 tables of every type, each carried from discover to a proof.

The tables lie in several schemas, with names in quotes, composite keys and partitions. Then three tables change again and again:
what such a batch costs beside 200 tables, and beside 5, is the question.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from benchmarks.processes import usage
from benchmarks.runs import steps
from benchmarks.stack import FOLDER, own_stack
from lakehouse_assets.cli.context import Edge
from lakehouse_assets.gateways import postgres
from lakehouse_assets.stack.environment import setting_words
from lakehouse_assets.stack.postgres import NAME as POSTGRES

_CATALOG = """
[lake]
topic_prefix = "muitas"
publication = "lakehouse"
slot = "lakehouse"

[tables.inicio]
key = ["id"]
[tables.inicio.columns]
id = "integer"
"""
_TYPES = {
    "smallint": "i % 100", "integer": "i", "bigint": "i * 1000000007", "numeric(12,2)": "i / 7.0", "numeric": "i / 4.0",
    "real": "i / 2.0", "double precision": "i / 3.0", "text": "'texto ' || i", "varchar(40)": "'nome ' || i", "char(5)": "'c' || i % 9",
    "boolean": "i % 2 = 0", "date": "date '2026-01-31' + i::int % 99", "time": "time '10:00' + i * interval '1 s'", "timetz": "timetz '10:00-03'",
    "timestamp": "timestamp '2026-01-31 10:00' + i * interval '1 h'", "timestamptz": "timestamptz '2026-01-31 10:00-03' + i * interval '1 h'",
    "interval": "i * interval '1 h 2 s'", "uuid": "gen_random_uuid()", "json": """('{"i": ' || i || '}')::json""", "jsonb": "to_jsonb(i)",
    "bytea": "decode(md5(i::text), 'hex')", "text[]": "array['a', i::text, null]", "bigint[]": "array[i, null]", "uuid[]": "array[gen_random_uuid()]",
    "humor": "'bom'::humor", "positivo": "i", "int4range": "int4range(i::int, i::int + 5)", "tstzrange": "tstzrange(now(), null)",
    "int4multirange": "'{[1,3),[5,8)}'::int4multirange", "inet": "'10.0.0.1'::inet + i", "cidr": "'10.0.0.0/8'::cidr", "macaddr": "'08:00:2b:01:02:03'::macaddr",
    "par": "row(i, 'a b')::par", "tsvector": "to_tsvector('gato ' || i)", "money": "i::int::money", "point": "point(i, 1)",
}  # fmt: skip
_COLUMNS = 9  # a table, drawn in turn from the types
_ROWS = 20


@click.command(help=__doc__)
@click.option("--tables", default=200, show_default=True, help="Tables of the large database.")
@click.option("--few", default=5, show_default=True, help="Tables of the small one.")
@click.option("--batches", default=12, show_default=True, help="How often three tables change.")
def main(tables: int, few: int, batches: int) -> None:
    """Measure both, one after the other, and print the figures side by side."""
    found = {number: _measured(number, batches) for number in (few, tables)}
    shown = Table("what", *(f"{number} tables" for number in found), f"{tables} : {few}", title="Many tables")
    for what in found[tables]:
        small, large = found[few][what], found[tables][what]
        shown.add_row(what, f"{small:.1f}", f"{large:.1f}", f"{large / small:.2f}" if small else "")
    Console(width=110).print(shown)


def _measured(number: int, batches: int) -> dict[str, float]:
    FOLDER.mkdir(exist_ok=True)
    catalog, refined = FOLDER / "lakehouse.toml", FOLDER / "refined"
    catalog.write_text(_CATALOG, encoding="utf-8")
    refined.mkdir(exist_ok=True)
    told: dict[str, float] = {}
    with own_stack(only=[POSTGRES], CATALOG=str(catalog), REFINED=str(refined)) as (here, _):
        postgres.execute(str(here.links.owner_dsn), "; ".join(_database(number)))
        told["discover, seconds"] = _typed(here, "discover", "--write")
        told["up, seconds"] = _typed(here, "up")
        told["all rows in the lake after, seconds"] = _typed(here, "sync", "--timeout", "3000")
        told["verify of every table, seconds"] = _typed(here, "verify", "--timeout", "600")
        told |= _batches(here, batches)
    return told


def _batches(here: Edge, batches: int) -> dict[str, float]:
    os.environ["DAGSTER_HOME"] = str(here.settings.dagster_home)
    _change(here)
    _typed(here, "sync", "--timeout", "600")  # the first pays for what is compiled
    since, before = time.time(), _cpu(here)
    latencies = []
    for _ in range(batches):
        _change(here)
        latencies.append(_typed(here, "sync", "--timeout", "600"))
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in _cpu(here).items()}
    runs = steps(since, time.time())
    return {
        "a batch of 3: run, request to end, median seconds": median(runs["whole run, request to end"]),
        "a batch of 3: request to start, median seconds": median(runs["request to start (process, imports)"]),
        "a batch of 3: change to lake, median seconds": median(latencies),
        "a batch of 3: CPU-seconds of the stack": sum(spent.values()) / batches,
        **{f"... of {name}": seconds / batches for name, seconds in sorted(spent.items())},
        "resident memory of the stack, MiB": sum(u.resident for u in usage(here.settings.home).values()) / 2**20,
    }


def _cpu(here: Edge) -> dict[str, float]:
    return {name: used.cpu_seconds for name, used in usage(here.settings.home).items()}


def _change(here: Edge) -> None:
    postgres.execute(
        str(here.links.owner_dsn),
        "; ".join(f"update {_name(i)} set c0 = c0 where parte = 1; insert into {_name(i)} (parte) values (1)" for i in (1, 2, 3)),
    )  # fmt: skip


def _typed(here: Edge, *words: str) -> float:
    """Seconds of a word that a person types; it must succeed."""
    since = time.monotonic()
    program = Path(sys.executable).with_name("lakehouse")
    environment = {**os.environ, **setting_words(here.settings, here.links)}
    done = subprocess.run([program, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    taken = time.monotonic() - since
    if done.returncode:
        raise click.ClickException(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout[-3000:]}")
    click.echo(f"{' '.join(words)}: {taken:.1f} s")
    return taken


def _name(i: int) -> str:
    return f'esquema_{i % 4}."Tabela {i}"' if i % 5 == 0 else f"esquema_{i % 4}.tabela_{i}"


def _database(number: int) -> list[str]:
    """SQL of a database of so many tables."""
    kinds = list(_TYPES.items())
    statements = [
        "create type humor as enum ('bom', 'ruim')", "create type par as (a bigint, b text)",
        "create domain positivo as bigint check (value > 0)", *(f"create schema esquema_{i}" for i in range(4)),
    ]  # fmt: skip
    for i in range(1, number + 1):
        drawn = [kinds[(i * _COLUMNS + c) % len(kinds)] for c in range(_COLUMNS)]
        columns = ", ".join(f"c{c} {kind}" for c, (kind, _) in enumerate(drawn))
        split = " partition by list (parte)" if i % 10 == 0 else ""
        statements += [
            f"create table {_name(i)} (id bigint generated by default as identity, parte integer, {columns}, primary key (id, parte)){split}",
            *(
                [f"create table esquema_{i % 4}.parte_{i} partition of {_name(i)} for values in (1, 2)"]
                if split
                else []
            ),
            f"insert into {_name(i)} (parte, {', '.join(f'c{c}' for c in range(_COLUMNS))}) "
            f"select 1, {', '.join(value for _, value in drawn)} from generate_series(1::bigint, {_ROWS}) i",
        ]
    return statements


if __name__ == "__main__":
    main()
