"""What one visit knows: its language, the settings, and answers of the lake, which all visits share while it stands still."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from lakehouse_assets.catalog import Catalog, load_catalog
from lakehouse_assets.catalog.model import LakePaths
from lakehouse_assets.dashboard import parts, state
from lakehouse_assets.dashboard.formats import Formats
from lakehouse_assets.dashboard.texts import LANGUAGES, Texts
from lakehouse_assets.engine.reader import open_lake
from lakehouse_assets.errors import LakehouseError
from lakehouse_assets.progress.freshness import Stand
from lakehouse_assets.progress.status import Seen
from lakehouse_assets.settings import Settings, load_settings

LANGUAGE, STANDS, FAILED = "lang", "stands", "failed"
BEAT_SECONDS = 3
_SHARED_SECONDS = 2  # visits that look within it share one look
_Answer = TypeVar("_Answer")


def settings() -> Settings:
    """The stack's settings."""
    return load_settings()


def catalog() -> Catalog:
    """The catalog as it is in its file now."""
    path = settings().catalog
    return _catalog(str(path), path.stat().st_mtime_ns if path.exists() else 0)


def texts() -> Texts:
    """The texts of the visit's language."""
    return Texts(language())


def formats() -> Formats:
    """The formats of the visit's language, in the browser's time zone."""
    return Formats(language(), st.context.timezone)


def language() -> str:
    """The visit's language: the one switched to, or that of the link it came by."""
    chosen = st.session_state.get(LANGUAGE) or st.query_params.get(LANGUAGE)
    return chosen if chosen in LANGUAGES else next(iter(LANGUAGES))


def in_link(word: str, value: object) -> None:
    """Keep a choice in the page's address, so that a copied link leads to the same."""
    if st.query_params.get(word) != str(value):
        st.query_params[word] = str(value)


def pulse() -> state.Pulse:
    """Where the lake stands."""
    known = settings()
    return _pulse(known, str(known.lake), str(known.home))


def platform() -> Seen | None:
    """Services, lag and sensor."""
    known = settings()
    return _platform(known, catalog(), str(known.lake), str(known.home))


def ask(question: Callable[..., _Answer], *given: Any, of: tuple[str, ...] = ("refined",)) -> _Answer:
    """The answer of `question(lake, *given)`, read once while the layers `of` stand where they are.

    A lake that cannot be read ends the page with a notice; the next beat tries again.
    """
    stands = tuple(s for s in st.session_state.get(STANDS, ()) if s.name.split(".")[0] in of)
    try:
        return _answer(str(settings().lake), repr((question.__module__, question.__qualname__, given, stands)), question, given, stands)  # fmt: skip
    except (LakehouseError, OSError) as error:
        from lakehouse_assets.dashboard.data import NotComputed

        st.session_state[FAILED] = True
        t = texts()
        if isinstance(error, NotComputed):
            parts.notice("wait", t("missing", tables=error.problem), t("lake_building_next"))
        else:
            detail = error.problem if isinstance(error, LakehouseError) else type(error).__name__
            parts.notice("wait", t("lake_changing"), t("lake_changing_next", detail=detail))
        st.stop()


@st.cache_data(show_spinner=False, max_entries=256)
def _answer(
    root: str, key: str, _question: Callable[..., Any], _given: tuple[Any, ...], _stands: tuple[Stand, ...]
) -> Any:
    versions = {stand.name: stand.version for stand in _stands}
    with open_lake(LakePaths(Path(root)), versions, only=versions) as lake:
        return _question(lake, *_given)


@st.cache_data(show_spinner=False, max_entries=4)
def _catalog(path: str, written: int) -> Catalog:
    return load_catalog(Path(path))


@st.cache_data(show_spinner=False, ttl=_SHARED_SECONDS, max_entries=8)
def _pulse(_settings: Settings, lake: str, home: str) -> state.Pulse:
    return state.pulse(_settings)


@st.cache_data(show_spinner=False, ttl=_SHARED_SECONDS, max_entries=8)
def _platform(_settings: Settings, _catalog: Catalog, lake: str, home: str) -> Seen | None:
    return state.platform(_settings, _catalog)
