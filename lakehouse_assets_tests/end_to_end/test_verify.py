"""A lake that is written to without a pause is proven equal, and what is wrong in it is found, by word and by Dagster."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEventType, DagsterInstance, RunsFilter
from deltalake import DeltaTable, write_deltalake

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.gateways import postgres
from lakehouse_assets_tests.end_to_end.conftest import PROGRAM, Words
from lakehouse_assets_tests.stack.waiting import eventually

pytestmark = pytest.mark.stack

EVALUATION = DagsterEventType.ASSET_CHECK_EVALUATION
FIRST, LAST = 50_000, 54_000  # condominios of these tests; the even ones are written to, the odd ones are not
INVENTED = range(60_001, 60_061, 2)


@pytest.fixture(scope="module")
def filled(words: Words) -> Iterator[Words]:
    """The shared stack with the tests' rows in the lake; they are gone afterwards, also those the lake alone has."""
    words.source(
        f"insert into condominios select i, 'Condomínio ' || i, 'Rua ' || i from generate_series({FIRST}, {LAST}) i"
    )
    words.source("insert into condominios values (70001, 'Antes', 'Rua A')")
    words.source("update condominios set nome = 'Depois' where condominio_id = 70001")
    words.source("update condominios set condominio_id = 70003 where condominio_id = 70001")
    words.settle()
    yield words
    few = f"select condominio_id from condominios where condominio_id >= {FIRST} limit 90"  # more at once is braked
    while words.source(f"delete from condominios where condominio_id in ({few}) returning 1"):
        pass
    words.sync()
    _table(words).delete(f"condominio_id >= {FIRST}")
    words.settle()


@contextmanager
def writers(words: Words, per_second: float = 60) -> Iterator[list[int]]:
    """Transactions of every kind on the even rows: short, open for seconds, and rolled back. Yields how many there were."""
    stop, done, failures = threading.Event(), [0], []

    def write(seed: int, slow: bool) -> None:
        chance = random.Random(seed)
        connection = postgres.connect(words.stack.links.source_dsn)
        try:
            while not stop.is_set():
                with connection.cursor() as cursor:
                    for _ in range(chance.randint(1, 3)):
                        cursor.execute(*_change(chance))
                        done[0] += 1
                    stop.wait(chance.uniform(1, 4) if slow else 2 * 2 / per_second)
                connection.rollback() if chance.random() < 0.1 else connection.commit()
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(n, n == 3)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    # Two that change one key meet in the index, too, however carefully each looked before.
    assert [error for error in failures if not re.search("deadlock|duplicate key", str(error))] == []


def _change(chance: random.Random) -> tuple[str, list[int]]:
    key = chance.randrange(FIRST, LAST, 2)
    return chance.choices(
        [
            ("update condominios set nome = nome || 'x' where condominio_id = %s", [key]),
            ("delete from condominios where condominio_id = %s", [key]),
            ("insert into condominios values (%s, 'Novo', 'Rua N') on conflict do nothing", [key]),
            ("update condominios set condominio_id = 2000000 - condominio_id where condominio_id in (%s, 2000000 - %s) "
             "and not exists (select from condominios where condominio_id = 2000000 - %s)", [key, key, key]),
        ],
        [6, 1, 2, 1],
    )[0]  # fmt: skip


def _table(words: Words) -> DeltaTable:
    return DeltaTable(str(LakePaths(words.stack.settings.lake).transformed("condominios")))


def _plant(words: Words) -> dict[str, set[int]]:
    """Spoil 100 rows of the lake that nobody writes to; which, by kind."""
    odd = random.Random(7).sample(range(FIRST + 1, LAST, 2), 70)
    planted = {
        "missing": set(odd[:25]), "doubled": set(odd[25:40]), "altered": set(odd[40:70]), "invented": set(INVENTED),
    }  # fmt: skip
    listed = {kind: ", ".join(map(str, sorted(keys))) for kind, keys in planted.items()}
    rows = _table(words).to_pyarrow_table()
    doubled = rows.to_pylist()
    copies = [row for row in doubled if row["condominio_id"] in planted["doubled"]]
    made = [copies[0] | {"condominio_id": key} for key in planted["invented"]]
    _table(words).delete(f"condominio_id IN ({listed['missing']})")
    _table(words).update(predicate=f"condominio_id IN ({listed['altered']})", updates={"endereco": "nome"})
    write_deltalake(_table(words), rows.from_pylist(copies + made, rows.schema), mode="append")
    assert sum(map(len, planted.values())) == 100
    return planted


def verified(words: Words, *arguments: str, code: int = 0) -> dict[str, Any]:
    found = json.loads(words.run("verify", "--json", "--timeout", "240", *arguments, code=code).stdout)
    return {table["name"]: table for table in found["tables"]}


def test_a_lake_under_writes_is_proven_equal_again_and_again(filled: Words) -> None:
    with writers(filled) as done:
        left_out = []
        for _ in range(2):
            before = done[0]
            tables = verified(filled)
            assert {table["verdict"] for table in tables.values()} == {"equal"}
            left_out.append(tables["condominios"]["left_out"])
            assert done[0] > before + 30, "the writers stood still"
    assert max(left_out) > 0
    assert tables["condominios"]["source_rows"] > 2000
    (shown,) = [t for t in json.loads(filled.run("status", "--json").stdout)["tables"] if t["name"] == "condominios"]
    # The scheduled verification may have come after it.
    assert shown["verified_through"]["at"] >= tables["condominios"]["verified_through"]["at"]


def test_dagster_proves_it_on_its_own_while_the_sensor_goes_on(filled: Words) -> None:
    home, since = filled.stack.settings.dagster_home, datetime.now(UTC)
    environment = {**os.environ, **filled.stack.environment, "DAGSTER_HOME": str(home)}
    program = Path(sys.executable).with_name("dagster")
    command = [program, "job", "execute", "-m", "lakehouse_assets.definitions", "-j", "verify"]
    with writers(filled):
        time.sleep(5)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    # Not from what it printed: Dagster hands a step's last lines on only when it has the time.
    with DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_run_records(RunsFilter(job_name="verify", created_after=since))
        logs = [instance.all_logs(run.dagster_run.run_id, of_type=EVALUATION) for run in runs]
    found = [log.dagster_event.event_specific_data for log in logs[-1] if log.dagster_event]
    assert {check.asset_key.path[-1] for check in found} == set(filled.stack.catalog.names)
    assert [check for check in found if not check.passed] == []


def test_what_cannot_be_verified_or_is_no_table_has_its_own_exit_code(filled: Words) -> None:
    admin = filled.stack.links.admin_dsn
    assert admin
    refused = filled.run("verify", "condominio", code=2).stderr
    assert "condominios, moradores" in refused
    down = filled.run("verify", code=1, LAKEHOUSE_SOURCE_DSN="postgresql://nobody:secret@127.0.0.1:1/x").stderr
    assert "does not answer" in down
    assert "secret" not in down
    assert "lags" in filled.run("verify", "imoveis", "--timeout", "0", code=1).stderr
    postgres.execute(admin, "alter role lakehouse_app set default_transaction_read_only = on")
    try:
        assert "read-only" in filled.run("verify", "imoveis", code=1).stderr
    finally:
        postgres.execute(admin, "alter role lakehouse_app reset default_transaction_read_only")
    told = filled.run("verify", "imoveis", code=1, LAKEHOUSE_VERIFY_MAX_ROWS="1").stdout
    assert "LAKEHOUSE_VERIFY_MAX_ROWS" in told
    filled.run("verify", "imoveis", "--force", LAKEHOUSE_VERIFY_MAX_ROWS="1")


def test_ctrl_c_ends_a_verification_without_a_trace_here_or_at_the_source(filled: Words) -> None:
    process = subprocess.Popen(
        [PROGRAM, "verify"], env={**os.environ, **filled.stack.environment}, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stderr
    told = ""
    while "waiting" not in told:
        told = process.stderr.readline()
        assert told, "it ended by itself"
    process.send_signal(signal.SIGINT)
    left = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert left.splitlines()[-1].startswith("interrupted; ")
    assert "Traceback" not in left
    left = "select count(*) from pg_stat_activity where application_name = 'lakehouse verify'"
    eventually(lambda: filled.source(left) == [(0,)])


def test_a_row_is_explained_from_its_first_event_on(filled: Words) -> None:
    old = json.loads(filled.run("explain", "condominios", "70001", "--json").stdout)
    assert [(event["op"], event["fate"]) for event in old["events"]] == [
        ("insert", "overtaken"), ("update", "overtaken"), ("delete", "applied"),
    ]  # fmt: skip
    assert (old["in_transformed"], old["in_source"], old["events"][2]["moved"]) == (0, False, '{"condominio_id":70003}')
    told = filled.run("explain", "condominios", "70003").stdout
    assert "Depois" in told
    assert "differs" not in told
    assert "table_name=condominios/op=insert" in told
    assert "0 events" in filled.run("explain", "condominios", "999999", code=1).stdout
    assert "is no integer" in filled.run("explain", "condominios", "x", code=2).stderr


def test_every_one_of_a_hundred_planted_differences_is_found_under_writes_and_no_other(filled: Words) -> None:
    """The last of these tests: what it plants stays until they end."""
    filled.settle()
    planted = _plant(filled)
    with writers(filled):
        time.sleep(3)
        table = verified(filled, "condominios", code=3)["condominios"]

    def ids(keys):
        return {int(key["condominio_id"]) for key in keys}

    assert ids(table["missing"]["keys"]) == planted["missing"]
    assert ids(table["extra"]["keys"]) == planted["doubled"] | planted["invented"]
    assert ids(row["key"] for row in table["different"]["rows"]) == planted["altered"]
    assert {tuple(row["columns"]) for row in table["different"]["rows"]} == {("endereco",)}
    assert (table["missing"]["count"], table["extra"]["count"], table["different"]["count"]) == (25, 45, 30)
    told = filled.run("verify", "condominios", code=3).stdout
    assert "different: condominio_id=" in told
    assert "Rua" not in told
    assert "25 rows" not in told
