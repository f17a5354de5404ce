"""The frame around every page: language, navigation, the line of freshness that beats, and a lake that cannot be shown."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from lakehouse_assets.dashboard import parts, session, state, theme
from lakehouse_assets.dashboard.texts import LANGUAGES, Texts
from lakehouse_assets.errors import LakehouseError

# Each with the word in its address; the first is the one without.
PAGES = {
    "overview": ("visao-geral", ":material/monitoring:"),
    "condominium": ("condominio", ":material/apartment:"),
    "transactions": ("transacoes", ":material/receipt_long:"),
    "quality": ("qualidade", ":material/fact_check:"),
    "platform": ("plataforma", ":material/hub:"),
}
_OF_THE_LAKE = ("overview", "condominium", "transactions", "quality")


def main() -> None:
    """One run of the page."""
    t = session.texts()
    st.set_page_config(page_title=t("app"), page_icon=str(theme.ICON), layout="wide")
    st.html(theme.STYLE)
    pages = {
        st.Page(f"pages/{name}.py", title=t(f"page_{name}"), icon=icon, url_path=path, default=name == next(iter(PAGES))): name
        for name, (path, icon) in PAGES.items()
    }  # fmt: skip
    page = st.navigation(list(pages), position="hidden")
    with st.container(horizontal=True, key="nav", gap=None):
        for one in pages:
            st.page_link(one, width="content")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(page.title, anchor=False, width="content")
        chosen = st.segmented_control(
            t("language"), list(LANGUAGES), default=session.language(), required=True, format_func=str.upper,
            key=session.LANGUAGE, label_visibility="collapsed",
        )  # fmt: skip
    session.in_link(session.LANGUAGE, chosen)
    try:
        now = session.pulse()
        st.session_state[session.STANDS] = now.stands
        st.session_state[session.FAILED] = False
        st.session_state["shown"] = now.lake
        st.session_state["whole"] = True
        beat()
        if now.lake == state.READY or pages[page] not in _OF_THE_LAKE:
            page.run()
        else:
            _absent(now.lake, t)
    except LakehouseError as error:
        parts.notice("bad", t("misconfigured"), error.problem)


@st.fragment(run_every=session.BEAT_SECONDS)
def beat() -> None:
    """Tell how fresh the figures are; when the lake has moved on, have the page drawn anew."""
    now = session.pulse()
    whole = st.session_state.pop("whole", False)  # drawn with the page just now
    moved = now.stands != st.session_state.get(session.STANDS) or now.lake != st.session_state.get("shown")
    if not whole and (moved or st.session_state.get(session.FAILED)):
        st.rerun()
    _freshness(now)


def _freshness(now: state.Pulse) -> None:
    t, f = session.texts(), session.formats()
    at = now.computed_at
    computed = t("computed", at=f.moment(at), ago=f.ago(at, datetime.now(UTC))) if at else ""
    if now.running is False:
        parts.line(parts.CALM, t("stopped"), " · ".join(filter(None, (computed, t("stopped_why")))))
    elif now.late:
        parts.line(parts.WARN, t("late"), f"{computed} · {t('late_why', tables=', '.join(now.late))}")
    elif at:
        parts.line(*((parts.GOOD, t("fresh")) if now.running else (parts.CALM, t("unknown"))), computed)


def _absent(lake: str, t: Texts) -> None:
    kind = "bad" if lake == state.UNREACHABLE else "wait"
    place = session.settings().lake
    parts.notice(kind, t(f"lake_{lake}", place=place), t(f"lake_{lake}_next"))


main()
