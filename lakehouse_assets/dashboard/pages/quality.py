"""Qualidade: how values were read, what waits in quarantine, what was proven equal to the source."""

from __future__ import annotations

from datetime import UTC, datetime

from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import parts, quality, session

_VERDICTS = {"equal": parts.GOOD, "different": parts.BAD}
_LAYERS = ("transformed", quality.QUARANTINE)


def show() -> None:
    """Figures, columns, quarantine, proofs."""
    catalog = session.catalog()
    readings = session.ask(quality.readings, catalog, of=_LAYERS)
    reasons, closed = session.ask(quality.quarantine, catalog, of=_LAYERS)
    proofs = quality.proofs(LakePaths(session.settings().lake), catalog)
    _figures(readings, reasons, closed, proofs)
    _proofs(proofs)
    _quarantine(reasons)
    _readings(readings)


def _figures(
    readings: list[quality.Reading], reasons: list[quality.Reason], closed: int, proofs: list[quality.Proof]
) -> None:
    t, f = session.texts(), session.formats()
    good = sum(r.read + r.assumed for r in readings)
    texts = good + sum(sum(r.bad.values()) for r in readings)
    equal = [p.known for p in proofs if p.known and p.known.verdict == "equal" and p.known.through]
    oldest = min((datetime.fromisoformat(k.through.at) for k in equal if k.through), default=None)
    parts.figures(
        [
            parts.Figure(t("cells_read"), f.percent(good / texts) if texts else f.percent(None), t("cells_read_sub", count=f.whole(texts), columns=f.whole(len(readings)))),
            parts.Figure(t("cells_bad"), f.whole(sum(r.cells for r in reasons)), t("cells_bad_sub", closed=f.whole(closed))),
            parts.Figure(t("tables_equal"), f"{len(equal)}/{len(proofs)}", t("tables_equal_sub", at=f.moment(oldest)) if oldest else t("never_proven")),
        ]
    )  # fmt: skip


def _proofs(proofs: list[quality.Proof]) -> None:
    t, f = session.texts(), session.formats()
    now = datetime.now(UTC)
    parts.section(t("proofs"), t("proofs_sub"))
    rows = []
    for table, known in proofs:
        verdict = known.verdict if known else "never"
        shown = parts.badge(_VERDICTS.get(verdict, parts.CALM), t.known(f"verdict_{verdict}", verdict))
        through = known.through if known else None
        checked = f.ago(datetime.fromisoformat(known.checked_at), now) if known else f.moment(None)
        at = f.moment(datetime.fromisoformat(through.at) if through else None)
        rows.append((table, shown, at, checked, f.whole(through.left_out if through else None)))
    columns = [parts.Column(t(key)) for key in ("table", "verdict", "through", "checked")]
    parts.table([*columns, parts.Column(t("left_out"), True)], rows, "proofs")


def _quarantine(reasons: list[quality.Reason]) -> None:
    t, f = session.texts(), session.formats()
    parts.section(t("quarantine"), t("quarantine_sub"))
    if not reasons:
        parts.note(t("quarantine_empty"))
        return
    rows = [
        (
            f"{r.table}.{r.column}",
            t.known(f"clause_{r.clause}", r.clause),
            r.status,
            f.whole(r.cells),
            parts.hidden(t("protected")) if r.example is None else r.example,
            f.moment(r.since),
        )
        for r in reasons
    ]
    columns = [
        parts.Column(t(key), key == "cells") for key in ("column", "reason", "state", "cells", "example", "since")
    ]
    parts.table(columns, rows, "quarantine")


def _readings(readings: list[quality.Reading]) -> None:
    t, f = session.texts(), session.formats()
    parts.section(t("readings"), t("readings_sub"))
    if not readings:
        parts.note(t("no_readings"))
        return
    settings = session.settings()
    rows = []
    for r in readings:
        kind = parts.BAD if r.share > settings.status_error_share else parts.WARN if r.share > settings.status_warn_share else parts.GOOD  # fmt: skip
        bad = " · ".join(f"{f.whole(cells)} {status}" for status, cells in r.bad.items()) or f.whole(0)
        rows.append((f"{r.table}.{r.column}", f.whole(r.read), f.whole(r.assumed), f.whole(r.empty), bad, parts.badge(kind, f.percent(r.share))))  # fmt: skip
    columns = [
        parts.Column(t(key), key != "column") for key in ("column", "read", "assumed", "empty", "unreadable", "share")
    ]
    parts.table(columns, rows, "readings")


show()
