"""Rows of the results, rated within their groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.results_table import Group, LeftOut, Row
from scoring.stars import Bands, bands_of


@dataclass(frozen=True)
class RatedGroup:
    """A group with its bands; the rows with their stars, the lowest energy first."""

    group: Group
    bands: Bands
    rows: tuple[tuple[Row, int], ...]


@dataclass(frozen=True)
class Ratings:
    groups: tuple[RatedGroup, ...]
    left_out: tuple[LeftOut, ...]


def rate(rows: Sequence[Row | LeftOut]) -> Ratings:
    """Each row against the others of its group: task, class, whether it reasons, rehearsals apart.

    The same model may stand in a group twice; then each of its rows is rated.
    """
    grouped: dict[Group, list[Row]] = {}
    for row in rows:
        if isinstance(row, Row):
            grouped.setdefault(row.group, []).append(row)
    ordered = sorted(
        grouped, key=lambda one: (one.rehearsal, one.task, one.model_class, one.reasoning)
    )
    return Ratings(
        groups=tuple(_rate(group, grouped[group]) for group in ordered),
        left_out=tuple(row for row in rows if isinstance(row, LeftOut)),
    )


def _rate(group: Group, rows: Sequence[Row]) -> RatedGroup:
    bands = bands_of([row.wh for row in rows])
    ordered = sorted(rows, key=lambda row: (row.wh, row.model, row.state, row.line))
    return RatedGroup(group, bands, tuple((row, bands.stars(row.wh)) for row in ordered))
