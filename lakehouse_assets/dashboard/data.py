"""What the business tables say, asked of refined alone; small groups leave this module without their figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from lakehouse_assets.dashboard import floors
from lakehouse_assets.dashboard.formats import plain
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.errors import LakehouseError

RECEIPTS, OVERDUE = "refined.receita_mensal_por_condominio", "refined.inadimplencia"
ACTIVITY, OUTLINE = "refined.movimento_mensal_por_condominio", "refined.panorama_por_condominio"
DAILY = "refined.transacoes_diarias_por_tipo"
FEW, WITHHELD = "few", "withheld"  # hidden: fewer than K; hidden: would give such a one away
BANDS = ("1 a 30 dias", "31 a 60 dias", "61 a 90 dias", "acima de 90 dias")
_TOP = 10


class NotComputed(LakehouseError):
    """Business tables that are not in the lake (yet)."""


@dataclass(frozen=True)
class Part:
    """A part of a whole: how many, how much (and `extra`: how much beside it), or why that is not shown."""

    of: Any
    count: int | None
    amount: Decimal | None
    extra: Decimal | None = None
    hidden: str = ""


@dataclass(frozen=True)
class Whole:
    """How many and how much in all, or why that is not shown."""

    count: int | None
    amount: Decimal | None
    hidden: str = ""


NONE = Whole(0, Decimal(0))
SECRET = Whole(None, None, FEW)


class Ranked(NamedTuple):
    """A condominium among the largest: received in the year, overdue now."""

    id: int
    name: str
    properties: int
    received: Part
    overdue: Part


@dataclass(frozen=True)
class Overview:
    """All condominiums together; `year` is the twelve months up to the newest with a receipt."""

    year: tuple[date, date] | None
    received: Whole
    received_year: Whole
    unread_bills: int
    overdue: Whole
    as_of: date | None
    transactions: Whole
    last_payment: date | None
    condominiums: int
    properties: int
    residents: int
    receipts: list[Part]
    bands: list[Part]
    activity: list[Part]
    top: list[Ranked]


@dataclass(frozen=True)
class Condominium:
    """One condominium in depth; of one that is `secret` only its name and why.

    `year` is that of all condominiums.
    """

    id: int
    name: str
    year: tuple[date, date] | None
    properties: Whole
    residents: int | None
    received: Whole
    received_year: Whole
    overdue: Whole
    as_of: date | None
    unread_bills: int
    transactions: Whole
    last_payment: date | None
    receipts: list[Part]
    bands: list[Part]
    years: list[Part]

    @property
    def secret(self) -> str:
        """Why its figures are not shown: it is small, or such a one would follow from it and the sum of all."""
        return self.properties.hidden


@dataclass(frozen=True)
class Transactions:
    """The transactions by type of property, newest first; each part is `of` a (day, type), a month by its first day."""

    months: list[Part]
    days: list[Part]


@dataclass(frozen=True)
class Choice:
    """Which transactions are shown: from one month to another, by day or month, of some types (none: all), found by a text."""

    first: date
    last: date
    monthly: bool = False
    kinds: tuple[str, ...] = ()
    search: str = ""


@dataclass(frozen=True)
class Selection:
    """The rows of a choice, newest first, each `of` a (day, type), and the sum of those that are shown."""

    rows: list[Part]
    total: Whole

    @property
    def hidden(self) -> Counter[str]:
        """How many rows are not shown, by why."""
        return Counter(row.hidden for row in self.rows if row.hidden)


def overview(lake: LakeReader) -> Overview:
    """All condominiums together; NotComputed when a table is missing."""
    _need(lake, RECEIPTS, OVERDUE, ACTIVITY, OUTLINE)
    months = lake.query(
        f"SELECT mes, sum(boletos_pagos), sum(receita), sum(multas) FROM {RECEIPTS} WHERE mes IS NOT NULL GROUP BY mes ORDER BY mes"
    ).rows
    (unread,) = lake.query(f"SELECT coalesce(sum(boletos_a_conferir), 0) FROM {RECEIPTS}").rows[0]
    outline = lake.query(
        "SELECT count(*), coalesce(sum(imoveis), 0), coalesce(sum(moradores), 0), coalesce(sum(transacoes), 0), "
        f"coalesce(sum(valor_transacoes), 0), max(ultima_transacao) FROM {OUTLINE}"
    ).rows[0]
    owed, base = _overdue(lake)
    year = year_to(months[-1][0] if months else None)
    receipts = _parts(months)
    return Overview(
        year, _whole(months), _of_year(months, receipts, year), int(unread), owed, base,
        _one(int(outline[3]), outline[4]), outline[5], outline[0], int(outline[1]), int(outline[2]),
        receipts, _bands(lake), _activity(lake), _top(lake, year),
    )  # fmt: skip


def condominiums(lake: LakeReader) -> list[tuple[int, str, int]]:
    """Every condominium by name: number, name, properties."""
    _need(lake, OUTLINE)
    return lake.query(f"SELECT condominio_id, nome, imoveis FROM {OUTLINE} ORDER BY nome, condominio_id").rows


def _secret(lake: LakeReader) -> dict[int, str]:
    """The condominiums that are not shown, and why: parts of the sums over all by their properties."""
    known = condominiums(lake)
    hide = floors.hidden([properties for *_, properties in known])
    return {
        number: FEW if floors.small(properties) else WITHHELD
        for (number, _, properties), secret in zip(known, hide, strict=True)
        if secret
    }


def condominium(lake: LakeReader, number: int) -> Condominium | None:
    """One condominium; None when there is none of that number."""
    _need(lake, RECEIPTS, OVERDUE, ACTIVITY, OUTLINE)
    found = lake.query(
        "SELECT nome, moradores, imoveis, valor_imoveis, transacoes, valor_transacoes, ultima_transacao "
        f"FROM {OUTLINE} WHERE condominio_id = ?", [number],
    ).rows  # fmt: skip
    if not found:
        return None
    name, residents, properties, value, count, paid, last = found[0]
    secret = _secret(lake).get(number)
    if secret or not properties:
        told = Whole(None, None, secret) if secret else NONE
        few = told if secret else Whole(0, None)
        return Condominium(number, name, None, few, None if secret else _floored(residents), told, told, told, None, 0, told,
                           None, [], [], [])  # fmt: skip
    months = lake.query(
        f"SELECT mes, boletos_pagos, receita, multas FROM {RECEIPTS} WHERE condominio_id = ? AND mes IS NOT NULL ORDER BY mes",
        [number],
    ).rows
    (unread,) = lake.query(
        f"SELECT coalesce(sum(boletos_a_conferir), 0) FROM {RECEIPTS} WHERE condominio_id = ?", [number]
    ).rows[0]
    (newest,) = lake.query(f"SELECT max(mes) FROM {RECEIPTS}").rows[0]
    year = year_to(newest)
    years = lake.query(
        f"SELECT year(mes), sum(transacoes), coalesce(sum(valor_total), 0) FROM {ACTIVITY} "
        "WHERE condominio_id = ? AND mes IS NOT NULL GROUP BY 1 ORDER BY 1", [number],
    ).rows  # fmt: skip
    owed, base = _overdue(lake, number)
    receipts = _parts(months)
    return Condominium(
        number, name, year, Whole(properties, value), _floored(residents), _whole(months), _of_year(months, receipts, year),
        owed, base, int(unread), _one(count, paid), last if count >= floors.K else None,
        receipts, _bands(lake, number), _parts(years),
    )  # fmt: skip


def transactions(lake: LakeReader) -> Transactions:
    """Every transaction, for `select` to choose from.

    What is hidden is decided here and not by selection, so that no two selections differ by a hidden part: of all
    transactions the months, of a shown month its types, of a shown month and type its days.
    """
    _need(lake, DAILY)
    rows = lake.query(
        "SELECT CAST(date_trunc('month', data_transacao) AS DATE), coalesce(tipo, ''), data_transacao, "
        f"sum(total_transacoes_diarias), coalesce(sum(valor_total_diario), 0) FROM {DAILY} GROUP BY ALL ORDER BY ALL"
    ).rows
    hide = floors.within({row[:3]: int(row[3]) for row in rows})
    dated = [row for row in rows if row[0]]
    months: dict[tuple[date, str], tuple[int, Decimal]] = {}
    for month, kind, _, count, amount in dated:
        before = months.get((month, kind), (0, Decimal(0)))
        months[month, kind] = (before[0] + int(count), before[1] + amount)
    return Transactions(
        _newest(_part(of in hide, of, *sums) for of, sums in months.items()),
        _newest(_part(row[:3] in hide, (row[2], row[1]), *row[3:]) for row in dated),
    )


def select(known: Transactions, choice: Choice, written: Callable[[date], str]) -> Selection:
    """The rows of a choice; a search looks at the type and at the day as it is `written`."""
    sought = plain(choice.search)

    def chosen(day: date, kind: str) -> bool:
        return (
            choice.first <= day.replace(day=1) <= choice.last
            and (not choice.kinds or kind in choice.kinds)
            and (not sought or sought in plain(f"{written(day)} {kind}"))
        )

    rows = [row for row in (known.months if choice.monthly else known.days) if chosen(*row.of)]
    amounts = (row.amount for row in rows if row.amount is not None)
    return Selection(rows, Whole(sum(row.count or 0 for row in rows), sum(amounts, Decimal(0))))


def _need(lake: LakeReader, *names: str) -> None:
    if missing := [name for name in names if name not in lake.tables]:
        raise NotComputed(", ".join(missing), where="refined", next_step="lakehouse up")


def _parts(rows: Iterable[Sequence[Any]]) -> list[Part]:
    """Rows (of, count, amount[, extra]) as the parts of a whole that is known."""
    rows = list(rows)
    hide = floors.hidden([int(row[1]) for row in rows])
    return [_part(secret, *row[:4]) for row, secret in zip(rows, hide, strict=True)]


def _part(secret: bool, of: Any, count: int, amount: Decimal, extra: Decimal | None = None) -> Part:
    """A part, without its figures where they are secret."""
    count = int(count)
    if secret:
        return Part(of, None, None, None, FEW if floors.small(count) else WITHHELD)
    return Part(of, count, amount, extra)


def _newest(parts: Iterable[Part]) -> list[Part]:
    """Parts of a (day, type), the newest first."""
    return sorted(sorted(parts, key=lambda part: part.of[1]), key=lambda part: part.of[0], reverse=True)


def _whole(rows: Iterable[Sequence[Any]]) -> Whole:
    rows = list(rows)
    return _one(sum(int(row[1]) for row in rows), sum((row[2] for row in rows), Decimal(0)))


def _one(count: int, amount: Decimal | None) -> Whole:
    return SECRET if floors.small(count) else Whole(count, Decimal(0) if amount is None else amount)


def _floored(count: int) -> int | None:
    return None if floors.small(count) else count


def year_to(last: date | None) -> tuple[date, date] | None:
    """The twelve months up to that one."""
    if last is None:
        return None
    return (date(last.year, 1, 1) if last.month == 12 else date(last.year - 1, last.month + 1, 1)), last


def _of_year(months: Sequence[Sequence[Any]], parts: Sequence[Part], year: tuple[date, date] | None) -> Whole:
    """The sum of the year's months, withheld where hidden ones would follow from it, the months shown and the sum of all."""
    within = [bool(year) and year[0] <= row[0] <= year[1] for row in months]
    secret = Counter[bool]()
    for row, part, inside in zip(months, parts, within, strict=True):
        secret[inside] += int(row[1]) if part.hidden else 0
    whole = _whole(row for row, inside in zip(months, within, strict=True) if inside)
    return Whole(None, None, WITHHELD) if not whole.hidden and any(map(floors.small, secret.values())) else whole


def _overdue(lake: LakeReader, number: int | None = None) -> tuple[Whole, date | None]:
    """Properties with an overdue bill and what they owe, and the day that is judged by."""
    where, given = _of(number)
    count, amount, base = lake.query(
        "SELECT count(DISTINCT imovel_id) FILTER (WHERE boletos_vencidos > 0), coalesce(sum(valor_vencido), 0), max(data_base) "
        f"FROM {OVERDUE} WHERE {where}", given,
    ).rows[0]  # fmt: skip
    return _one(count, amount), base


def _bands(lake: LakeReader, number: int | None = None) -> list[Part]:
    where, given = _of(number)
    rows = lake.query(
        f"SELECT faixa_atraso, count(DISTINCT imovel_id), sum(valor_vencido) FROM {OVERDUE} "
        f"WHERE boletos_vencidos > 0 AND {where} GROUP BY 1", given,
    ).rows  # fmt: skip
    found = {row[0]: row for row in rows}
    return _parts([found.get(band, (band, 0, Decimal(0))) for band in BANDS])


def _activity(lake: LakeReader) -> list[Part]:
    """The transactions of the last 24 months, hidden as in `transactions`: all months are shown there, their sum here."""
    rows = lake.query(
        "SELECT mes, sum(transacoes), coalesce(sum(valor_total), 0), mes > max(max(mes)) OVER () - INTERVAL 24 MONTH "
        f"FROM {ACTIVITY} GROUP BY mes ORDER BY mes"
    ).rows
    return [part for part, row in zip(_parts(row[:3] for row in rows), rows, strict=True) if row[3]]


def _of(number: int | None) -> tuple[str, list[int]]:
    return ("true", []) if number is None else ("condominio_id = ?", [number])


def _top(lake: LakeReader, year: tuple[date, date] | None) -> list[Ranked]:
    """The condominiums that received most in the year, of those that are shown."""
    if year is None:
        return []
    rows = lake.query(
        f"""
        WITH received AS (
          SELECT condominio_id, sum(boletos_pagos) AS bills, sum(receita) AS amount
          FROM {RECEIPTS} WHERE mes BETWEEN ? AND ? GROUP BY condominio_id
        ), owed AS (
          SELECT condominio_id, count(DISTINCT imovel_id) AS properties, sum(valor_vencido) AS amount
          FROM {OVERDUE} WHERE boletos_vencidos > 0 GROUP BY condominio_id
        )
        SELECT o.condominio_id, o.nome, o.imoveis, coalesce(r.bills, 0), coalesce(r.amount, 0),
               coalesce(w.properties, 0), coalesce(w.amount, 0)
        FROM {OUTLINE} o
        LEFT JOIN received r ON r.condominio_id = o.condominio_id
        LEFT JOIN owed w ON w.condominio_id = o.condominio_id
        ORDER BY 5 DESC, 1
        """, list(year),
    ).rows  # fmt: skip
    # Hidden among all of them: the sums over all are shown, too.
    received, owed = _parts([(r[0], r[3], r[4]) for r in rows]), _parts([(r[0], r[5], r[6]) for r in rows])
    shown = [Ranked(*row[:3], *pair) for row, *pair in zip(rows, received, owed, strict=True)]
    secret = _secret(lake)
    return [one for one in shown if one.id not in secret and one.received.count][:_TOP]
