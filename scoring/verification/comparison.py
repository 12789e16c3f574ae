"""What was told against what follows from the evidence, figure by figure."""

import math
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

RELATIVE_TOLERANCE: Final = 1e-9
"""Sums may be added up in another order by another version of Python."""
TINY: Final = 1e-12
"""Below this two figures are both nothing: a residual of equal sums is all rounding."""
LONGEST_SHOWN: Final = 120


def same_number(told: float, made: float, tolerance: float = RELATIVE_TOLERANCE) -> bool:
    return math.isclose(told, made, rel_tol=tolerance, abs_tol=TINY)


def differences(
    told: object, made: object, place: str, tolerance: float = RELATIVE_TOLERANCE
) -> Iterator[str]:
    """A phrase for every figure or word below `place` that is told otherwise than it follows."""
    yield from _differing(_plain(told), _plain(made), place, tolerance)


def _plain(value: object) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _differing(told: Any, made: Any, place: str, tolerance: float) -> Iterator[str]:
    if isinstance(told, dict) and isinstance(made, dict):
        for name in dict.fromkeys((*told, *made)):
            yield from _differing(told.get(name), made.get(name), f"{place}.{name}", tolerance)
    elif isinstance(told, list | tuple) and isinstance(made, list | tuple):
        if len(told) != len(made):
            yield f"{place} has {len(told)} entries, and {len(made)} follow"
        for number, (one, other) in enumerate(zip(told, made, strict=False)):
            yield from _differing(one, other, f"{place}.{number}", tolerance)
    elif _is_number(told) and _is_number(made):
        if not same_number(told, made, tolerance):
            yield f"{place} is {told!r}, and {made!r} follows"
    elif told != made or isinstance(told, bool) != isinstance(made, bool):
        yield f"{place} is {_shown(told)}, and {_shown(made)} follows"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:LONGEST_SHOWN]
