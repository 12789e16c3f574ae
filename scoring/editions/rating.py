"""Rows of any table, rated by the edges of an edition."""

from collections import defaultdict
from collections.abc import Sequence

from scoring.confidence import possible_between
from scoring.editions.edition import Edition
from scoring.figures import plain
from scoring.ratings import RatedGroup, Ratings, in_groups, rated_row
from scoring.results_table import Group, LeftOut, Row
from scoring.row_identity import Name, RowId, name, row_id
from scoring.stars import Bands


def rate_by(edition: Edition, rows: Sequence[Row | LeftOut]) -> Ratings:
    """Rows by the edges of an edition, whatever else stands in the table."""
    bands = edition.bands()
    found = in_groups([row for row in rows if isinstance(row, Row)])
    unknown = [
        row.left_out(f"the edition {edition.edition!r} has no such group")
        for group, members in found.items()
        if group not in bands
        for row in members
    ]
    return Ratings(
        groups=tuple(
            _rated(group, bands[group], members)
            for group, members in found.items()
            if group in bands
        ),
        left_out=(*(row for row in rows if isinstance(row, LeftOut)), *unknown),
    )


def _rated(group: Group, bands: Bands, members: Sequence[Row]) -> RatedGroup:
    rated = (rated_row(row, bands, possible_between(bands, row)) for row in members)
    return RatedGroup(group, bands, tuple(rated))


def own_rows(edition: Edition, rows: Sequence[Row | LeftOut]) -> list[Row | LeftOut]:
    """Those that stand in the edition, in the same group and with the same energy.

    Any other is left out, with the reason: it may be rated by the edges, and is none of its rows.
    """
    own = _Own(edition)
    return [row if isinstance(row, LeftOut) else own.row(row) for row in rows]


class _Own:
    """The rows of an edition, to be asked for those of a table."""

    def __init__(self, edition: Edition) -> None:
        self._name = f"the edition {edition.edition!r}"
        self._by_id: dict[RowId, list[Row]] = defaultdict(list)
        self._names: set[Name] = set()
        for row in edition.rows():
            self._by_id[row_id(row)].append(row)
            self._names.add(name(row))

    def row(self, row: Row) -> Row | LeftOut:
        frozen = self._by_id.get(row_id(row), [])
        if any((one.group, one.wh) == (row.group, row.wh) for one in frozen):
            return row
        return row.left_out(f"{self._name} {self._because(row, frozen)}")

    def _because(self, row: Row, frozen: Sequence[Row]) -> str:
        if any(one.wh == row.wh for one in frozen):
            return "has it in another group: its task, class or reasoning was another"
        if frozen:
            energies = " and ".join(plain(one.wh) for one in frozen)
            return f"has {energies} Wh for it, and not {row.wh} Wh"
        return "has another run of it" if name(row) in self._names else "does not have it"
