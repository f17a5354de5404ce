"""Traffic that goes on through faults: the demo's, and beside it what real databases also do and the demo does not."""

from __future__ import annotations

import io
import random
import string
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import psycopg2
from psycopg2.extensions import connection as Connection

from lakehouse_assets.demo.traffic import simulate
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.gateways import postgres

RATE = 60  # row changes a second of the demo's traffic
_AGAIN_SECONDS = 1  # after the source refused
_LOCK_TIMEOUT = "set lock_timeout = '2s'"
_TRANSACOES = "transacoes (imovel_id, morador_id, data_transacao, valor_transacao)"


@contextmanager
def traffic(dsn: str, seed: int) -> Iterator[None]:
    """Traffic until the block ends; the source being away only makes it try again."""
    stop = threading.Event()

    def demo(chance: Random) -> None:
        simulate(dsn, RATE, 3600, chance.randrange(1 << 30), stop=stop)

    def others(chance: Random) -> None:
        with _connected(dsn) as one, _connected(dsn) as two:
            while not stop.wait(chance.uniform(0.2, 1.5)):
                chance.choice(KINDS)(one, two, chance)

    with ThreadPoolExecutor() as pool:
        working = [pool.submit(_persist, work, Random(seed), stop) for work in (demo, others)]
        try:
            yield
        finally:
            stop.set()
    for one in working:
        one.result()  # what ended it early, if anything did


def copy_in(one: Connection, two: Connection, chance: Random) -> None:
    """A COPY of hundreds of rows, one transaction."""
    del two
    with one, one.cursor() as cursor:
        imovel, morador = _parents(cursor)
        lines = (f"{imovel}\t{morador}\t2026-01-{day:02d}\t{chance.randrange(10**6) / 100}\n" for day in range(1, 29))
        cursor.copy_expert(f"COPY {_TRANSACOES} FROM STDIN", io.StringIO("".join(lines) * chance.randint(1, 20)))


def interleave(one: Connection, two: Connection, chance: Random) -> None:
    """Two transactions open at once that write in turn; the one that began first ends last, and may be given up."""
    with one.cursor() as first, two.cursor() as second:
        parents = _parents(first)
        for _ in range(chance.randint(1, 5)):
            for cursor in (first, second):
                cursor.execute(f"insert into {_TRANSACOES} values (%s, %s, '2026-02-01', 1.25)", parents)
    two.commit()
    one.rollback() if chance.random() < 0.3 else one.commit()


def change_keys(one: Connection, two: Connection, chance: Random) -> None:
    """Rows that get other keys, and one that comes back to a key it had."""
    del two
    with one, one.cursor() as cursor:
        cursor.execute(
            "update transacoes set transacao_id = nextval('transacoes_transacao_id_seq') where transacao_id in "
            "(select transacao_id from transacoes order by random() limit %s)",
            [chance.randint(1, 20)],
        )
        cursor.execute("select min(boleto_id) from boletos")
        (lowest,) = cursor.fetchone() or (None,)
        if lowest is not None:
            cursor.execute("update boletos set boleto_id = -boleto_id where boleto_id = %s", [lowest])


def long_text(one: Connection, two: Connection, chance: Random) -> None:
    """A text stored out of line, updates that leave it out, a change of its row's key, and sometimes its end."""
    del two
    text = "".join(chance.choices(string.ascii_letters, k=12_000))
    with one.cursor() as cursor:
        cursor.execute("insert into condominios (nome, endereco) values ('Longo', %s) returning condominio_id", [text])
        (key,) = cursor.fetchone() or (0,)
        one.commit()
        cursor.execute("update condominios set nome = 'Longo, outro nome' where condominio_id = %s", [key])
        one.commit()
        cursor.execute("update condominios set condominio_id = -condominio_id where condominio_id = %s", [key])
        if chance.random() < 0.5:
            cursor.execute("delete from condominios where condominio_id = %s", [-key])
    one.commit()


def empty_table(one: Connection, two: Connection, chance: Random) -> None:
    """A TRUNCATE, alone or with some of the rows again in its own transaction; seldom, or the table is always empty."""
    del two
    if chance.random() > 0.15:
        return
    with one, one.cursor() as cursor:
        kept = io.StringIO()
        cursor.copy_expert("COPY (SELECT * FROM boletos LIMIT 200) TO STDOUT", kept)
        cursor.execute("truncate boletos")
        if chance.random() < 0.7:
            cursor.copy_expert("COPY boletos FROM STDIN", io.StringIO(kept.getvalue()))


KINDS: tuple[Callable[[Connection, Connection, Random], None], ...] = (
    copy_in, interleave, change_keys, long_text, empty_table,
)  # fmt: skip


def _persist(work: Callable[[Random], None], chance: random.Random, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            work(chance)
        except (LakehouseError, psycopg2.Error):
            stop.wait(_AGAIN_SECONDS)


@contextmanager
def _connected(dsn: str) -> Iterator[Connection]:
    connection = postgres.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(_LOCK_TIMEOUT)
        yield connection
    finally:
        connection.close()


def _parents(cursor: psycopg2.extensions.cursor) -> tuple[int, int]:
    cursor.execute("select (select min(imovel_id) from imoveis), (select min(morador_id) from moradores)")
    found = cursor.fetchone()
    assert found is not None
    return found
