"""The files of labels: their names, and how they get there."""

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmark_core.atomic_file import write_bytes
from scoring.errors import ScoringError
from scoring.label.drawing import draw
from scoring.label.facts import LabelFacts
from scoring.label.picture import SCALES, draw_picture
from scoring.label.spare_fonts import Spares, spares_for

LONGEST_STEM: Final = 100
UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
HASH_CHARACTERS: Final = 8


def stems(labels: Sequence[LabelFacts]) -> list[str]:
    """Names for the files of labels that are safe on any disk, and no other row's.

    A row has the same in every table and edition, so a new label replaces the old one. A row that
    stands in a table twice has a number from the second time on.
    """
    seen: Counter[str] = Counter()
    names = []
    for name in map(_stem, labels):
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _stem(facts: LabelFacts) -> str:
    of = (facts.model, facts.state, facts.task, facts.model_class, facts.run_id)
    identity = "\n".join((*of, str(facts.reasoning), str(facts.rehearsal)))
    sha256 = hashlib.sha256(identity.encode()).hexdigest()
    parts = (facts.model, facts.state, facts.task, "rehearsal" if facts.rehearsal else "")
    safe = (UNSAFE.sub("_", part).strip("._-") for part in parts)
    readable = "_".join(part for part in safe if part)[:LONGEST_STEM]
    return f"{readable}_{sha256[:HASH_CHARACTERS]}"


def write_labels(folder: Path, labels: Sequence[LabelFacts]) -> dict[str, Spares]:
    """The SVG of each, and a PNG at each scale: all of them, or on any error none.

    Answers by their names the fonts that Inter's lack was made up from.

    Raises:
        ScoringError: the folder cannot be written.
    """
    try:
        folder = folder.resolve()
        # Files can be moved only within one disk, which a folder that is there may be the root of.
        place = folder if folder.exists() else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=place) as scratch:
            named = zip(stems(labels), labels, strict=True)
            spares = {name: _write_label(Path(scratch), name, facts) for name, facts in named}
            folder.mkdir(exist_ok=True)
            for path in Path(scratch).iterdir():
                path.replace(folder / path.name)
            return spares
    except OSError as error:
        raise ScoringError(
            str(folder), f"cannot be written ({error.strerror})", "Choose another --out."
        ) from error
    except RuntimeError as error:
        raise ScoringError(
            str(folder), "is a link that leads in a circle", "Choose another --out."
        ) from error


def _write_label(folder: Path, name: str, facts: LabelFacts) -> Spares:
    svg = draw(facts)
    spares = spares_for(svg)
    write_bytes(folder / f"{name}.svg", svg.encode())
    for scale in SCALES:
        suffix = "" if scale == 1 else f"@{scale}x"
        write_bytes(folder / f"{name}{suffix}.png", draw_picture(svg, scale, spares))
    return spares
