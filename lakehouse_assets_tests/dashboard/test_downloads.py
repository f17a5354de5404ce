"""The files hold what is shown and no more."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pyarrow.parquet as pq

from lakehouse_assets.dashboard.data import FEW, WITHHELD, Part
from lakehouse_assets.dashboard.downloads import as_csv, as_parquet
from lakehouse_assets.dashboard.formats import Formats

DAY = date(2026, 1, 31)
ROWS = [
    Part((DAY, "loja"), 6, Decimal("1234.50")),
    Part((DAY, "casa; à venda"), None, None, hidden=FEW),
    Part((DAY, "=1+1"), 7, Decimal("-0.10")),
    Part((DAY, "sala"), None, None, hidden=WITHHELD),
]


def test_csv_for_a_brazilian_spreadsheet() -> None:
    assert as_csv(ROWS, Formats("pt")).decode("utf-8-sig").splitlines() == [
        "data;tipo;transacoes;valor_total;menos_de_5;oculto",
        "31/01/2026;loja;6;1234,50;0;0",
        '31/01/2026;"casa; à venda";;;1;0',
        "31/01/2026;'=1+1;7;-0,10;0;0",
        "31/01/2026;sala;;;0;1",
    ]


def test_csv_in_english() -> None:
    lines = as_csv(ROWS[:1], Formats("en")).decode("utf-8-sig").splitlines()
    assert lines == ["data,tipo,transacoes,valor_total,menos_de_5,oculto", "2026-01-31,loja,6,1234.50,0,0"]


def test_parquet_is_typed() -> None:
    table = pq.read_table(io.BytesIO(as_parquet(ROWS)))
    kinds = ["date32[day]", "string", "int64", "decimal128(38, 2)", "bool", "bool"]
    assert [str(kind) for kind in table.schema.types] == kinds
    assert table.to_pylist()[1] == {
        "data": DAY, "tipo": "casa; à venda", "transacoes": None, "valor_total": None, "menos_de_5": True,
        "oculto": False,
    }  # fmt: skip
    assert table["oculto"].to_pylist() == [False, False, False, True]
    assert pq.read_table(io.BytesIO(as_parquet([]))).num_rows == 0
