"""Fonts of this machine for the characters that Inter lacks."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from scoring.label.typeface import missing_from_inter

PLACES: Final = (
    *(Path("/usr/share/fonts"), Path("/usr/local/share/fonts")),
    *(Path("~/.local/share/fonts"), Path("~/.fonts")),
    *(Path("/Library/Fonts"), Path("/System/Library/Fonts"), Path("~/Library/Fonts")),
    Path("C:/Windows/Fonts"),
)
SUFFIXES: Final = (".ttf", ".otf", ".ttc", ".otc")


@dataclass(frozen=True)
class Spares:
    """Font files, and the characters that no font here has."""

    files: tuple[Path, ...] = ()
    lacking: frozenset[str] = frozenset()


def spares_for(text: str, places: Sequence[Path] = PLACES) -> Spares:
    """As few files as have all that Inter lacks, as far as any has it; sans serif first."""
    lacking = missing_from_inter(text)
    chosen: list[Path] = []
    for path in _font_files(tuple(places)) if lacking else ():
        had = frozenset(one for one in lacking if ord(one) in _characters(path))
        if had:
            chosen.append(path)
            lacking -= had
        if not lacking:
            break
    return Spares(tuple(chosen), lacking)


@lru_cache
def _font_files(places: tuple[Path, ...]) -> tuple[Path, ...]:
    found = [
        path
        for place in places
        for path in place.expanduser().rglob("*")
        if path.suffix.lower() in SUFFIXES
    ]
    return tuple(sorted(found, key=_rank))


def _rank(path: Path) -> tuple[bool, bool, str]:
    name = path.stem.lower()
    styled = any(word in name for word in ("mono", "italic", "oblique", "serif", "light", "thin"))
    return styled, "sans" not in name, str(path)


@lru_cache(maxsize=1000)
def _characters(path: Path) -> frozenset[int]:
    """None of a file that is no font."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or ())
    except (TTLibError, OSError, ValueError, KeyError, AssertionError, struct.error):
        return frozenset()
