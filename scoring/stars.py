"""Stars: five bands of equal width between the lowest and the highest energy of a group.

The rule of AI Energy Score, recomputed on all 166 ratings published in February 2025. Energies are
exact decimals, because rounding moves some over an edge. A value on an edge gets the better rating.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MOST_STARS = 5


@dataclass(frozen=True)
class Bands:
    """`edges` are the four upper ends of the bands of 5, 4, 3 and 2 stars, in the energies' unit.

    Not `meaningful` without two different energies: everybody has five stars then.
    """

    lowest: Fraction
    highest: Fraction

    @property
    def edges(self) -> tuple[Fraction, ...]:
        width = (self.highest - self.lowest) / MOST_STARS
        return tuple(self.lowest + number * width for number in range(1, MOST_STARS))

    @property
    def meaningful(self) -> bool:
        return self.lowest < self.highest

    def stars(self, energy: Fraction) -> int:
        """From 1 to 5. `energy` is one of the group's, so it lies within the bands."""
        return MOST_STARS - sum(energy > edge for edge in self.edges)


def bands_of(energies: Sequence[Fraction]) -> Bands:
    """The bands of a group of energies. Raises ValueError without any, or with one not above 0."""
    if not energies or min(energies) <= 0:
        raise ValueError("stars need energies above 0")
    return Bands(min(energies), max(energies))
