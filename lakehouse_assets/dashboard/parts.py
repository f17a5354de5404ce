"""The pieces that pages are laid out of: figures, small tables, badges, notices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import streamlit as st

GOOD, WARN, BAD, CALM = "good", "warn", "bad", "calm"
_KINDS = {"wait": WARN, "bad": BAD, "info": CALM}


class Markup(str):
    """HTML that is safe already; any other text is escaped."""


class Figure(NamedTuple):
    """A figure: what it is, the figure, and a small line below."""

    label: str
    value: str
    below: str = ""


class Column(NamedTuple):
    """A column of a table; numbers stand right."""

    label: str
    number: bool = False


def figures(shown: Sequence[Figure]) -> None:
    """Figures side by side, two in a row on a telephone."""
    cards = "".join(
        f'<div class="lk-figure"><span>{escape(figure.label)}</span><b>{escape(figure.value)}</b>'
        f"<small>{escape(figure.below)}</small></div>"
        for figure in shown
    )
    st.html(f'<div class="lk-figures">{cards}</div>')


def section(title: str, below: str = "") -> None:
    """The heading of a part of a page."""
    small = f"<p>{escape(below)}</p>" if below else ""
    st.html(f'<div class="lk-section"><h2>{escape(title)}</h2>{small}</div>')


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], key: str, *, cards: bool = True) -> None:
    """A small table; on a telephone each row becomes a card, unless its columns fit there."""
    kinds = ['class="lk-n"' if column.number else "" for column in columns]
    head = "".join(f"<th {kind}>{escape(c.label)}</th>" for c, kind in zip(columns, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f'<td {kind} data-label="{escape(c.label)}">{_markup(cell)}</td>'
            for c, kind, cell in zip(columns, kinds, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    st.html(
        f'<div class="lk-table{" lk-cards" if cards else ""}" id="{escape(key)}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def badge(kind: str, text: str) -> Markup:
    """A small coloured word."""
    return Markup(f'<span class="lk-badge lk-{kind}">{escape(text)}</span>')


def titled(text: str, exact: str) -> Markup:
    """A text that tells more when it is rested on."""
    return Markup(f'<span title="{escape(exact)}">{escape(text)}</span>')


def hidden(text: str) -> Markup:
    """In the place of a figure that is not shown."""
    return Markup(f'<span class="lk-hidden">{escape(text)}</span>')


def bar(text: str, share: float) -> Markup:
    """A figure over a bar as long as its share of the largest."""
    width = max(0.0, min(share, 1.0)) * 100
    return Markup(f'{escape(text)}<span class="lk-bar"><i style="width:{width:.1f}%"></i></span>')


def legend(colours: Mapping[str, str]) -> None:
    """Which colour stands for what."""
    words = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items()
    )
    st.html(f'<div class="lk-legend">{words}</div>')


def notice(kind: str, text: str, then: str = "") -> None:
    """A plain word on something that is not as it should be, and what follows."""
    small = f"<p>{_code(then)}</p>" if then else ""
    st.html(f'<div class="lk-notice lk-{_KINDS[kind]}" role="status"><p><b>{_code(text)}</b></p>{small}</div>')


def line(kind: str, word: str, rest: str) -> None:
    """The line of freshness."""
    st.html(f'<div class="lk-line" role="status">{badge(kind, word)}<span>{_code(rest)}</span></div>')


def note(text: str) -> None:
    """A small remark."""
    st.html(f'<p class="lk-note">{_code(text)}</p>')


def _markup(cell: str) -> str:
    return cell if isinstance(cell, Markup) else escape(cell)


def _code(text: str) -> str:
    """Words in back quotes are commands."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
