"""JSON in pieces, so that a document of many rows is never in memory as one."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def json_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """Texts that together are `document` as JSON, with a line end.

    Iterators in it are arrays, and are read while they are written, in their order. They and what
    holds them have a line for each member, everything else stands on one.

    Raises:
        ValueError: a number is infinite or none.
    """
    yield from _pieces(document, "")
    yield "\n"


def _pieces(value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, Iterator):
        yield from _members("[", (("", one) for one in value), "]", margin)
    elif isinstance(value, Mapping) and any(isinstance(one, Iterator) for one in value.values()):
        named = ((f"{json.dumps(name)}: ", one) for name, one in value.items())
        yield from _members("{", named, "}", margin)
    else:
        yield json.dumps(value, allow_nan=False)


def _members(
    begin: str, members: Iterator[tuple[str, Any]], end: str, margin: str
) -> Iterator[str]:
    inner, comma = f"{margin}  ", ""
    yield begin
    for name, one in members:
        yield f"{comma}\n{inner}{name}"
        yield from _pieces(one, inner)
        comma = ","
    yield f"\n{margin}{end}" if comma else end
