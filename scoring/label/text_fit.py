"""Texts of any length made to fit: smaller, on several lines, and at last cut in their middle."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scoring.label.typeface import Typeface, is_wide

ELLIPSIS: Final = "…"
# A piece is what stays together: up to and with what a name can be broken after.
PIECES: Final = re.compile(r"[^/\-_.:\s]*[/\-_.:\s]+|[^/\-_.:\s]+")


@dataclass(frozen=True)
class Step:
    """A size to try, and on how many lines."""

    size: float
    most_lines: int


@dataclass(frozen=True)
class Fitted:
    """No line is wider than it was allowed to be, in the unit of `size`."""

    lines: tuple[str, ...]
    size: float


def fit(text: str, typeface: Typeface, width: float, steps: Sequence[Step]) -> Fitted:
    """By the first of `steps` that takes the text whole; by the last with its middle left out.

    A word is broken at the last step only.
    """
    for step in steps:
        lines = _whole(text, typeface, width, step)
        if lines:
            return Fitted(lines, step.size)
    last = steps[-1]
    shown = range(len(text) + 1)
    # The longest that fits: bisected, for a name can have any length.
    low, high = 0, len(shown) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _broken(_cut(text, middle), typeface, width, last):
            low = middle
        else:
            high = middle - 1
    cut = _cut(text, low)
    return Fitted(_broken(cut, typeface, width, last) or (cut,), last.size)


def _cut(text: str, kept: int) -> str:
    """So many characters of both ends, the rest left out."""
    if kept >= len(text):
        return text
    head = (kept + 1) // 2
    return f"{text[:head]}{ELLIPSIS}{text[len(text) - (kept - head) :]}"


def _whole(text: str, typeface: Typeface, width: float, step: Step) -> tuple[str, ...] | None:
    """Who made a model stands on a line of its own where both parts fit."""

    def fits(part: str) -> bool:
        return typeface.width(part, step.size) <= width

    if fits(text):
        return (text,)
    maker, slash, model = text.partition("/")
    if step.most_lines > 1 and slash and model and fits(maker + slash) and fits(model):
        return maker + slash, model
    pieces = list(_pieces(text))
    return _lines(pieces, typeface, width, step) if all(map(fits, pieces)) else None


def _broken(text: str, typeface: Typeface, width: float, step: Step) -> tuple[str, ...] | None:
    """Pieces that are too wide are broken between any two letters."""
    pieces: list[str] = []
    for piece in _pieces(text):
        fits = typeface.width(piece, step.size) <= width
        pieces.extend([piece] if fits else piece)
    return _lines(pieces, typeface, width, step)


def _lines(
    pieces: Sequence[str], typeface: Typeface, width: float, step: Step
) -> tuple[str, ...] | None:
    """As much on each line as it takes; None where the lines are too few."""
    lines, filled = [""], 0.0
    for piece in pieces:
        more = typeface.width(piece, step.size)
        if lines[-1] and filled + more > width:
            lines.append("")
            filled = 0.0
            if len(lines) > step.most_lines:
                return None
        lines[-1] += piece
        filled += more
    return tuple(line.strip() for line in lines)


def _pieces(text: str) -> Iterator[str]:
    """Ideographs may stand at either end of a line, each by itself."""
    for piece in PIECES.findall(text):
        start = 0
        for place, character in enumerate(piece):
            if place > start and is_wide(character):
                yield piece[start:place]
                start = place
        yield piece[start:]
