"""All that the page shows, as one document that is embedded in it once."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Final

from scoring.figures import TABLE_DIGITS, figure
from scoring.leaderboard.charts import AXES, Chart, make_charts
from scoring.leaderboard.entries import HUB, Beside, Entry, bounded, make_entry
from scoring.leaderboard.views import View
from scoring.quality import Quality
from scoring.ratings import RatedGroup
from scoring.results_table import LeftOut
from scoring.stars import MOST_STARS
from scoring.words import UNIT, month_words, task_words

NAMELESS: Final = "no name"
MOST_LEFT_OUT: Final = 200
"""Rows that are not rated and are named; the others are counted."""


@dataclass(frozen=True)
class Picture:
    """A chart with the id that the document knows it by."""

    name: str
    chart: Chart


@dataclass(frozen=True)
class BoardData:
    """`document` can be written as JSON; `pictures` are the charts of all groups."""

    document: dict[str, Any]
    pictures: tuple[Picture, ...]


def make_board_data(views: Sequence[View], beside: Beside) -> BoardData:
    pictures: list[Picture] = []
    document = {
        "unit": UNIT,
        "most_stars": MOST_STARS,
        "hub": HUB,
        "axes": {name: asdict(words) for name, words in AXES.items()},
        "quality": list(_quality(beside.quality)),
        "views": [_view(number, view, beside, pictures) for number, view in enumerate(views)],
    }
    return BoardData(document, tuple(pictures))


def _quality(quality: Quality) -> Iterator[dict[str, Any]]:
    """The columns beside the stars, in the order of the cells of a row."""
    for place, name in enumerate(quality.columns):
        yield {"name": bounded(name) or NAMELESS, "numeric": quality.is_numeric(place)}


def _view(number: int, view: View, beside: Beside, pictures: list[Picture]) -> dict[str, Any]:
    tables = groupby(view.ratings.groups, key=lambda one: (one.group.task, one.group.rehearsal))
    return {
        "name": bounded(view.name),
        "scored": month_words(view.scored),
        "tables": [
            _table(f"{number}-{place}", list(groups), beside, pictures)
            for place, (_, groups) in enumerate(tables)
        ],
        "left_out": _counted(len(view.ratings.left_out), "row"),
        "left_out_whole": len(view.ratings.left_out) <= MOST_LEFT_OUT,
        "left_out_rows": [_left_out(one) for one in view.ratings.left_out[:MOST_LEFT_OUT]],
    }


def _table(
    name: str,
    groups: Sequence[RatedGroup],
    beside: Beside,
    pictures: list[Picture],
) -> dict[str, Any]:
    """The groups of one task; `rows` are those of all groups, in the groups' order."""
    entries = [[make_entry(row, beside) for row in one.rows] for one in groups]
    found = [
        [Picture(f"{name}-{place}-{chart.axis}", chart) for chart in make_charts(members)]
        for place, members in enumerate(entries)
    ]
    pictures.extend(picture for one in found for picture in one)
    task = groups[0].group.task
    return {
        "task": task,
        "title": task_words(task).capitalize(),
        "rehearsal": groups[0].group.rehearsal,
        "groups": [
            _group(rated, len(members), charts)
            for rated, members, charts in zip(groups, entries, found, strict=True)
        ],
        "rows": [row for place, members in enumerate(entries) for row in _rows(place, members)],
    }


def _group(rated: RatedGroup, size: int, pictures: Sequence[Picture]) -> dict[str, Any]:
    bands = rated.bands
    return {
        "class": bounded(rated.group.model_class),
        "reasoning": rated.group.reasoning,
        "size": size,
        "meaningful": bands.meaningful,
        "bands": [f"{size:,}", *(figure(float(end)) for end in (*bands.edges, bands.highest))],
        "charts": [
            {
                "name": picture.name,
                "axis": picture.chart.axis,
                "front": picture.chart.front,
                "drawn": _drawn(picture.chart),
                "whole": picture.chart.drawn == picture.chart.points,
            }
            for picture in pictures
        ],
    }


def _drawn(chart: Chart) -> str:
    of = f"{chart.drawn:,} of " if chart.drawn < chart.points else ""
    return f"{of}{_counted(chart.points, 'model')}"


COLUMNS: Final = (
    *("group", "model", "state", "stars", "fewest", "most", "wh", "interval", "energy"),
    *("throughput", "throughput_text", "tokens", "tokens_text", "billions", "billions_text"),
    *("hardware", "on_hub", "evidence", "quality"),
)
"""Of a row in the document: lists are a third of the length of objects. Figures are there to be
sorted and to be downloaded; what is shown of them is text."""


def _rows(group: int, entries: Sequence[Entry]) -> Iterator[list[Any]]:
    for one in entries:
        fewest, most = one.possible or (None, None)
        yield [
            *(group, one.model, one.state, one.stars, fewest, most, one.wh, one.interval_wh),
            *(one.energy, one.throughput, _shown(one.throughput), one.tokens, _shown(one.tokens)),
            *(one.billions, _shown(one.billions), one.hardware, int(one.on_hub), one.evidence),
            one.quality,
        ]


def _shown(value: float | None) -> str:
    return "" if value is None else figure(value, TABLE_DIGITS)


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _left_out(one: LeftOut) -> list[str]:
    return [bounded(one.model), bounded(one.state), bounded(one.because)]
