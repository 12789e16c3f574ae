"""A label as SVG: the same facts always give the same bytes, whatever machine draws them.

Positions are pixels of a card of 260 x 364.
"""

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmark_core.terminal_text import printable
from scoring.label import words
from scoring.label.facts import LabelFacts
from scoring.label.text_fit import Step, fit
from scoring.label.typeface import Weight, inter
from scoring.stars import MOST_STARS
from scoring.words import REHEARSAL

if TYPE_CHECKING:
    from jinja2 import Template

WIDTH: Final = 260
HEIGHT: Final = 364
MARGIN: Final = 16
INNER: Final = WIDTH - 2 * MARGIN
TEMPLATE: Final = Path(__file__).with_name("label.svg")
HASH_ATTRIBUTE: Final = "data-sha256"

NAME_TOP: Final = 75
NAME_STEPS: Final = (
    *(Step(16, 2), Step(15, 2), Step(14, 2)),
    *(Step(13, 3), Step(12, 3), Step(11, 3)),
)
PITCH: Final = {2: 19.0, 3: 15.5}
ASCENT_EM: Final = 0.969
CAPITAL_EM: Final = 0.727

VALUE_STEPS: Final = (Step(12, 1), Step(11, 1), Step(10, 1), Step(9, 1))
ENERGY_STEPS: Final = (Step(14, 1), Step(13, 1), Step(12, 1), Step(11, 1))
PRINT_STEPS: Final = (Step(8, 1), Step(7, 1))
TITLE, TITLE_SIZE, TITLE_GAP = "AI Energy Score", 17, 7

STAR_WIDTH, STAR_PITCH, FIRST_STAR = 18, 20, 145


@dataclass(frozen=True)
class Line:
    """One line of text: its baseline, and the width that it takes in Inter.

    Where another font draws it, it is told to take no more.
    """

    text: str
    size: float
    baseline: float
    width: float


def draw(facts: LabelFacts) -> str:
    """The SVG, with its digest and the hash over its canonical form."""
    unsigned = _render(facts, "")
    return _render(facts, content_sha256(unsigned))


def content_sha256(svg: str) -> str:
    """Over all that a label shows and says, but for this hash itself."""
    return hashlib.sha256(canonical(svg).encode()).hexdigest()


def canonical(svg: str) -> str:
    """Canonical XML 2.0 without the hash. Of a text that was parsed before, and has no DOCTYPE."""
    return ET.canonicalize(svg, exclude_attrs={HASH_ATTRIBUTE})


def _render(facts: LabelFacts, sha256: str) -> str:
    return _template().render(_drawn(facts) | {"sha256": sha256})


@lru_cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "sort_keys": False}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _drawn(facts: LabelFacts) -> dict[str, Any]:
    """The variables of the template."""
    title_width = inter("Medium").width(TITLE, TITLE_SIZE)
    left = (WIDTH - STAR_WIDTH - TITLE_GAP - title_width) / 2
    return {
        "digest": facts.model_dump(mode="json"),
        "name": printable(facts.model),
        "description": printable(words.description(facts)),
        "name_lines": _name(facts.model),
        "values": [
            ("month", _line(words.month(facts), "Medium", 160, VALUE_STEPS, 135)),
            ("task", _line(words.task(facts), "Medium", 172, VALUE_STEPS, 159)),
            ("hardware", _line(words.hardware(facts), "Medium", 143, VALUE_STEPS, 183)),
            ("energy", _line(words.energy(facts), "Medium", 100, ENERGY_STEPS, 243)),
        ],
        "note": _line(facts.note, "Regular", 122, PRINT_STEPS, 303),
        "small_print": _line(words.small_print(facts), "Regular", INNER, PRINT_STEPS, 356),
        "watermark": REHEARSAL if facts.rehearsal else "",
        "learn_more": words.LEARN_MORE,
        "learn_more_link": words.LEARN_MORE_LINK,
        "stars": [(FIRST_STAR + STAR_PITCH * n, n < facts.stars) for n in range(MOST_STARS)],
        "title": TITLE,
        "title_size": TITLE_SIZE,
        "title_width": round(title_width, 2),
        "title_star_x": round(left, 2),
        "title_x": round(left + STAR_WIDTH + TITLE_GAP, 2),
    }


def _name(model: str) -> list[Line]:
    typeface = inter("Bold")
    fitted = fit(printable(model), typeface, INNER, NAME_STEPS)
    pitch = PITCH.get(len(fitted.lines), 0)
    first = NAME_TOP + ASCENT_EM * fitted.size
    return [
        Line(
            text,
            fitted.size,
            round(first + number * pitch, 2),
            round(typeface.width(text, fitted.size), 2),
        )
        for number, text in enumerate(fitted.lines)
    ]


def _line(text: str, weight: Weight, room: float, steps: Sequence[Step], centre: float) -> Line:
    """On one line, its capitals centred at `centre`."""
    typeface = inter(weight)
    fitted = fit(printable(text), typeface, room, steps)
    (shown,) = fitted.lines
    baseline = centre + CAPITAL_EM * fitted.size / 2
    width = typeface.width(shown, fitted.size)
    return Line(shown, fitted.size, round(baseline, 2), round(width, 2))
