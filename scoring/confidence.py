"""Which stars a row could have had, as far as the spread of repetitions tells.

Every energy may lie anywhere within its 95 % confidence interval, the row's own and those of the
others, whose lowest and highest set the edges. The fewest stars come with the row at its upper end
and all others at their lower ends, the most the other way round. All ends at once are rarer than
one in twenty, so the answer is wide rather than narrow. A row without an interval stands still; so
do the edges of an edition.
"""

from collections.abc import Sequence
from decimal import Decimal
from heapq import nlargest, nsmallest

from scoring.results_table import Row
from scoring.stars import Bands

Possible = tuple[int, int]
"""The fewest and the most stars."""


def possible_stars(rows: Sequence[Row]) -> list[Possible | None]:
    """Of rows that are one group, in their order; None for a row without an interval."""
    lower, upper = [], []
    for row in rows:
        half = row.interval_wh or Decimal(0)
        lower.append(row.wh - half)
        upper.append(row.wh + half)
    lower_others, upper_others = _Others(lower), _Others(upper)
    return [
        None
        if row.interval_wh is None
        else (lower_others.stars(place, upper[place]), upper_others.stars(place, lower[place]))
        for place, row in enumerate(rows)
    ]


def possible_between(bands: Bands, row: Row) -> Possible | None:
    """Of a row between edges that stand still: at both ends of its own interval."""
    half = row.interval_wh
    return None if half is None else (bands.stars(row.wh + half), bands.stars(row.wh - half))


class _Others:
    """The lowest and highest of all energies but one."""

    def __init__(self, energies: Sequence[Decimal]) -> None:
        places = range(len(energies))
        self._lowest = nsmallest(2, places, key=energies.__getitem__)
        self._highest = nlargest(2, places, key=energies.__getitem__)
        self._energies = energies
        self._bands = Bands(energies[self._lowest[0]], energies[self._highest[0]])

    def stars(self, place: int, energy: Decimal) -> int:
        """Of the row at `place`, if it needed so much and all others what they have here."""
        bands = self._bands
        at_an_end = place == self._lowest[0] or place == self._highest[0]
        if at_an_end or not bands.lowest <= energy <= bands.highest:
            ends = (*self._lowest, *self._highest)
            seen = [energy, *(self._energies[one] for one in ends if one != place)]
            bands = Bands(min(seen), max(seen))
        return bands.stars(energy)
