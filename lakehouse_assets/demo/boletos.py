"""What a boleto holds: what it is about, and how the billing system of its property writes that down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from lakehouse_assets.demo import forms, linha, words
from lakehouse_assets.demo.cipher import note
from lakehouse_assets.keys import Key

# What systems write in a form of their own, in the table's order.
TEXT_COLUMNS = ("competencia", "data_vencimento", "data_pagamento", "valor", "valor_multa")
COLUMNS = ("imovel_id", *TEXT_COLUMNS, "cpf_pagador", "linha_digitavel", "observacao")
Texts = tuple[str | None, ...]  # of TEXT_COLUMNS

# Parts of the boletos, or of the values of a column.
_LOST, _NO_CPF, _NOTED, _LATE, _WAIVED, _UNPAID, _UNPAID_BY_DEBTORS = 0.01, 0.015, 0.3, 0.14, 0.15, 0.04, 0.5
_DEBTORS, _SOLD = 17, 5  # one property in so many
_SOLD_IN = date(2025, 7, 1)


@dataclass(frozen=True)
class Bill:
    """What a boleto is about, whatever its text says."""

    imovel: int
    due: date
    cents: int

    @property
    def month(self) -> date:
        """The first day of the month it is for."""
        return self.due.replace(day=1)


@dataclass(frozen=True)
class Payment:
    """When a bill was paid, and the fine in cents: 0 in time, below 0 when it was waived and a discount given."""

    at: datetime
    fine: int


def draw_bill(random: Random, imovel: int, month: date) -> Bill:
    """A property's bill for a month: its fee and what it used, due on its own day."""
    fee = 35_000 + imovel * 7_919 % 160_000
    return Bill(imovel, month.replace(day=5 + imovel % 4 * 5), fee + random.randrange(12_000))


def draw_payment(random: Random, bill: Bill) -> Payment | None:
    """A payment in time or late; None when nobody pays."""
    if random.random() < (_UNPAID_BY_DEBTORS if bill.imovel % _DEBTORS == 0 else _UNPAID):
        return None
    late = random.random() < _LATE
    return pay_on(random, bill, bill.due + timedelta(days=random.randint(1, 75) if late else -random.randrange(9)))


def pay_on(random: Random, bill: Bill, day: date) -> Payment:
    """A payment at some time of that day, with a fine when it is late."""
    at = datetime.combine(day, time()) + timedelta(minutes=random.randrange(7 * 60, 22 * 60))
    return Payment(at, _fine(random, bill, (day - bill.due).days))


def draw_row(random: Random, bill: Bill, payment: Payment | None, cipher: Key | None) -> tuple[object, ...]:
    """The values of `COLUMNS` as the property's system writes them."""
    texts = write_payment(random, bill, write_bill(random, bill, (None,) * 5), payment)
    cpf = None if random.random() < _NO_CPF else _cpf(random, bill)
    line = linha.write(random, bill.due, bill.cents)
    remark = note(random, cipher, words.remark(random))
    return bill.imovel, *texts, cpf, line, remark if random.random() < _NOTED else None


def write_bill(random: Random, bill: Bill, texts: Texts) -> Texts:
    """competencia, data_vencimento and valor, written anew; now and then one is lost."""
    system = forms.system_of(bill.imovel)
    month, day, amount = (
        forms.nothing(random, system) if random.random() < _LOST else text
        for text in (
            forms.month(random, system, bill.month),
            forms.day(random, system, datetime.combine(bill.due, time())),
            forms.amount(random, system, bill.cents),
        )
    )
    return month, day, texts[2], amount, texts[4]


def write_payment(random: Random, bill: Bill, texts: Texts, payment: Payment | None) -> Texts:
    """data_pagamento and valor_multa, written anew."""
    system = forms.system_of(bill.imovel)
    day = forms.day(random, system, payment.at) if payment else forms.nothing(random, system)
    fined = payment is not None and payment.fine != 0
    fine = forms.fine(random, system, payment.fine) if fined else forms.nothing(random, system)
    return texts[0], texts[1], day, texts[3], fine


def correct(random: Random, bill: Bill, texts: Texts, payment: Payment) -> Texts:
    """What nobody can read, written anew until somebody can; `payment` is what the clerk found out."""
    while is_wrong(texts):
        anew = write_payment(random, bill, write_bill(random, bill, texts), payment)
        texts = tuple(new if old in forms.HOPELESS else old for new, old in zip(anew, texts, strict=True))
    return texts


def is_unpaid(texts: Texts) -> bool:
    """Whether data_pagamento says nothing."""
    return texts[2] in forms.NOTHING


def is_wrong(texts: Texts) -> bool:
    """Whether nobody can read one of them."""
    return any(text in forms.HOPELESS for text in texts)


def _fine(random: Random, bill: Bill, days_late: int) -> int:
    """Two per cent and one per cent a month, or a discount."""
    if days_late <= 0:
        return 0
    if random.random() < _WAIVED:
        return -random.randrange(500, 4_000)
    return bill.cents * 2 // 100 + bill.cents * days_late // 3_000


def _cpf(random: Random, bill: Bill) -> str:
    """The payer's, with dots or without; a property that was sold has another payer from then on."""
    sold = bill.imovel % _SOLD == 0 and bill.month >= _SOLD_IN
    text = words.cpf(bill.imovel * 2 + sold)
    return text if random.random() < 0.7 else text.replace(".", "").replace("-", "")
