"""Which stars a row could have had, as far as the spread of repetitions tells.

Every energy may lie anywhere within its 95 % confidence interval, the row's own and those of the
others, whose lowest and highest set the edges. The fewest stars come with the row at its upper end
and all others at their lower ends, the most the other way round. All ends at once are rarer than
one in twenty, so the answer is wide rather than narrow. A row without an interval stands still; so
do the edges of an edition.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from scoring.results_table import Row
from scoring.stars import Bands

Possible = tuple[int, int]
"""The fewest and the most stars."""


def possible_stars(rows: Sequence[Row]) -> list[Possible | None]:
    """Of rows that are one group, in their order; None for a row without an interval."""
    halves = [row.interval_wh or Decimal(0) for row in rows]
    lower = [row.wh - half for row, half in zip(rows, halves, strict=True)]
    upper = [row.wh + half for row, half in zip(rows, halves, strict=True)]
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
        order = sorted(range(len(energies)), key=energies.__getitem__)
        self._lowest = [(place, energies[place]) for place in order[:2]]
        self._highest = [(place, energies[place]) for place in order[:-3:-1]]

    def stars(self, place: int, energy: Decimal) -> int:
        """Of the row at `place`, if it needed so much and all others what they have here."""
        lowest = next((one for other, one in self._lowest if other != place), energy)
        highest = next((one for other, one in self._highest if other != place), energy)
        return _bands(min(energy, lowest), max(energy, highest)).stars(energy)


# Most rows lie between the same two ends, whose edges are then worked out once.
_bands = lru_cache(maxsize=64)(Bands)
