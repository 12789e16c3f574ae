"""Stars: five bands of equal width between the lowest and the highest energy of a group.

The rule of AI Energy Score, recomputed on all 166 ratings published in February 2025. Energies are
exact decimals, because rounding moves some over an edge. A value on an edge gets the better rating.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

MOST_STARS = 5
DIGITS = 200
"""More than any edge has, so that none is rounded: a fifth of a finite decimal is finite."""


@dataclass(frozen=True)
class Bands:
    """Between the lowest and the highest energy. Not `meaningful` without two different ones:
    everybody has five stars then.

    `edges` are the four upper ends of the bands of 5, 4, 3 and 2 stars, in the energies' unit; of
    equal width unless they are given.
    """

    lowest: Decimal
    highest: Decimal
    edges: tuple[Decimal, ...] = ()

    def __post_init__(self) -> None:
        if not self.edges:
            object.__setattr__(self, "edges", _equal_width(self.lowest, self.highest))

    @property
    def meaningful(self) -> bool:
        return self.lowest < self.highest

    def stars(self, energy: Decimal) -> int:
        """From 1 to 5; energies below the lowest have 5, and above the highest 1."""
        return MOST_STARS - bisect_left(self.edges, energy)

    def around(self, stars: int) -> tuple[Decimal | None, Decimal | None]:
        """The edge that the band of so many stars begins after, and the one it ends with."""
        place = MOST_STARS - stars
        before = self.edges[place - 1] if place else None
        return before, self.edges[place] if place < len(self.edges) else None


def _equal_width(lowest: Decimal, highest: Decimal) -> tuple[Decimal, ...]:
    with localcontext(prec=DIGITS):
        width = (highest - lowest) / MOST_STARS
        return tuple(lowest + number * width for number in range(1, MOST_STARS))


def bands_of(energies: Sequence[Decimal]) -> Bands:
    """The bands of a group of energies. Raises ValueError without any, or with one not above 0."""
    lowest = min(energies, default=Decimal(0))
    if lowest <= 0:
        raise ValueError("stars need energies above 0")
    return Bands(lowest, max(energies))
