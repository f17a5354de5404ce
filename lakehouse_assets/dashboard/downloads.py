"""The rows of a selection as files: CSV as the language writes it, and typed Parquet. Hidden figures are empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_assets.dashboard.data import FEW, WITHHELD, Part
from lakehouse_assets.dashboard.floors import K
from lakehouse_assets.dashboard.formats import Formats

HEADER = ("data", "tipo", "transacoes", "valor_total", f"menos_de_{K}", "oculto")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute a text that begins so


def as_csv(rows: Sequence[Part], formats: Formats) -> bytes:
    """CSV that a spreadsheet of that language opens without questions."""
    decimal, _ = formats.symbols
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if decimal == "," else ",", lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in rows:
        day, kind = row.of
        amount = "" if row.amount is None else f"{row.amount:.2f}".replace(".", decimal)
        count = "" if row.count is None else row.count
        why = (int(row.hidden == word) for word in (FEW, WITHHELD))
        writer.writerow((formats.day(day), _harmless(kind), count, amount, *why))
    return out.getvalue().encode("utf-8-sig")


def as_parquet(rows: Sequence[Part]) -> bytes:
    """Parquet with a date, a decimal and two flags: why a figure is hidden."""
    columns = (
        pa.array([row.of[0] for row in rows], pa.date32()),
        pa.array([row.of[1] for row in rows], pa.string()),
        pa.array([row.count for row in rows], pa.int64()),
        pa.array([row.amount for row in rows], pa.decimal128(38, 2)),
        *(pa.array([row.hidden == word for row in rows], pa.bool_()) for word in (FEW, WITHHELD)),
    )
    out = io.BytesIO()
    pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), out)
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
