"""Server-sent events, as far as a streamed answer needs them: one JSON object after the other."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

LONGEST_EVENT_BYTES = 4 * 2**20
DONE = b"[DONE]"


class StreamError(Exception):
    """What came is no stream of answers. One line."""


def objects(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The objects of a stream in order, up to `[DONE]`.

    One more chunk is read then, which is where a stream ends whose connection can be used again.

    Raises:
        StreamError: an event is no JSON object, or longer than `LONGEST_EVENT_BYTES`.
    """
    source = iter(chunks)
    for line in _lines(source):
        field, colon, value = line.partition(b":")
        if not colon or field != b"data":
            continue
        data = value.strip()
        if data == DONE:
            next(source, None)
            return
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise StreamError(f"an event is no JSON: {_shown(data)}") from error
        if not isinstance(found, dict):
            raise StreamError(f"an event is no object: {_shown(data)}")
        yield found


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_EVENT_BYTES:
            raise StreamError(f"an event is longer than {LONGEST_EVENT_BYTES} bytes")
    if rest:
        yield rest


def _shown(data: bytes) -> str:
    return ascii(data[:80].decode(errors="replace"))
