"""Visão geral: what was received and is owed, all condominiums together."""

from __future__ import annotations

import streamlit as st

from lakehouse_assets.dashboard import charts, data, parts, session, views
from lakehouse_assets.dashboard.theme import AMBER, SERIES


def show() -> None:
    """Figures, then charts, then the largest."""
    t, f = session.texts(), session.formats()
    seen = session.ask(data.overview)
    parts.figures(
        [
            views.year_figure(seen.received_year, seen.year),
            parts.Figure(t("received_total"), views.amount(seen.received), views.below("received_total_sub", seen.received)),
            parts.Figure(t("overdue"), views.amount(seen.overdue), views.below("overdue_sub", seen.overdue, day=f.day(seen.as_of))),
            parts.Figure(t("paid"), views.count(seen.transactions), t("paid_sub", amount=views.amount(seen.transactions), day=f.day(seen.last_payment))),
            parts.Figure(t("condominiums"), f.whole(seen.condominiums), t("condominiums_sub", properties=f.whole(seen.properties), residents=f.whole(seen.residents))),
        ]
    )  # fmt: skip
    parts.section(t("chart_receipts"), t("chart_receipts_sub"))
    views.draw(seen.receipts, lambda p: charts.columns(p, f.language, (t("month"), t("received"))), f.month)
    left, right = st.columns(2, gap="medium")
    with left:
        parts.section(t("chart_bands"), t("chart_bands_sub"))
        views.draw(seen.bands, lambda p: charts.lying(p, f.language, (t("age"), t("amount")), AMBER), views.band)
    with right:
        parts.section(t("chart_activity"), t("chart_activity_sub"))
        views.draw(
            seen.activity, lambda p: charts.columns(p, f.language, (t("month"), t("transactions")), SERIES[1]), f.month,
            by_count=True,
        )  # fmt: skip
    _largest(seen)
    if seen.unread_bills:
        parts.note(t("unread_bills", count=f.whole(seen.unread_bills)))
    views.privacy()


def _largest(seen: data.Overview) -> None:
    t, f = session.texts(), session.formats()
    parts.section(t("top"), t("top_sub"))
    if not seen.top:
        parts.note(t("nothing_yet"))
        return
    most = max(one.received.amount or 0 for one in seen.top) or 1
    rows = [
        (
            f"{one.name} · {one.id}",
            f.whole(one.properties),
            parts.bar(f.money(one.received.amount), float((one.received.amount or 0) / most)),
            views.part_amount(one.overdue),
        )
        for one in seen.top
    ]
    columns = [
        parts.Column(t("condominium")),
        *(parts.Column(t(k), True) for k in ("properties", "received", "overdue")),
    ]
    parts.table(columns, rows, "top", cards=False)


show()
