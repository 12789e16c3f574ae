"""Rows of the results, rated within their groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from benchmark_core.collector import without_collector
from scoring.confidence import Possible, possible_stars
from scoring.results_table import Group, LeftOut, Row
from scoring.schemes import DEFAULT, Scheme
from scoring.stars import Bands


@dataclass(frozen=True, slots=True)
class RatedRow:
    """`to_more_wh` less would give one star more, `to_fewer_wh` more is the most that keeps these;
    None where there are no more, or no fewer. `possible` is what the intervals allow."""

    row: Row
    stars: int
    to_more_wh: Decimal | None
    to_fewer_wh: Decimal | None
    possible: Possible | None


@dataclass(frozen=True)
class RatedGroup:
    """A group with its bands; the rows with their stars, the lowest energy first."""

    group: Group
    bands: Bands
    rows: tuple[RatedRow, ...]


@dataclass(frozen=True)
class Ratings:
    groups: tuple[RatedGroup, ...]
    left_out: tuple[LeftOut, ...]


@without_collector()
def rate(rows: Sequence[Row | LeftOut], scheme: Scheme = DEFAULT) -> Ratings:
    """Each row against the others of its group: task, class, whether it reasons, rehearsals apart.

    The same model may stand in a group twice; then each of its rows is rated.
    """
    grouped = in_groups([row for row in rows if isinstance(row, Row)])
    return Ratings(
        groups=tuple(_rate(group, members, scheme) for group, members in grouped.items()),
        left_out=tuple(row for row in rows if isinstance(row, LeftOut)),
    )


def in_groups(rows: Sequence[Row]) -> dict[Group, list[Row]]:
    """Real groups before rehearsals, each with its rows, the lowest energy first."""
    grouped: dict[Group, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.wh, row.model, row.state, row.line)):
        grouped.setdefault(row.group, []).append(row)
    ordered = sorted(
        grouped, key=lambda one: (one.rehearsal, one.task, one.model_class, one.reasoning)
    )
    return {group: grouped[group] for group in ordered}


def rated_row(row: Row, bands: Bands, possible: Possible | None = None) -> RatedRow:
    stars = bands.stars(row.wh)
    better, worse = bands.around(stars)
    return RatedRow(
        row=row,
        stars=stars,
        to_more_wh=None if better is None else row.wh - better,
        to_fewer_wh=None if worse is None else worse - row.wh,
        possible=possible,
    )


def _rate(group: Group, rows: Sequence[Row], scheme: Scheme) -> RatedGroup:
    bands = scheme.bands([row.wh for row in rows])
    possible = possible_stars(rows) if scheme is DEFAULT else [None] * len(rows)
    rated = (rated_row(row, bands, one) for row, one in zip(rows, possible, strict=True))
    return RatedGroup(group, bands, tuple(rated))
