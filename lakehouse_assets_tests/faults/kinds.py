"""Every kind of fault, one small function each. It returns when the fault is over; what follows must mend itself.

To add a kind: write a function of a ground and a chance, and put it into KINDS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from dagster import DagsterRunStatus

from lakehouse_assets.gateways import connect, kafka, postgres
from lakehouse_assets.stack import plan
from lakehouse_assets.stack.environment import setting_words
from lakehouse_assets.stack.up import down, up
from lakehouse_assets_tests.faults.disk import filled
from lakehouse_assets_tests.faults.ground import Ground
from lakehouse_assets_tests.faults.proxy import Link
from lakehouse_assets_tests.real_stack import free_port_base

SERVICES = tuple(name for name in plan.ALL if name != "dashboard")  # the page only reads
DISK_FULL = "disk full"  # on a stack whose disk may be filled
MESSAGES = (  # none of them is a change of the table it is sent to
    b"", b"no JSON", b"\xff\xfe\x00", b"[]", b'{"op":"x"}', b'{"op":"u","after":null}',
    b'{"op":"d","source":{"schema":"public","table":"outra","txId":1,"lsn":1,"snapshot":"false"}}',
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of fault by its name, and what makes it happen."""

    name: str
    happen: Callable[[Ground, Random], None]


def kill(service: str, ground: Ground, chance: Random) -> None:
    """SIGKILL, as the kernel does when memory is short; sometimes again as soon as it is back."""
    for _ in range(chance.choice((1, 1, 2))):
        ground.kill(service)
        time.sleep(chance.uniform(0.5, 5))


def freeze(service: str, ground: Ground, chance: Random) -> None:
    """SIGSTOP for a while: alive, connected and silent."""
    with ground.frozen(service):
        time.sleep(chance.uniform(3, 20))


def break_link(state: Link, ground: Ground, chance: Random) -> None:
    """The line between connector and source is cut, hung or slow for a while."""
    with ground.link.being(state):
        time.sleep(chance.uniform(3, 25))


def kill_run(ground: Ground, chance: Random) -> None:
    """The process of a run dies somewhere in its folds."""
    run = ground.next_run(DagsterRunStatus.STARTED)
    time.sleep(chance.uniform(0, 8))
    ground.process_of(run).kill()


def kill_engine_in_a_fold(ground: Ground, chance: Random) -> None:
    """Spark dies under a run that folds."""
    ground.next_run(DagsterRunStatus.STARTED)
    time.sleep(chance.uniform(1, 10))
    ground.kill("engine")


def kill_daemon_before_the_run(ground: Ground, _chance: Random) -> None:
    """The daemon dies between the sensor's request and the run's start."""
    ground.next_run(DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED)
    ground.kill("dagster-daemon")


def hold_a_transaction(ground: Ground, chance: Random) -> None:
    """A transaction of the source that changes rows and then does nothing for long; it may be given up."""
    connection = postgres.connect(ground.stack.links.source_dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute("insert into condominios (nome, endereco) values ('Parado', 'Rua P')")
            cursor.execute("update transacoes set valor_transacao = valor_transacao + 1 "
                           "where transacao_id in (select transacao_id from transacoes limit 5)")  # fmt: skip
            time.sleep(chance.uniform(10, 30))
        connection.rollback() if chance.random() < 0.5 else connection.commit()
    finally:
        connection.close()


def poison_a_topic(ground: Ground, chance: Random) -> None:
    """Messages that are no changes, among those that are."""
    topic = chance.choice(ground.stack.catalog.tables).topic
    for message in chance.sample(MESSAGES, 4):
        kafka.produce(ground.stack.links.kafka_bootstrap, topic, chance.choice((None, b"x", b"{}")), message)


def restart_the_connector(ground: Ground, chance: Random) -> None:
    """The connector is stopped and resumed amid open transactions and COPY, several times."""
    url = ground.stack.links.connect_url
    for _ in range(3):
        connect.stop(url, ground.connector)
        time.sleep(chance.uniform(0, 3))
        connect.resume(url, ground.connector)
        time.sleep(chance.uniform(1, 5))


def run_a_second_engine(ground: Ground, chance: Random) -> None:
    """Another engine over the same lake and checkpoint, as when one is started by hand beside the stack's."""
    words = _environment(ground) | {"LAKEHOUSE_PORT_BASE": str(free_port_base())}
    log = (ground.stack.settings.home / "logs" / "second-engine.log").open("ab")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "lakehouse_assets.engine"], env=words, stdout=log, stderr=log
        ) as second,
    ):
        time.sleep(chance.uniform(20, 40))
        second.terminate()
        try:
            second.wait(30)
        except subprocess.TimeoutExpired:
            second.kill()


def fold_twice_at_once(ground: Ground, chance: Random) -> None:
    """Two runs of one table beside the sensor's own."""
    table = chance.choice(ground.stack.catalog.names)
    command = [sys.executable, "-c", "from lakehouse_assets.cli import main; main()", "run", f"transformed/{table}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(command, env=_environment(ground), **quiet) for _ in range(2)]
    for process in both:
        process.wait(300)


def lose_dagsters_home(ground: Ground, _chance: Random) -> None:
    """Runs, events, cursor and ticks are gone; the stack is started again."""
    settings, catalog = ground.stack.settings, ground.stack.catalog
    down(settings, print)
    shutil.rmtree(settings.dagster_home)
    up(settings, catalog, print)
    ground.use_link(through=True)


def delete_a_transformed_table(ground: Ground, chance: Random) -> None:
    """The folder of a transformed table is removed under whatever reads and writes it."""
    shutil.rmtree(ground.paths.transformed(chance.choice(ground.stack.catalog.names)), ignore_errors=True)


def delete_a_refined_table(ground: Ground, chance: Random) -> None:
    """The folder of a business table is removed."""
    shutil.rmtree(ground.paths.refined(chance.choice(ground.here.refined).name), ignore_errors=True)


def fill_the_disk(ground: Ground, chance: Random) -> None:
    """No block is free for a while where lake, checkpoint, Kafka's log, the WAL and Dagster's databases are."""
    assert ground.disk
    with filled(ground.disk):
        time.sleep(chance.uniform(5, 20))


KINDS: tuple[Kind, ...] = (
    *(Kind(f"kill {name}", partial(kill, name)) for name in SERVICES),
    *(Kind(f"freeze {name}", partial(freeze, name)) for name in SERVICES),
    *(Kind(f"link {state}", partial(break_link, state)) for state in (Link.CUT, Link.HUNG, Link.SLOW)),
    Kind("run killed in a fold", kill_run),
    Kind("engine killed in a fold", kill_engine_in_a_fold),
    Kind("daemon killed before the run", kill_daemon_before_the_run),
    Kind("transaction held open", hold_a_transaction),
    Kind("poison messages", poison_a_topic),
    Kind("connector restarted", restart_the_connector),
    Kind("second engine", run_a_second_engine),
    Kind("two folds of one table", fold_twice_at_once),
    Kind("Dagster's home lost", lose_dagsters_home),
    Kind("transformed table deleted", delete_a_transformed_table),
    Kind("refined table deleted", delete_a_refined_table),
    Kind(DISK_FULL, fill_the_disk),
)


def _environment(ground: Ground) -> dict[str, str]:
    return {**os.environ, **setting_words(ground.stack.settings, ground.stack.links)}
