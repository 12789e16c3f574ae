"""The rule of AI Energy Score by its name, and others that are used only when they are named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from scoring.stars import MOST_STARS, Bands, bands_of


@dataclass(frozen=True)
class Scheme:
    """`bands` makes them of the energies of a group, which are above 0, the lowest first."""

    name: str
    summary: str
    bands: Callable[[Sequence[Decimal]], Bands]


def _quintiles(energies: Sequence[Decimal]) -> Bands:
    """A fifth of the rows to each star; equal energies have equal stars."""
    bands = bands_of(energies)
    ranks = (ceil(len(energies) * number / MOST_STARS) for number in range(1, MOST_STARS))
    edges = tuple(energies[rank - 1] for rank in ranks)
    return Bands(bands.lowest, bands.highest, edges)


DEFAULT = Scheme("equal-width", "five bands of equal width (the rule of AI Energy Score)", bands_of)
SCHEMES: Mapping[str, Scheme] = {
    one.name: one
    for one in (DEFAULT, Scheme("quintiles", "a fifth of the rows to each star", _quintiles))
}
