"""Plataforma: how far each table has come, and which part of the stack answers."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from lakehouse_assets.dashboard import parts, session, state
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.progress.freshness import RefinedState
from lakehouse_assets.progress.lag import TableLag
from lakehouse_assets.progress.status import Seen

_KINDS = {"up": parts.GOOD, "external": parts.GOOD, "running": parts.GOOD, "starting": parts.WARN, "stopping": parts.WARN, "failing": parts.BAD}  # fmt: skip


@st.fragment(run_every=session.BEAT_SECONDS)
def show() -> None:
    """The page, or why it cannot be: what is raised out of a fragment is told without its reason."""
    try:
        _show()
    except LakehouseError as error:
        parts.notice("bad", session.texts()("misconfigured"), error.problem)


def _show() -> None:
    """What is unreachable first, then figures, lag, business tables, services."""
    t = session.texts()
    seen = session.platform()
    if seen is None:
        parts.notice("bad", t("cannot_ask"))
        return
    refined = session.pulse().refined
    _unreachable(seen)
    _figures(seen)
    _lags(seen, refined)
    left, right = st.columns(2, gap="medium")
    with left:
        _business(refined)
    with right:
        _services(seen)
    _links(seen)


def _others(seen: Seen) -> list:
    return [service for service in seen.status.services if service.name != state.PAGE]


def _unreachable(seen: Seen) -> None:
    t = session.texts()
    own = [service for service in _others(seen) if service.state != "external"]
    dead = [service.name for service in own if service.state in ("down", "failing")]
    if own and len(dead) == len(own):
        parts.notice("wait", t("all_down"), t("all_down_next", home=session.settings().home))
    elif dead:
        parts.notice("bad", t("some_down", names=", ".join(dead)), t("some_down_next"))


def _figures(seen: Seen) -> None:
    t, f = session.texts(), session.formats()
    services = seen.status.services
    up = sum(service.state in ("up", "external") for service in services)
    engine = next((service.state for service in services if service.name == "engine"), "down")
    lags = [table.lag_changes for table in seen.status.tables]
    waiting = None if None in lags else sum(lag or 0 for lag in lags)
    ages = [table.lag_seconds for table in seen.status.tables if table.lag_seconds is not None]
    told = t("no_answer") if waiting is None else f.whole(waiting)
    parts.figures(
        [
            parts.Figure(t("lag"), told, f"{t('oldest')}: {f.duration(max(ages, default=0))}" if waiting else ""),
            parts.Figure(t("services_up"), f.whole(up), t("services_up_sub", count=f.whole(len(services)))),
            parts.Figure(t("engine"), t.known(f"state_{engine}", engine)),
            parts.Figure(t("sensor"), t.known(f"sensor_{seen.status.sensor.state}", seen.status.sensor.state), _tick(seen)),
        ]
    )  # fmt: skip


def _tick(seen: Seen) -> str:
    sensor = seen.status.sensor
    return "" if sensor.state == "unknown" else sensor.last_tick


def _lags(seen: Seen, refined: tuple[RefinedState, ...]) -> None:
    t, f = session.texts(), session.formats()
    parts.section(t("lag_table"), t("lag_table_sub"))
    rows = [
        (
            lag.name,
            _waiting(lag.unread),
            _waiting(lag.unapplied),
            _in_refined(lag, refined),
            f.duration(lag.lag_seconds),
        )
        for lag in seen.status.tables
    ]
    columns = [
        parts.Column(t(key), key != "table") for key in ("table", "to_raw", "to_transformed", "to_refined", "oldest")
    ]
    parts.table(columns, rows, "lags")
    if any(lag.unread is None for lag in seen.status.tables):
        parts.note(t("kafka_down"))


def _waiting(changes: int | None) -> str:
    t, f = session.texts(), session.formats()
    if changes is None:
        return parts.badge(parts.CALM, t("no_answer"))
    return parts.badge(parts.WARN, f.whole(changes)) if changes else parts.badge(parts.GOOD, f.whole(0))


def _in_refined(lag: TableLag, refined: tuple[RefinedState, ...]) -> str:
    t = session.texts()
    behind = [one.name for one in refined if lag.name in one.behind]
    return (
        parts.badge(parts.WARN, t("tables_behind", count=len(behind)))
        if behind
        else parts.badge(parts.GOOD, t("up_to_date"))
    )


def _business(refined: tuple[RefinedState, ...]) -> None:
    t, f = session.texts(), session.formats()
    now = datetime.now(UTC)
    parts.section(t("business"), t("business_sub"))
    if not refined:
        parts.note(t("nothing_yet"))
        return
    rows = []
    for one in refined:
        kind = parts.BAD if one.late else parts.WARN if one.behind else parts.GOOD
        word = t("waiting", tables=", ".join(one.behind or one.late)) if one.behind or one.late else t("up_to_date")
        rows.append(
            (one.name, parts.badge(kind, word), parts.titled(f.ago(one.computed_at, now), f.moment(one.computed_at)))
        )
    parts.table([parts.Column(t(key)) for key in ("table", "state", "computed_at")], rows, "business", cards=False)


def _services(seen: Seen) -> None:
    t = session.texts()
    parts.section(t("services"))
    rows = [
        (
            service.name,
            parts.badge(_KINDS.get(service.state, parts.CALM), t.known(f"state_{service.state}", service.state)),
            service.address,
        )
        for service in seen.status.services
    ]
    parts.table([parts.Column(t(key)) for key in ("service", "state", "address")], rows, "services", cards=False)


def _links(seen: Seen) -> None:
    t, url = session.texts(), seen.webserver_url
    answers = seen.status.sensor.state != "unknown"
    if not answers:
        parts.note(t("dagster_down", url=url))
    with st.container(horizontal=True):
        for key, path in (("open_dagster", ""), ("open_assets", "/asset-groups"), ("open_runs", "/runs")):
            st.link_button(t(key), f"{url}{path}", disabled=not answers, icon=":material/open_in_new:")


show()
