"""Which keys exist, as far as the traffic knows: it picks rows from here, so that choosing costs the source nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.demo import boletos, forms

MAX_KEYS = 100_000  # enough to choose from; a table may hold many more


class Pool:
    """A set of keys from which a random one is taken in constant time, the same one for the same random source."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: int) -> bool:
        return key in self._places

    def add(self, key: int) -> None:
        """Add a key; one that is there already stays once."""
        if key not in self._places:
            self._places[key] = len(self._keys)
            self._keys.append(key)

    def discard(self, key: int) -> None:
        """Remove a key if it is there; the last one takes its place."""
        place = self._places.pop(key, None)
        if place is None:
            return
        last = self._keys.pop()
        if last != key:
            self._keys[place] = last
            self._places[last] = place

    def some(self, random: Random, count: int) -> list[int]:
        """Up to `count` different keys, which stay."""
        return random.sample(self._keys, min(count, len(self._keys)))

    def take(self, random: Random, count: int) -> list[int]:
        """Up to `count` different keys, which leave: nobody else gets them until they are added again."""
        keys = self.some(random, count)
        for key in keys:
            self.discard(key)
        return keys


@dataclass
class Population:
    """`parents` may be referred to by new rows and so are never deleted or renumbered; `spare` rows have no children.

    Those of `LEAVES` never have any, so all of them are spare. `residents` and `home` are the condominium
    of a parent morador and imovel: a payment is made by somebody who lives there. `unpaid` and `wrong` are
    the boletos that wait for a payment, and for a clerk.
    """

    parents: dict[str, Pool] = field(default_factory=dict)
    spare: dict[str, Pool] = field(default_factory=dict)
    residents: dict[int, list[int]] = field(default_factory=dict)
    home: dict[int, int] = field(default_factory=dict)
    unpaid: Pool = field(default_factory=Pool)
    wrong: Pool = field(default_factory=Pool)

    def promote(self, table: str, key: int, condominio: int | None) -> None:
        """Let new rows refer to this one."""
        self.spare[table].discard(key)
        self.parents[table].add(key)
        if table == "moradores" and condominio is not None:
            self.residents.setdefault(condominio, []).append(key)
        if table == "imoveis" and condominio is not None:
            self.home[key] = condominio

    def know_boleto(self, key: int, texts: boletos.Texts) -> None:
        """Note what a boleto waits for now that these are its texts."""
        (self.unpaid.add if boletos.is_unpaid(texts) else self.unpaid.discard)(key)
        (self.wrong.add if boletos.is_wrong(texts) else self.wrong.discard)(key)

    def rename(self, table: str, key: int, new: Sequence[int]) -> None:
        """Let the new keys, none when the row is gone, take the place of a spare one."""
        for pool in (self.spare[table], *((self.unpaid, self.wrong) if table == "boletos" else ())):
            if key in pool:
                pool.discard(key)
                for number in new:
                    pool.add(number)

    def any_row(self, table: str, random: Random, count: int) -> list[int]:
        """Rows to update, parents and spare ones by their number."""
        pools = [self.parents[table], self.spare[table]]
        (pool,) = random.choices(pools, [len(pools[0]), len(pools[1])]) if any(pools) else (pools[0],)
        return pool.some(random, count)

    def resident_of(self, imovel: int, random: Random) -> int:
        """A parent morador of the imovel's condominium, or any when nobody lives there."""
        neighbours = self.residents.get(self.home.get(imovel, 0))
        return random.choice(neighbours) if neighbours else self.parents["moradores"].some(random, 1)[0]


_CHILDREN = {
    "condominios": (("moradores", "condominio_id"), ("imoveis", "condominio_id")),
    "moradores": (("transacoes", "morador_id"),),
    "imoveis": (("transacoes", "imovel_id"), ("boletos", "imovel_id")),
    "transacoes": (),
    "boletos": (),
}
KEYS = {
    "condominios": "condominio_id", "moradores": "morador_id", "imoveis": "imovel_id", "transacoes": "transacao_id",
    "boletos": "boleto_id",
}  # fmt: skip
LEAVES = tuple(table for table, children in _CHILDREN.items() if not children)


def read_population(cursor: Cursor) -> Population:
    """The newest keys of every table, in key order, so that a seed meets the same choice on the same rows."""
    population = Population({table: Pool() for table in KEYS}, {table: Pool() for table in KEYS})
    for table, key in KEYS.items():
        referred = (
            " or ".join(f"exists (select from {t} c where c.{k} = p.{key})" for t, k in _CHILDREN[table]) or "false"
        )
        home = "p.condominio_id" if table in ("moradores", "imoveis") else "null"
        cursor.execute(f"select p.{key}, {home}, {referred} from {table} p order by 1 desc limit {MAX_KEYS}")
        for number, condominio, is_parent in reversed(cursor.fetchall()):
            if is_parent:
                population.promote(table, number, condominio)
            else:
                population.spare[table].add(number)
    _read_boletos(cursor, population)
    return population


def _read_boletos(cursor: Cursor, population: Population) -> None:
    cursor.execute(
        f"""select boleto_id, coalesce(data_pagamento, '') = any(%s), array[{", ".join(boletos.TEXT_COLUMNS)}] && %s
            from boletos order by 1 desc limit {MAX_KEYS}""",
        [[text or "" for text in forms.NOTHING], sorted(forms.HOPELESS)],
    )
    for key, unpaid, wrong in reversed(cursor.fetchall()):
        if unpaid:
            population.unpaid.add(key)
        if wrong:
            population.wrong.add(key)
