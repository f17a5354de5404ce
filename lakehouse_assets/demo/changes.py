"""The single changes that the traffic is made of: one statement each, of one or more rows of one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lakehouse_assets.demo import billing, boletos, words
from lakehouse_assets.demo.population import KEYS, LEAVES, Population
from lakehouse_assets.keys import Key

INSERT, UPDATE, DELETE, KEY_CHANGE = "insert", "update", "delete", "key_change"
FEWEST = 20  # a table is not emptied below this number of known rows
_PROMOTED = 0.5  # part of the new rows that later ones may refer to

_ROW_COLUMNS = {
    "condominios": ("nome", "endereco"),
    "moradores": ("nome", "condominio_id", "data_registro"),
    "imoveis": ("tipo", "condominio_id", "valor"),
    "transacoes": ("imovel_id", "morador_id", "data_transacao", "valor_transacao"),
    "boletos": boletos.COLUMNS,
}
# What an update changes: the column, its type and how a new value is drawn.
_UPDATES: dict[str, tuple[tuple[str, str, Callable[[Random], object]], ...]] = {
    "condominios": (("nome", "text", words.condominium), ("endereco", "text", words.address)),
    "moradores": (("nome", "text", words.person), ("data_registro", "date", words.recent_day)),
    "imoveis": (
        ("valor", "numeric", lambda random: words.appraisal(random, "apartamento")),
        ("tipo", "text", words.property_kind),
    ),
    "transacoes": (
        ("valor_transacao", "numeric", words.payment),
        ("data_transacao", "date", words.recent_day),
    ),
}


def _nothing() -> None:
    """What is left to settle when no key came or went."""


@dataclass(frozen=True)
class Change:
    """What a statement did. `settle` tells the population, and is called only once the transaction is committed."""

    table: str
    operation: str
    count: int
    settle: Callable[[], None] = _nothing


def make_change(
    cursor: Cursor,
    random: Random,
    population: Population,
    table: str,
    operation: str,
    size: int,
    cipher: Key | None = None,
) -> Change:
    """Run one statement on up to `size` rows; where there is nothing to delete or update it inserts."""
    if operation == UPDATE and table == "boletos" and population.spare[table]:
        return update_boletos(cursor, random, population, size)
    if operation == UPDATE and (keys := population.any_row(table, random, size)):
        return update(cursor, random, table, keys)
    spare = population.spare[table]
    if operation == DELETE and len(spare) + len(population.parents[table]) > FEWEST and len(spare) >= size:
        return delete(cursor, population, table, spare.some(random, size))
    if operation == KEY_CHANGE and (keys := spare.some(random, 1)):
        return change_key(cursor, population, table, keys[0])
    return insert(cursor, random, population, table, size, cipher)


def insert(
    cursor: Cursor, random: Random, population: Population, table: str, size: int, cipher: Key | None = None
) -> Change:
    """New rows. When a table they must refer to is empty, that one gets rows instead."""
    for parent in _needed(table):
        if not population.parents[parent]:
            return insert(cursor, random, population, parent, 1)
    rows = [_row(table, random, population, cipher) for _ in range(size)]
    columns = _ROW_COLUMNS[table]
    one = f"({', '.join(['%s'] * len(columns))})"
    cursor.execute(
        f"insert into {table} ({', '.join(columns)}) values {', '.join([one] * size)} returning {KEYS[table]}",
        [value for row in rows for value in row],
    )
    keys = _keys(cursor)
    first_parent = table not in LEAVES and not population.parents[table]
    promoted = [table not in LEAVES and (first_parent or random.random() < _PROMOTED) for _ in keys]

    def settle() -> None:
        for key, row, promote in zip(keys, rows, promoted, strict=True):
            if promote:
                population.promote(table, key, row[1] if table != "condominios" else None)
            else:
                population.spare[table].add(key)
            if table == "boletos":
                population.know_boleto(key, row[1 : 1 + len(boletos.TEXT_COLUMNS)])

    return Change(table, INSERT, len(keys), settle)


def update(cursor: Cursor, random: Random, table: str, keys: Sequence[int]) -> Change:
    """Another value in one column of each of the rows."""
    column, kind, draw = random.choice(_UPDATES[table])
    return _set_columns(cursor, table, [(column, kind)], [(key, draw(random)) for key in keys])


def update_boletos(cursor: Cursor, random: Random, population: Population, size: int) -> Change:
    """Payments, corrections or bills written anew."""
    texts = billing.draw_texts(cursor, random, population, size)
    columns = [(column, "text") for column in boletos.TEXT_COLUMNS]
    change = _set_columns(cursor, "boletos", columns, [(key, *values) for key, values in texts.items()])

    def settle() -> None:
        for key, values in texts.items():
            population.know_boleto(key, values)

    return replace(change, settle=settle)


def lengthen_address(cursor: Cursor, random: Random, condominio: int) -> Change:
    """An endereco that is stored out of line, so that later updates of the row do not carry it."""
    return _set_columns(cursor, "condominios", [("endereco", "text")], [(condominio, words.long_address(random))])


def rename_condominio(cursor: Cursor, random: Random, condominio: int) -> Change:
    """Another nome; the endereco stays as it is."""
    return _set_columns(cursor, "condominios", [("nome", "text")], [(condominio, words.condominium(random))])


def delete(cursor: Cursor, population: Population, table: str, keys: Sequence[int]) -> Change:
    """The rows go; they must have no children."""
    cursor.execute(f"delete from {table} where {KEYS[table]} = any(%s)", [list(keys)])

    def settle() -> None:
        for key in keys:
            population.rename(table, key, [])

    return Change(table, DELETE, cursor.rowcount, settle)


def change_key(cursor: Cursor, population: Population, table: str, key: int) -> Change:
    """The row gets the next number of its sequence."""
    column = KEYS[table]
    cursor.execute(
        f"update {table} set {column} = nextval(pg_get_serial_sequence(%s, %s)) where {column} = %s returning {column}",
        [table, column, key],
    )
    new = _keys(cursor)
    return Change(table, KEY_CHANGE, len(new), lambda: population.rename(table, key, new))


def _set_columns(
    cursor: Cursor, table: str, columns: Sequence[tuple[str, str]], rows: Sequence[tuple[object, ...]]
) -> Change:
    """Set the columns, given with their types, of the rows, given with their keys."""
    if not rows:
        return Change(table, UPDATE, 0)
    values = ", ".join([f"(%s::int, {', '.join(f'%s::{kind}' for _, kind in columns)})"] * len(rows))
    names = [name for name, _ in columns]
    cursor.execute(
        f"""update {table} t set {", ".join(f"{name} = v.{name}" for name in names)}
            from (values {values}) v (key, {", ".join(names)}) where t.{KEYS[table]} = v.key""",
        [value for row in rows for value in row],
    )
    return Change(table, UPDATE, cursor.rowcount)


def _row(table: str, random: Random, population: Population, cipher: Key | None) -> tuple[Any, ...]:
    if table == "condominios":
        return words.condominium(random), words.address(random)
    if table == "transacoes":
        (imovel,) = population.parents["imoveis"].some(random, 1)
        return imovel, population.resident_of(imovel, random), words.recent_day(random), words.payment(random)
    if table == "boletos":
        (imovel,) = population.parents["imoveis"].some(random, 1)
        bill = boletos.draw_bill(random, imovel, words.recent_day(random).replace(day=1))
        return boletos.draw_row(random, bill, None, cipher)
    (condominio,) = population.parents["condominios"].some(random, 1)
    if table == "moradores":
        return words.person(random), condominio, words.recent_day(random)
    kind = words.property_kind(random)
    return kind, condominio, words.appraisal(random, kind)


def _needed(table: str) -> tuple[str, ...]:
    if table == "transacoes":
        return "imoveis", "moradores"
    if table == "boletos":
        return ("imoveis",)
    return () if table == "condominios" else ("condominios",)


def _keys(cursor: Cursor) -> list[int]:
    return [key for (key,) in cursor.fetchall()]
