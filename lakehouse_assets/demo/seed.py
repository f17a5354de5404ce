"""Fills the demo tables with plausible rows: the same scale gives the same rows on every machine."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from random import Random

import psycopg2
from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.demo import boletos, words
from lakehouse_assets.demo.report import silent
from lakehouse_assets.errors import ConfigurationError
from lakehouse_assets.gateways.postgres import connect, failure, place
from lakehouse_assets.keys import Key

# Rows at scale 1, in the order in which foreign keys allow them.
ROWS = {"condominios": 12, "moradores": 160, "imoveis": 140, "transacoes": 800, "boletos": 1_680}
COLUMNS = {
    "condominios": ("condominio_id", "nome", "endereco"),
    "moradores": ("morador_id", "nome", "condominio_id", "data_registro"),
    "imoveis": ("imovel_id", "tipo", "condominio_id", "valor"),
    "transacoes": ("transacao_id", "imovel_id", "morador_id", "data_transacao", "valor_transacao"),
    "boletos": ("boleto_id", *boletos.COLUMNS),
}
MAX_SCALE = 100_000
_SEED = 20_240_101
_FIRST_DAY, _DAYS = date(2021, 1, 4), 5 * 365
_LAST_DAY = _FIRST_DAY + timedelta(days=_DAYS)
_FIRST_MONTH = 2025 * 12  # of the boletos, which cover twelve
_LINES_AT_A_TIME = 20_000


def seed(
    dsn: str,
    scale: int = 1,
    say: Callable[[str], None] = silent,
    *,
    again: bool = False,
    cipher: Key | None = None,
) -> dict[str, int]:
    """Fill the five tables and return the rows written by table, all zero when they already hold rows.

    `again` empties the tables first. Without `cipher` no boleto has an observacao. One transaction: the tables are
    filled entirely or not at all.
    """
    if not isinstance(scale, int) or not 1 <= scale <= MAX_SCALE:
        raise ConfigurationError([f"scale is {scale}; accepted: a whole number from 1 to {MAX_SCALE}"], where="seed")
    connection = connect(dsn, application_name="lakehouse seed")
    try:
        with connection, connection.cursor() as cursor:
            return _fill(cursor, scale, say, again, cipher)
    except psycopg2.errors.UndefinedTable as error:
        raise failure(
            error, place(dsn), next_step="make the tables: lakehouse up, or infra/postgres/01_tables.sql"
        ) from None
    except psycopg2.Error as error:
        raise failure(error, place(dsn)) from None
    finally:
        connection.close()


def _fill(cursor: Cursor, scale: int, say: Callable[[str], None], again: bool, cipher: Key | None) -> dict[str, int]:
    if again:
        # In one statement: a table that others refer to cannot be truncated alone.
        cursor.execute(f"truncate {', '.join(ROWS)}")
    elif _hold_rows(cursor):
        say("the demo tables already hold rows; nothing to do (--again empties and refills them)")
        return dict.fromkeys(ROWS, 0)
    written = {}
    for table, rows in tables(scale, cipher).items():
        written[table] = _copy(cursor, table, rows)
        say(f"{table}: {written[table]} rows")
    return written


def _hold_rows(cursor: Cursor) -> bool:
    cursor.execute("select " + " or ".join(f"exists (select from {table})" for table in ROWS))
    return cursor.fetchone() == (True,)


def _copy(cursor: Cursor, table: str, rows: Iterator[tuple[object, ...]]) -> int:
    columns, count = COLUMNS[table], 0
    # In portions, so that a large scale needs no more memory than a small one.
    while portion := list(itertools.islice(rows, _LINES_AT_A_TIME)):
        text = io.StringIO("".join(_line(row) for row in portion))
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", text)
        count += len(portion)
    cursor.execute("select setval(pg_get_serial_sequence(%s, %s), %s)", [table, columns[0], count])
    return count


def _line(row: Iterable[object]) -> str:
    """A line in COPY's text format; the words hold no tab, newline or backslash."""
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def tables(scale: int, cipher: Key | None = None) -> dict[str, Iterator[tuple[object, ...]]]:
    """The rows of every table."""
    # A random source for each table, so that the rows of one do not depend on how another is made.
    sources = {table: Random(f"{_SEED} {table}") for table in ROWS}
    count = {table: rows * scale for table, rows in ROWS.items()}
    return {
        "condominios": _condominios(sources["condominios"], count["condominios"]),
        "moradores": _moradores(sources["moradores"], count),
        "imoveis": _imoveis(sources["imoveis"], count),
        "transacoes": _transacoes(sources["transacoes"], count),
        "boletos": _boletos(sources["boletos"], count, cipher),
    }


def _condominios(random: Random, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, count + 1):
        yield number, words.condominium(random), words.address(random)


def _moradores(random: Random, count: dict[str, int]) -> Iterator[tuple[object, ...]]:
    for number in range(1, count["moradores"] + 1):
        yield number, words.person(random), _home(number, count), _day(random, number / count["moradores"] / 2)


def _imoveis(random: Random, count: dict[str, int]) -> Iterator[tuple[object, ...]]:
    for number in range(1, count["imoveis"] + 1):
        kind = words.property_kind(random)
        yield number, kind, _home(number, count), words.appraisal(random, kind)


def _transacoes(random: Random, count: dict[str, int]) -> Iterator[tuple[object, ...]]:
    homes = count["condominios"]
    for number in range(1, count["transacoes"] + 1):
        imovel = random.randint(1, count["imoveis"])
        # A resident of the same condominium: those whose number leaves the same rest.
        residents = range(_home(imovel, count), count["moradores"] + 1, homes)
        yield (
            number,
            imovel,
            random.choice(residents),
            _day(random, number / count["transacoes"]),
            words.payment(random),
        )


def _boletos(random: Random, count: dict[str, int], cipher: Key | None) -> Iterator[tuple[object, ...]]:
    for number in range(count["boletos"]):
        # Every property's bill of a month, then the next month's.
        months, imovel = divmod(number, count["imoveis"])
        year, month = divmod(_FIRST_MONTH + months, 12)
        bill = boletos.draw_bill(random, imovel + 1, date(year, month + 1, 1))
        payment = boletos.draw_payment(random, bill)
        known = payment if payment and payment.at.date() <= _LAST_DAY else None
        yield number + 1, *boletos.draw_row(random, bill, known, cipher)


def _home(number: int, count: dict[str, int]) -> int:
    """The condominium of the numbered resident or property: all get about as many."""
    return (number - 1) % count["condominios"] + 1


def _day(random: Random, progress: float) -> date:
    """A day near that part (0..1) of the years covered: later rows are later, but not strictly."""
    day = round(progress * _DAYS) + random.randint(-20, 20)
    return _FIRST_DAY + timedelta(days=min(max(day, 0), _DAYS))
