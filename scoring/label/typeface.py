"""Inter, the typeface of labels: its files, and how wide it sets a text."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

Weight = Literal["Regular", "Medium", "Bold"]

FOLDER: Final = Path(__file__).with_name("fonts")
FILES: Final[Mapping[Weight, Path]] = {
    "Regular": FOLDER / "Inter-Regular.ttf",
    "Medium": FOLDER / "Inter-Medium.ttf",
    "Bold": FOLDER / "Inter-Bold.ttf",
}
WIDE_EM: Final = 1.0
"""Of a character that Inter lacks: an ideograph fills a square in any font."""
OTHER_EM: Final = 0.7


@dataclass(frozen=True)
class Typeface:
    """Widths in em, so that they hold at any size; those of characters that Inter lacks are
    guessed, and never depend on the fonts of a machine."""

    widths_em: Mapping[int, float]

    def width(self, text: str, size: float) -> float:
        """In the unit of `size`. Kerning is left out: it makes texts narrower, if anything."""
        return size * sum(map(self._em, text))

    def _em(self, character: str) -> float:
        known = self.widths_em.get(ord(character))
        if known is not None:
            return known
        if unicodedata.combining(character):
            return 0.0
        return WIDE_EM if is_wide(character) else OTHER_EM


def is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


@lru_cache
def inter(weight: Weight) -> Typeface:
    from fontTools.ttLib import TTFont

    with TTFont(FILES[weight]) as font:
        em, advances = font["head"].unitsPerEm, font["hmtx"].metrics
        return Typeface({code: advances[name][0] / em for code, name in font.getBestCmap().items()})


def missing_from_inter(text: str) -> frozenset[str]:
    """The characters of a text that no weight of Inter has; they have the same."""
    known = inter("Regular").widths_em
    return frozenset(one for one in text if ord(one) not in known and not one.isspace())
