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
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from random import Random

import psutil
from dagster import DagsterRunStatus
from kafka import KafkaAdminClient, TopicPartition

from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import connect, kafka, postgres
from lakehouse_assets.stack import plan
from lakehouse_assets.stack.environment import setting_words
from lakehouse_assets.stack.up import down, up
from lakehouse_assets_tests.faults.disk import filled
from lakehouse_assets_tests.faults.ground import DidNotHappen, Ground
from lakehouse_assets_tests.faults.proxy import Link
from lakehouse_assets_tests.real_stack import free_port_base
from lakehouse_assets_tests.stack.waiting import HALT_SECONDS, connector_away, halted

SERVICES = tuple(name for name in plan.ALL if name != "dashboard")  # the page only reads
_PROGRAM = (sys.executable, "-c", "from lakehouse_assets.cli import main; main()")
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
    try:
        ground.process_of(run).kill()
    except psutil.NoSuchProcess:
        raise DidNotHappen("the run ended by itself") from None


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
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [*_PROGRAM, "run", f"transformed/{table}"]
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


def lose_in_silence(lose: Callable[[Ground, Random], None], ground: Ground, chance: Random) -> None:
    """What loses changes for good: the stream must halt and say so, and `lakehouse recover` must bring the lake back."""
    lose(ground, chance)
    try:
        halted(ground.paths)
    except AssertionError:
        raise LakehouseError(f"the stream went on in silence for {HALT_SECONDS} s") from None
    done = subprocess.run(
        [*_PROGRAM, "recover", "--yes"], env=_environment(ground), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LakehouseError(f"recover ended with {done.returncode}: {done.stderr[-2000:]}")
    ground.use_link(through=True)


def drop_the_slot(ground: Ground, _chance: Random) -> None:
    """Somebody drops the slot while the connector is stopped; what is committed meanwhile is in no WAL that is kept."""
    with connector_away(ground.stack):
        postgres.execute(ground.admin_dsn, "select pg_drop_replication_slot(%s)", [ground.stack.catalog.slot])
        time.sleep(1)


def advance_the_slot(ground: Ground, _chance: Random) -> None:
    """Somebody moves the slot past changes that the connector has not read."""
    with connector_away(ground.stack):
        time.sleep(2)
        statement = "select pg_replication_slot_advance(%s, pg_current_wal_lsn())"
        postgres.execute(ground.admin_dsn, statement, [ground.stack.catalog.slot])


def let_the_slot_grow_too_large(ground: Ground, _chance: Random) -> None:
    """The connector is away for longer than the source keeps WAL for it: the slot is invalidated."""
    with connector_away(ground.stack):
        _alter_system(ground, "set max_slot_wal_keep_size = '1MB'")
        try:
            for _ in range(4):
                postgres.execute(ground.admin_dsn, "select pg_switch_wal()")
                time.sleep(0.5)
            postgres.execute(ground.admin_dsn, "checkpoint")
            if not postgres.slot_state(ground.admin_dsn, ground.stack.catalog.slot).lost:
                raise DidNotHappen("the source kept the WAL")
        finally:
            _alter_system(ground, "reset max_slot_wal_keep_size")


def delete_a_topic(ground: Ground, chance: Random) -> None:
    """A table's topic is deleted; the connector may make it again."""
    topic = chance.choice(ground.stack.catalog.tables).topic
    admin = KafkaAdminClient(bootstrap_servers=ground.stack.links.kafka_bootstrap)
    admin.delete_topics([topic])
    admin.close()


def let_messages_expire(ground: Ground, _chance: Random) -> None:
    """Messages leave their topic, as retention makes them, before the engine has read them."""
    bootstrap, topic = ground.stack.links.kafka_bootstrap, ground.stack.catalog.table("transacoes").topic
    with ground.frozen("engine"):
        time.sleep(10)
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        admin.delete_records({TopicPartition(topic, 0): -1})  # -1: all there are
        admin.close()


def lose_the_checkpoint(ground: Ground, _chance: Random) -> None:
    """The engine dies, and its checkpoint is gone when it comes back."""
    ground.kill("engine")
    shutil.rmtree(ground.stack.settings.checkpoint)


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
    Kind("slot dropped", partial(lose_in_silence, drop_the_slot)),
    Kind("slot advanced", partial(lose_in_silence, advance_the_slot)),
    Kind("slot invalidated by size", partial(lose_in_silence, let_the_slot_grow_too_large)),
    Kind("topic deleted", partial(lose_in_silence, delete_a_topic)),
    Kind("messages expired", partial(lose_in_silence, let_messages_expire)),
    Kind("checkpoint lost", partial(lose_in_silence, lose_the_checkpoint)),
)


def _alter_system(ground: Ground, change: str) -> None:
    connection = postgres.connect(ground.admin_dsn, autocommit=True)  # ALTER SYSTEM runs in no transaction
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"alter system {change}")
        cursor.execute("select pg_reload_conf()")


def _environment(ground: Ground) -> dict[str, str]:
    return {**os.environ, **setting_words(ground.stack.settings, ground.stack.links)}
