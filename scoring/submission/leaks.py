"""Whether a sealed value can still be read somewhere in a bundle."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmark_core.contract import TRACE_FILE
from scoring.bundles.archive import Content

SHORTEST_LEAK: Final = 6
"""In characters; shorter values occur in any text."""
LONGEST_NEEDLE: Final = 512
"""In bytes; of longer values the beginning is looked for."""


def leaks(contents: Sequence[Content], private: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Members in which a private value can still be read, with the item that has it.

    `private` has the items by their values. Raises OSError.
    """
    needles = {form: item for value, item in private.items() for form in _written(value)}
    for content in contents:
        found = {
            item for text in _texts(content) for needle, item in needles.items() if needle in text
        }
        yield from ((content.name, item) for item in sorted(found))


def _texts(content: Content) -> Iterator[bytes]:
    """Its name, then what is in it, piece by piece and a little of each piece with the next."""
    yield content.name.encode()
    # A trace has numbers and the names of passes; it may have gigabytes of them.
    kept = b""
    for block in () if content.name.endswith(f"/{TRACE_FILE}") else content.blocks():
        yield kept + block
        kept = (kept + block)[1 - LONGEST_NEEDLE :]


def _written(value: str) -> Iterator[bytes]:
    """As it may stand in a text or in JSON."""
    if len(value) >= SHORTEST_LEAK:
        forms = (value, *(json.dumps(value, ensure_ascii=one)[1:-1] for one in (True, False)))
        yield from (form.encode("utf-8", "surrogatepass")[:LONGEST_NEEDLE] for form in forms)
