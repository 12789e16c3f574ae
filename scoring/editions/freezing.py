"""Making an edition: rated rows are frozen, those of an earlier edition stay in.

A new edition may change any star, because it has other rows; energies never change.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from scoring.editions.edition import Edition, EditionGroup, EditionRow
from scoring.errors import ScoringError
from scoring.figures import plain
from scoring.ratings import RatedGroup, RatedRow, Ratings
from scoring.results_table import LeftOut, Row
from scoring.row_identity import RowId, model_and_state, name, row_id

KEPT: Final = ("run_id", "timestamp", "gpu_name", "gpu_count", "spec_hash", "imported_from")
"""Cells by which the run of a row can be found again, and what its label shows of it."""


def freeze(edition: str, scored: str, ratings: Ratings) -> Edition:
    """Raises ValueError (pydantic's) for a name or a month that an edition cannot have."""
    return Edition(
        edition=edition, scored=scored, groups=tuple(_group(rated) for rated in ratings.groups)
    )


def carried_over(rows: Sequence[Row | LeftOut], earlier: Edition) -> list[Row | LeftOut]:
    """With the rows of an earlier edition that the results do not have themselves.

    A row may stand in either several times; each of its energies counts as often as it is there.

    Raises:
        ScoringError: a row lacks an energy of the earlier edition here, and has another one.
    """
    here, there = _by_id([row for row in rows if isinstance(row, Row)]), _by_id(earlier.rows())
    more: list[Row] = []
    for identity, frozen in there.items():
        found = here.get(identity, [])
        lost, new = _without(frozen, found), _without(found, frozen)
        if lost and new:
            raise ScoringError(
                f"{new[0].place}, {model_and_state(new[0])}",
                f"has {new[0].wh} Wh, and {lost[0].wh} Wh in the edition {earlier.edition!r}:"
                " energies do not change with an edition",
                "Leave it out of the results, or rate without the earlier edition.",
            )
        more += lost
    return [*rows, *more]


def other_runs(rows: Sequence[Row | LeftOut], earlier: Edition) -> Iterator[str]:
    """A sentence on each row that an earlier edition has another run of: both stay in."""
    frozen = earlier.rows()
    names, ids = {name(row) for row in frozen}, {row_id(row) for row in frozen}
    for row in rows:
        if isinstance(row, Row) and name(row) in names and row_id(row) not in ids:
            yield (
                f"{row.place}, {model_and_state(row)} is another run than that of the edition"
                f" {earlier.edition!r}: both are rated"
            )


def _by_id(rows: Sequence[Row]) -> dict[RowId, list[Row]]:
    found: dict[RowId, list[Row]] = defaultdict(list)
    for row in rows:
        found[row_id(row)].append(row)
    return found


def _without(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """Those whose energy the others do not have, or not as often."""
    left = Counter(row.wh for row in others)
    kept = []
    for row in rows:
        left[row.wh] -= 1
        if left[row.wh] < 0:
            kept.append(row)
    return kept


def _group(rated: RatedGroup) -> EditionGroup:
    group, bands = rated.group, rated.bands
    first, second, third, fourth = map(plain, bands.edges)
    return EditionGroup(
        task=group.task,
        model_class=group.model_class,
        reasoning=group.reasoning,
        rehearsal=group.rehearsal,
        lowest_wh=plain(bands.lowest),
        highest_wh=plain(bands.highest),
        edges_wh=(first, second, third, fourth),
        rows=tuple(_row(one) for one in rated.rows),
    )


def _row(one: RatedRow) -> EditionRow:
    row = one.row
    return EditionRow(
        model=row.model,
        state=row.state,
        wh_per_1000_queries=plain(row.wh),
        interval_wh="" if row.interval_wh is None else plain(row.interval_wh),
        stars=one.stars,
        run={name: row.cells[name] for name in KEPT if row.cells.get(name)},
    )
