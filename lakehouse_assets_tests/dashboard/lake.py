"""A small lake by hand, written by deltalake; every figure that the tests expect of it is worked out beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, Transaction, write_deltalake

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.engine.positions import FOLD_APP

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
BASE = date(2026, 3, 31)
NASTY = "Solar <i>Azul</i> $1$ *x*"  # a name that HTML and Markdown would read as more than a name
SECRET = "SEGREDO-DE-ALGUEM"  # the text of a protected column
PROVEN = "2026-03-31T12:30:00.000+00:00"
MONEY, COUNT, DAY, TEXT, ID = pa.decimal128(18, 2), pa.int64(), pa.date32(), pa.string(), pa.int32()

OUTLINE = {
    "condominio_id": ID, "nome": TEXT, "moradores": COUNT, "imoveis": COUNT, "valor_imoveis": MONEY, "transacoes": COUNT,
    "valor_transacoes": MONEY, "ultima_transacao": DAY,
}  # fmt: skip
CONDOMINIUMS = [
    (1, NASTY, 9, 6, "600000.00", 30, "12000.50", date(2026, 3, 20)),
    (2, "Villa Aurora", 12, 8, "900000.00", 40, "20000.00", date(2026, 3, 25)),
    (3, "Pequeno Recanto", 3, 2, "100000.00", 2, "500.00", date(2026, 1, 9)),
    (4, "Terreno Novo", 0, 0, "0.00", 0, "0.00", None),
    (5, "Outro Recanto", 4, 3, "150000.00", 0, "0.00", None),  # with the other small one 5 properties
]
RECEIPT = {
    "condominio_id": ID, "nome": TEXT, "mes": DAY, "boletos_pagos": COUNT, "receita": MONEY, "multas": MONEY,
    "boletos_a_conferir": COUNT,
}  # fmt: skip
RECEIPTS = [
    (1, NASTY, JAN, 6, "3000.00", "10.00", 0),
    (1, NASTY, FEB, 6, "3100.50", "0.00", 1),
    (1, NASTY, MAR, 2, "900.00", "5.00", 0),
    (1, NASTY, None, 0, "0.00", "0.00", 3),
    (2, "Villa Aurora", JAN, 8, "8000.00", "20.00", 0),
    (2, "Villa Aurora", FEB, 7, "7000.00", "0.00", 0),
    (2, "Villa Aurora", MAR, 8, "8200.25", "-4.00", 0),
    (3, "Pequeno Recanto", JAN, 2, "700.00", "0.00", 0),
    (4, "Terreno Novo", None, 0, "0.00", "0.00", 0),
]
DEBT = {
    "condominio_id": ID, "condominio": TEXT, "imovel_id": ID, "cpf_pagador": TEXT, "data_base": DAY, "boletos": COUNT,
    "boletos_vencidos": COUNT, "valor_vencido": MONEY, "faixa_atraso": TEXT, "boletos_a_conferir": COUNT,
}  # fmt: skip
DEBTS = [
    *((1, NASTY, 10 + i, f"k1:{i}", BASE, 4, 2, "200.00", "acima de 90 dias", 0) for i in range(5)),
    (1, NASTY, 15, "k1:5", BASE, 4, 1, "50.00", "1 a 30 dias", 0),
    *((2, "Villa Aurora", 20 + i, f"k1:{20 + i}", BASE, 4, 1, "100.00", "31 a 60 dias", 0) for i in range(7)),
    (2, "Villa Aurora", 27, "k1:27", BASE, 4, 0, "0.00", "em dia", 0),
    (3, "Pequeno Recanto", 30, "k1:30", BASE, 4, 0, "0.00", "a conferir", 1),
]
MOVEMENT = {"condominio_id": ID, "mes": DAY, "transacoes": COUNT, "valor_total": MONEY}
MOVEMENTS = [
    (1, JAN, 10, "4000.00"), (1, FEB, 10, "4000.25"), (1, MAR, 10, "4000.25"),
    (9, date(2020, 1, 1), 50, "1.00"),  # longer ago than the page looks back
    (2, date(2025, 12, 1), 4, "2000.00"), (2, JAN, 16, "8000.00"), (2, MAR, 20, "10000.00"), (3, JAN, 2, "500.00"),
]  # fmt: skip
DAILY = {"data_transacao": DAY, "tipo": TEXT, "valor_total_diario": MONEY, "total_transacoes_diarias": COUNT}
DAYS = [
    (date(2025, 1, 31), "=casa", "999.99", 9),
    (date(2026, 2, 1), "loja", "80.00", 4),
    (date(2026, 2, 28), "loja", "20.50", 3),
    (date(2026, 3, 10), "apartamento", "600.10", 6),
    (date(2026, 3, 10), "loja", "50.00", 2),
    (date(2026, 3, 11), "apartamento", "500.00", 5),
    (date(2026, 3, 11), None, "70.00", 7),
]
_SEEN = datetime(2026, 3, 30, 11, tzinfo=UTC)
ENTRY = {
    "table_name": TEXT, "key": TEXT, "column_name": TEXT, "raw": TEXT, "status": TEXT, "clause": TEXT, "position": COUNT,
    "first_seen": pa.timestamp("us", "UTC"), "resolved_position": COUNT,
}  # fmt: skip
ENTRIES = [
    ("boletos", '{"boleto_id":1}', "valor", "1.23.4", "invalid", "groups", 1, _SEEN, None),
    ("boletos", '{"boleto_id":2}', "valor", "9.9.9", "invalid", "groups", 2, _SEEN, None),
    ("boletos", '{"boleto_id":3}', "observacao", SECRET, "decrypt_failed", "decrypt", 3, _SEEN, None),
    ("boletos", '{"boleto_id":4}', "valor", "x", "invalid", "no_form", 4, _SEEN, 9),
]
# valor: 5 read, 2 assumed, 1 empty, 2 invalid; observacao: 4 read, 5 empty, 1 not decrypted
BILL = {
    "boleto_id": ID, "valor": MONEY, "valor__raw": TEXT, "valor__status": TEXT, "cpf_pagador": TEXT, "observacao": TEXT,
    "observacao__raw": TEXT, "observacao__status": TEXT,
}  # fmt: skip
BILLS = [
    *((i, "10.00", "10,00", "ok", SECRET, SECRET, SECRET, "ok") for i in range(4)),
    (4, "10.00", "10,00", "ok", SECRET, None, None, "ok"),
    (5, "12.00", "12.00", "assumed", SECRET, None, "", "ok"),
    (6, "12.00", "12.00", "assumed", SECRET, None, "", "ok"),
    (7, None, "N/A", "ok", SECRET, None, "", "ok"),
    (8, None, "1.23.4", "invalid", SECRET, None, "", "ok"),
    (9, None, "9.9.9", "invalid", SECRET, None, SECRET, "decrypt_failed"),
]
REFINED = {
    "panorama_por_condominio": (OUTLINE, CONDOMINIUMS), "receita_mensal_por_condominio": (RECEIPT, RECEIPTS),
    "inadimplencia": (DEBT, DEBTS), "movimento_mensal_por_condominio": (MOVEMENT, MOVEMENTS),
    "transacoes_diarias_por_tipo": (DAILY, DAYS),
}  # fmt: skip
TABLES = ("condominios", "moradores", "imoveis", "transacoes", "boletos")


def make(root: Path) -> LakePaths:
    """The whole lake."""
    paths = LakePaths(root)
    write(paths.transformed("boletos"), BILL, BILLS, fold=7)
    for name, (columns, rows) in REFINED.items():
        write(paths.refined(name), columns, rows, inputs={"boletos": 7})
    write(paths.quarantine, ENTRY, ENTRIES)
    prove(paths, {"boletos": "different", **dict.fromkeys(TABLES[:3], "equal")})
    return paths


def write(
    place: Path,
    columns: dict[str, pa.DataType],
    rows: Sequence[tuple[Any, ...]],
    *,
    inputs: dict[str, int] | None = None,
    fold: int | None = None,
) -> None:
    """Replace a table; with `inputs` as a computation of refined does, with `fold` as a fold does."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [
        pa.array([Decimal(v) if v is not None and pa.types.is_decimal(kind) else v for v in column], kind)
        for column, kind in zip(values, columns.values(), strict=True)
    ]
    note = {"inputs": inputs, "statement": "x"} if inputs else {"raw_version": 0, "max_lsn": 0}
    properties = CommitProperties(
        custom_metadata={"userMetadata": json.dumps(note)} if inputs or fold is not None else None,
        app_transactions=None if fold is None else [Transaction(FOLD_APP, fold)],
    )
    write_deltalake(
        str(place), pa.table(dict(zip(columns, arrays, strict=True))), mode="overwrite", commit_properties=properties
    )


def prove(paths: LakePaths, verdicts: dict[str, str]) -> None:
    """What a verification leaves beside the layers."""
    (paths.root / "_proof").mkdir(exist_ok=True)
    through = {"at": PROVEN, "lsn": "0/1", "left_out": 2}
    for table, verdict in verdicts.items():
        found = {"verified_through": through, "verdict": verdict, "checked_at": PROVEN}
        (paths.root / "_proof" / f"{table}.json").write_text(json.dumps(found), encoding="utf-8")
