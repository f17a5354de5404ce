"""What happens to boletos once they are issued: payments arrive, clerks correct them, systems write them anew.

What a bill is about is read from its linha digitável, as a bank does, and not from what its system wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.demo import boletos, linha, words
from lakehouse_assets.demo.boletos import Bill, Payment, Texts
from lakehouse_assets.demo.population import Pool, Population

# Parts of the updates, as long as any boleto waits for one; the others write a bill anew.
_PAYMENTS, _CORRECTIONS = 0.6, 0.25


def draw_texts(cursor: Cursor, random: Random, population: Population, size: int) -> dict[int, Texts]:
    """What up to `size` boletos say from now on, by key; {} when there are none."""
    pool, work = _work(random, population)
    return {key: work(random, bill, texts) for key, bill, texts in _read(cursor, pool.some(random, size))}


def _work(random: Random, population: Population) -> tuple[Pool, Callable[[Random, Bill, Texts], Texts]]:
    kind = random.random()
    if kind < _PAYMENTS and population.unpaid:
        return population.unpaid, _pay
    if _PAYMENTS <= kind < _PAYMENTS + _CORRECTIONS and population.wrong:
        return population.wrong, _correct
    return population.spare["boletos"], boletos.write_bill


def _pay(random: Random, bill: Bill, texts: Texts) -> Texts:
    return boletos.write_payment(random, bill, texts, _payment(random, bill))


def _correct(random: Random, bill: Bill, texts: Texts) -> Texts:
    return boletos.correct(random, bill, texts, _payment(random, bill))


def _payment(random: Random, bill: Bill) -> Payment:
    """About when it is due; on one of the traffic's days when that was before them, or when nobody would have paid."""
    payment = boletos.draw_payment(random, bill) if bill.due >= words.FIRST_RECENT_DAY else None
    return payment or boletos.pay_on(random, bill, max(bill.due, words.recent_day(random)))


def _read(cursor: Cursor, keys: Sequence[int]) -> Iterator[tuple[int, Bill, Texts]]:
    cursor.execute(
        f"""select boleto_id, imovel_id, linha_digitavel, {", ".join(boletos.TEXT_COLUMNS)} from boletos
            where boleto_id = any(%s) and length(regexp_replace(linha_digitavel, '\\D', '', 'g')) >= %s order by boleto_id""",
        [list(keys), linha.READ_DIGITS],
    )
    for key, imovel, line, *texts in cursor.fetchall():
        yield key, Bill(imovel, *linha.read(line)), tuple(texts)
