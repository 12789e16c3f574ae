"""JSON that says the same to every program that reads it."""

import json
from typing import Any


def name_told_twice(text: bytes) -> str | None:
    """A name that an object has twice: one program takes the first value, another the last.

    Raises:
        ValueError: it is no JSON.
    """
    twice: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                twice.append(name)
            seen.add(name)

    try:
        json.loads(text, object_pairs_hook=look)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return twice[0] if twice else None
