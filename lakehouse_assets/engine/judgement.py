"""What the reader's engine finds in a table: how its values were read, and personal data where none is declared."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from lakehouse_assets.catalog import Column, Table
from lakehouse_assets.engine import canonical
from lakehouse_assets.engine.reader import LakeReader
from lakehouse_assets.normalisation.reading import Status
from lakehouse_assets.proof.personal import FORMS, kinds

CANDIDATES = 1_000  # texts looked at more closely, of each column
FIRST_VALUES = 1_000
_READ = (Status.OK, Status.ASSUMED)


class Judged(NamedTuple):
    """The cells of a column by status, and the clauses that its bad ones met most, with counts."""

    statuses: dict[str, int]
    clauses: dict[str, int]

    @property
    def texts(self) -> int:
        """Cells that hold a text or lost one."""
        return sum(self.statuses.values())

    @property
    def bad(self) -> int:
        """Cells without a value that should have one."""
        return sum(count for status, count in self.statuses.items() if status not in _READ)

    @property
    def share(self) -> float:
        """The bad among the texts."""
        return self.bad / self.texts if self.texts else 0.0


def judged(lake: LakeReader, table: Table, column: Column) -> Judged:
    """How the texts of a column are read now; NULL in the source is no text."""
    status, raw = canonical.name(f"{column.name}__status"), canonical.name(f"{column.name}__raw")
    rows = lake.query(
        f"SELECT {status}, count(*) FROM transformed.{table.name} "
        f"WHERE {raw} IS NOT NULL OR {status} <> '{Status.OK}' GROUP BY ALL ORDER BY 2 DESC"
    ).rows
    clauses = []
    if "quarantine" in lake.tables:
        clauses = lake.query(
            f"SELECT clause, count(*) FROM quarantine WHERE table_name = '{table.name}' AND column_name = {canonical.text(column.name)} "
            "AND resolved_position IS NULL GROUP BY ALL ORDER BY 2 DESC LIMIT 5"
        ).rows
    return Judged(dict(rows), dict(clauses))


def first_invalid_share(lake: LakeReader, table: Table, column: Column) -> float:
    """The share of `invalid` among the first 1,000 texts by position: whether the rule fits the column at all."""
    status, raw = canonical.name(f"{column.name}__status"), canonical.name(f"{column.name}__raw")
    share = lake.scalar(
        f"SELECT avg(CAST({status} = '{Status.INVALID}' AS int)) FROM (SELECT {status} FROM transformed.{table.name} "
        f"WHERE {raw} IS NOT NULL ORDER BY _position LIMIT {FIRST_VALUES})"
    )
    return float(share or 0.0)


def accounted(lake: LakeReader, table: Table) -> tuple[int, int, int]:
    """Rows, rows whose every cell was read, and rows that the quarantine has an open entry for."""
    quarantined = (
        f"(SELECT count(DISTINCT key) FROM quarantine WHERE table_name = '{table.name}' AND resolved_position IS NULL "
        "AND clause <> 'encoding')"
        if "quarantine" in lake.tables
        else "0"
    )
    statuses = [canonical.name(f"{c.name}__status") for c in table.judged_columns]
    read = " AND ".join(f"{status} IN ('{_READ[0]}', '{_READ[1]}')" for status in statuses) or "true"
    return lake.query(
        f"SELECT count(*), count(*) FILTER (WHERE {read}), {quarantined} FROM transformed.{table.name}"
    ).rows[0]


def personal(
    lake: LakeReader, relation: str, columns: dict[str, frozenset[str]], where: str = "true"
) -> dict[str, int]:
    """'column: kind' -> texts that look like personal data which the column is not declared to hold; never the texts.

    `columns`: the text columns to search, each with the kinds it may hold.
    """
    found: Counter[str] = Counter()
    for column, declared in columns.items():
        # What may be there would fill the candidates and hide what may not.
        forms = [f"(?:{form})" for kind, form in FORMS.items() if kind not in declared]
        if not forms:
            continue
        form, quoted = canonical.text("|".join(forms)), canonical.name(column)
        texts = lake.query(
            f"SELECT {quoted} FROM {relation} WHERE ({where}) AND regexp_matches({quoted}, {form}) LIMIT {CANDIDATES}"
        ).rows
        found.update(f"{column}: {kind}" for (text,) in texts for kind in kinds(text, declared))
    return dict(found)
