"""Transações: by month or day and type of property, filtered, searched, downloaded."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from lakehouse_assets.dashboard import charts, data, downloads, parts, session, views
from lakehouse_assets.dashboard.charts import Bar
from lakehouse_assets.dashboard.floors import K

_MONTHS_AT_FIRST = 12


def show() -> None:
    """Filters, figures, chart, rows."""
    t = session.texts()
    known = session.ask(data.transactions)
    if not known.months:
        parts.note(t("nothing_yet"))
        return
    choice = _choice(known)
    found = data.select(known, choice, _written(choice.monthly))
    _figures(found)
    if not found.rows:
        parts.notice("info", t("no_rows"))
        return
    _chart(found, choice, {kind for _, kind in _places(known)})
    _rows(found, choice)
    _files(found)
    views.privacy()


def _choice(known: data.Transactions) -> data.Choice:
    t, f = session.texts(), session.formats()
    months = sorted({month for month, _ in _places(known)})
    kinds = sorted({kind for _, kind in _places(known)})
    left, middle, right = st.columns((1, 2, 2), vertical_alignment="bottom")
    grain = left.segmented_control(
        t("grain"), ["month", "day"], default="month", required=True, format_func=t, key="grain"
    )
    chosen = middle.multiselect(t("type"), kinds, format_func=_kind, placeholder=t("all_types"), key="kinds")
    search = right.text_input(t("search"), placeholder=t("search_hint"), key="search")
    first, last = months[0], months[-1]
    if len(months) > 1:
        since = months[-min(_MONTHS_AT_FIRST, len(months))]
        first, last = st.select_slider(t("period"), months, value=(since, last), format_func=f.month, key="period")
    return data.Choice(first, last, grain != "day", tuple(chosen), search)


def _figures(found: data.Selection) -> None:
    t, f = session.texts(), session.formats()
    hidden = found.hidden
    only = t("visible_only") if hidden else ""
    why = t("selected_rows_sub", k=K, few=f.whole(hidden[data.FEW]), withheld=f.whole(hidden[data.WITHHELD]))
    parts.figures(
        [
            parts.Figure(t("selected_amount"), views.amount(found.total), only),
            parts.Figure(t("selected_count"), views.count(found.total), only),
            parts.Figure(t("selected_rows"), f.whole(len(found.rows)), why),
        ]
    )  # fmt: skip


def _chart(found: data.Selection, choice: data.Choice, kinds: set[str]) -> None:
    t, f = session.texts(), session.formats()
    written = _written(choice.monthly)
    parts.section(t("chart_kinds" if choice.monthly else "chart_kinds_day"), t("chart_kinds_sub"))
    bars = [
        Bar(
            written(row.of[0]), None if row.amount is None else float(row.amount), f.money(row.amount), _kind(row.of[1])
        )
        for row in reversed(found.rows)
    ]
    if all(bar.value is None for bar in bars):
        parts.note(t("all_hidden"))
        return
    painted = charts.colours(_kind(kind) for kind in kinds)
    names = (t("month" if choice.monthly else "day"), t("type"), t("amount"))
    st.altair_chart(charts.stacked(bars, f.language, names, painted), width="stretch")
    parts.legend({name: colour for name, colour in painted.items() if name in {bar.series for bar in bars}})


def _rows(found: data.Selection, choice: data.Choice) -> None:
    t, f = session.texts(), session.formats()
    when = t("month" if choice.monthly else "day")
    frame = pd.DataFrame(
        {
            when: [row.of[0] for row in found.rows],
            t("type"): [_kind(row.of[1]) for row in found.rows],
            t("transactions"): pd.array([row.count for row in found.rows], "Int64"),
            t("amount"): [None if row.amount is None else float(row.amount) for row in found.rows],
        }
    )
    # Streamlit writes the same word in all empty cells of a table.
    secret = views.secret(data.WITHHELD if found.hidden[data.WITHHELD] else data.FEW)
    written = frame.style.format(
        {when: _written(choice.monthly), t("transactions"): lambda v: f.whole(int(v)), t("amount"): f.money}, na_rep=secret
    )  # fmt: skip
    st.dataframe(written, hide_index=True, width="stretch", height=380, key="rows", placeholder=secret)


def _files(found: data.Selection) -> None:
    t, f = session.texts(), session.formats()
    with st.container(horizontal=True):
        st.download_button(t("download_csv"), downloads.as_csv(found.rows, f), "transacoes.csv", "text/csv", icon=":material/download:", on_click="ignore")  # fmt: skip
        st.download_button(t("download_parquet"), downloads.as_parquet(found.rows), "transacoes.parquet", "application/vnd.apache.parquet", icon=":material/download:", on_click="ignore")  # fmt: skip


def _places(known: data.Transactions) -> set[tuple[date, str]]:
    """Every month and type there is."""
    return {part.of for part in known.months}


def _written(monthly: bool):
    f = session.formats()

    def write(day: date) -> str:
        return f.month(day) if monthly else f.day(day)

    return write


def _kind(name: str) -> str:
    return name or session.texts()("no_type")


show()
