"""All that the page shows, as one document that is embedded in it once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from scoring.leaderboard.charts import AXES, Chart, make_charts
from scoring.leaderboard.entries import HUB, Beside, Entry, bounded, make_entry
from scoring.leaderboard.views import View
from scoring.quality import Quality
from scoring.ratings import RatedGroup
from scoring.results_table import LeftOut
from scoring.stars import MOST_STARS
from scoring.words import UNIT, task_words

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
        "axes": AXES,
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
        "scored": view.scored,
        "tables": [
            _table(f"{number}-{place}", list(groups), beside, pictures)
            for place, (_, groups) in enumerate(tables)
        ],
        "left_out": len(view.ratings.left_out),
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
        "lowest": float(bands.lowest),
        "edges": [float(edge) for edge in bands.edges],
        "highest": float(bands.highest),
        "charts": [
            {
                "name": picture.name,
                "axis": picture.chart.axis,
                "front": picture.chart.front,
                "points": picture.chart.points,
                "drawn": picture.chart.drawn,
            }
            for picture in pictures
        ],
    }


COLUMNS: Final = (
    *("group", "model", "state", "stars", "fewest", "most", "wh", "interval", "throughput"),
    *("billions", "tokens", "hardware", "on_hub", "evidence", "quality"),
)
"""Of a row in the document: lists are a third of the length of objects."""


def _rows(group: int, entries: Sequence[Entry]) -> Iterator[list[Any]]:
    for one in entries:
        fewest, most = one.possible or (None, None)
        yield [
            *(group, one.model, one.state, one.stars, fewest, most, one.wh, one.interval_wh),
            *(one.throughput, one.billions, one.tokens, one.hardware),
            *(int(one.on_hub), one.evidence, one.quality),
        ]


def _left_out(one: LeftOut) -> list[str]:
    return [bounded(one.model), bounded(one.state), bounded(one.because)]
