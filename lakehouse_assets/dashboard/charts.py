"""The charts: few colours, no ornament; a part that is not shown leaves a small mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from lakehouse_assets.dashboard.theme import SERIES, SLATE, TEAL

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
_HEIGHT = 260
_SCALES = {"pt": ((1e9, "bi"), (1e6, "mi"), (1e3, "mil")), "en": ((1e9, "B"), (1e6, "M"), (1e3, "k"))}


class Bar(NamedTuple):
    """One bar: where, how high (None: hidden), what resting on it tells, and its series."""

    at: str
    value: float | None
    told: str
    series: str = ""


def columns(bars: Sequence[Bar], language: str, names: tuple[str, str], colour: str = TEAL) -> Chart:
    """Upright bars in the order given."""
    base = _base(bars)
    x = _places(bars)
    shown = base.transform_filter("isValid(datum.value)").mark_bar(
        color=colour, cornerRadiusTopLeft=2, cornerRadiusTopRight=2
    )
    hidden = base.transform_filter("!isValid(datum.value)").mark_point(shape="cross", color=SLATE, size=28, filled=True)
    tips = _tips(names)
    y = alt.Y("value:Q", title=None, axis=_scale(language, bars))
    return alt.layer(shown.encode(x=x, y=y, tooltip=tips), hidden.encode(x=x, y=alt.datum(0), tooltip=tips)).properties(
        height=_HEIGHT
    )


def lying(bars: Sequence[Bar], language: str, names: tuple[str, str], colour: str = TEAL) -> Chart:
    """Lying bars, each with its figure written beside it."""
    base = _base(bars)
    y = alt.Y("at:N", sort=_order(bars), title=None, axis=alt.Axis(labelLimit=160, domain=False, ticks=False))
    most = max((bar.value or 0 for bar in bars), default=0) or 1
    x = alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domain=[0, most * 1.45]))
    drawn = base.mark_bar(color=colour, cornerRadiusEnd=3, height={"band": 0.55}).encode(x=x, y=y, tooltip=_tips(names))
    written = base.transform_calculate(edge="isValid(datum.value) ? datum.value : 0").mark_text(
        align="left", dx=6, fontSize=12, color=SLATE
    )
    return alt.layer(drawn, written.encode(x=alt.X("edge:Q", axis=None), y=y, text="told:N")).properties(
        height=48 * max(len(bars), 1) + 20
    )


def colours(series: Iterable[str]) -> dict[str, str]:
    """A colour for each series, the same whatever else is shown."""
    return {name: SERIES[i % len(SERIES)] for i, name in enumerate(sorted(set(series)))}


def stacked(bars: Sequence[Bar], language: str, names: tuple[str, str, str], painted: dict[str, str]) -> Chart:
    """Upright bars in parts, each in its series' colour; a place where all is hidden stays empty."""
    scale = alt.Scale(domain=list(painted), range=list(painted.values()))
    tips = zip(("at:N", "series:N", "told:N"), names, strict=True)
    return (
        _base([bar for bar in bars if bar.value is not None])
        .mark_bar()
        .encode(
            x=_places(bars),
            y=alt.Y("value:Q", title=None, axis=_scale(language, bars)),
            color=alt.Color("series:N", scale=scale, legend=None),
            tooltip=[alt.Tooltip(field, title=name) for field, name in tips],
        )
        .properties(height=_HEIGHT)
    )


def _base(bars: Sequence[Bar]) -> alt.Chart:
    frame = pd.DataFrame({name: [getattr(bar, name) for bar in bars] for name in Bar._fields})
    return alt.Chart(frame.astype({"value": "float64"}))


def _tips(names: tuple[str, str]) -> list[alt.Tooltip]:
    return [alt.Tooltip("at:N", title=names[0]), alt.Tooltip("told:N", title=names[1])]


def _places(bars: Sequence[Bar]) -> alt.X:
    """The places of all bars in their order, also of those that are not drawn."""
    order = _order(bars)
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=8, ticks=False, domain=False)
    return alt.X("at:O", sort=order, scale=alt.Scale(domain=order), title=None, axis=axis)


def _order(bars: Sequence[Bar]) -> list[str]:
    return list(dict.fromkeys(bar.at for bar in bars))


def _scale(language: str, bars: Sequence[Bar]) -> alt.Axis:
    """Few, short numbers: 150 mil, 1,5 mi."""
    totals: dict[str, float] = {}
    for bar in bars:
        totals[bar.at] = totals.get(bar.at, 0.0) + (bar.value or 0.0)
    most = max(totals.values(), default=0.0)
    size, word = next(((size, f" {word}") for size, word in _SCALES[language] if most >= size * 2), (1, ""))
    decimals = f"format(datum.value / {size:.0f}, '~r')" if most else "datum.value"
    written = f"replace({decimals}, '.', ',')" if language == "pt" else decimals
    options: dict[str, Any] = {"tickCount": 4, "domain": False, "ticks": False, "gridOpacity": 0.5}
    return alt.Axis(labelExpr=f"datum.value == 0 ? '0' : {written} + '{word}'", **options)
