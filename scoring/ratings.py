"""Rows of the results, rated within their groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from benchmark_core.collector import without_collector
from scoring.confidence import Possible, possible_stars
from scoring.results_table import Group, LeftOut, Row
from scoring.schemes import DEFAULT, Scheme
from scoring.stars import Bands


class RatedRow(NamedTuple):
    """A row with its stars within `bands`. `possible` is what the intervals allow."""

    row: Row
    bands: Bands
    stars: int
    possible: Possible | None

    @property
    def to_more_wh(self) -> Decimal | None:
        """So much less would give one star more; None where there are no more."""
        before, _ = self.bands.around(self.stars)
        return None if before is None else self.row.wh - before

    @property
    def to_fewer_wh(self) -> Decimal | None:
        """So much more is the most that keeps these stars; None where there are no fewer."""
        _, end = self.bands.around(self.stars)
        return None if end is None else end - self.row.wh


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
    for row in sorted(rows, key=attrgetter("model", "state", "line")):
        grouped.setdefault(row.group, []).append(row)
    for members in grouped.values():
        # Those of one energy stay in the order of their names.
        members.sort(key=attrgetter("wh"))
    ordered = sorted(
        grouped, key=lambda one: (one.rehearsal, one.task, one.model_class, one.reasoning)
    )
    return {group: grouped[group] for group in ordered}


def rated_row(row: Row, bands: Bands, possible: Possible | None = None) -> RatedRow:
    return RatedRow(row, bands, bands.stars(row.wh), possible)


def _rate(group: Group, rows: Sequence[Row], scheme: Scheme) -> RatedGroup:
    bands = scheme.bands([row.wh for row in rows])
    possible = possible_stars(rows) if scheme is DEFAULT else [None] * len(rows)
    rated = (rated_row(row, bands, one) for row, one in zip(rows, possible, strict=True))
    return RatedGroup(group, bands, tuple(rated))
