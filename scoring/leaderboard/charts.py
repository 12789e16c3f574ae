"""Energy against what it is spent for, as a picture: drawn by Vega while the site is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from scoring.leaderboard.entries import Entry
from scoring.leaderboard.pareto import pareto_front

Axis = Literal["throughput", "billions"]


@dataclass(frozen=True)
class AxisWords:
    """`title` heads an axis or a column, `unit` follows a figure, `short` stands in a sentence."""

    title: str
    unit: str
    short: str


AXES: Final[dict[Axis, AxisWords]] = {
    "throughput": AxisWords("Tokens per second", "tokens per second", "tokens per second"),
    "billions": AxisWords("Billion parameters, by the name", "billion parameters", "parameters"),
}
ENERGY: Final = "Wh per 1,000 queries"
FEWEST_POINTS: Final = 3
MOST_POINTS: Final = 300
"""Drawn of one group; of more only every n-th, and all of the front."""
MOST_NUMBERED: Final = 20
LOG_FROM: Final = 20
"""Largest over smallest value, from which an axis is logarithmic."""
WIDE, NARROW = (640, 340), (236, 260)


@dataclass(frozen=True)
class Chart:
    """`front` are places in the group's rows, the least energy first; `wide` and `narrow` are SVG.

    The pictures hold no text of the rows: a point is described by the place of its row.
    """

    axis: Axis
    front: tuple[int, ...]
    points: int
    drawn: int
    wide: str
    narrow: str


def make_charts(entries: Sequence[Entry]) -> list[Chart]:
    """One for each axis that enough rows of a group have. Raises ImportError without Vega."""
    charts = (_chart(axis, entries) for axis in AXES)
    return [chart for chart in charts if chart]


def _chart(axis: Axis, entries: Sequence[Entry]) -> Chart | None:
    known = [
        (place, worth, float(entry.wh))
        for place, entry in enumerate(entries)
        if (worth := getattr(entry, axis)) is not None
    ]
    if len(known) < FEWEST_POINTS or len({worth for _, worth, _ in known}) < FEWEST_POINTS:
        return None
    front = [known[n][0] for n in pareto_front([(worth, wh) for _, worth, wh in known])]
    step = -(-len(known) // MOST_POINTS)
    number = {place: n for n, place in enumerate(front, start=1)}
    values = [
        {"row": str(place), "worth": worth, "wh": wh, "number": number.get(place, 0)}
        for n, (place, worth, wh) in enumerate(known)
        if n % step == 0 or place in number
    ]
    wide, narrow = (_drawn(_specification(axis, values, size)) for size in (WIDE, NARROW))
    return Chart(axis, tuple(front), len(known), len(values), wide, narrow)


def _drawn(specification: dict[str, Any]) -> str:
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(specification)
    return svg


def _specification(
    axis: Axis, values: list[dict[str, Any]], size: tuple[int, int]
) -> dict[str, Any]:
    """In Vega-Lite. Colours are those of the page, light or dark as it is."""
    position = {
        "x": _scale("worth", AXES[axis].title, [one["worth"] for one in values]),
        "y": _scale("wh", ENERGY, [one["wh"] for one in values]),
    }
    on_front = [{"filter": "datum.number > 0"}]
    numbered = [{"filter": f"datum.number > 0 && datum.number <= {MOST_NUMBERED}"}]
    described = position | {"description": {"field": "row", "type": "nominal"}}
    point = {"type": "point", "filled": True}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": size[0],
        "height": size[1],
        "background": None,
        "data": {"values": values},
        "config": _CONFIG,
        "layer": [
            {
                "transform": on_front,
                "mark": {"type": "line", "color": "var(--front)", "interpolate": "step-after"},
                "encoding": position,
            },
            {
                "transform": [{"filter": "datum.number == 0"}],
                "mark": {**point, "size": 40, "color": "var(--quiet)", "opacity": 0.6},
                "encoding": described,
            },
            {
                "transform": on_front,
                "mark": {**point, "size": 70, "color": "var(--front)", "opacity": 1},
                "encoding": described,
            },
            {
                "transform": numbered,
                "mark": {"type": "text", "dx": 8, "dy": 9, "fontSize": 12, "color": "currentColor"},
                "encoding": position | {"text": {"field": "number", "type": "nominal"}},
            },
        ],
    }


def _scale(field: str, title: str, values: Sequence[float]) -> dict[str, Any]:
    is_log = max(values) > LOG_FROM * min(values)
    scale = {"type": "log", "nice": False} if is_log else {"type": "linear", "zero": False}
    return {
        "field": field,
        "type": "quantitative",
        "title": f"{title} (logarithmic)" if is_log else title,
        "scale": scale | {"padding": 12},
        "axis": {"format": "~s" if max(values) >= 1000 else "~g", "tickCount": 5},
    }


_CONFIG: Final[dict[str, Any]] = {
    "font": "inherit",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.13,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
}
