"""MP3 files of unknown length, so that their decoder reads them to their end.

Without a Xing or Info frame the decoder guesses how long an MP3 is, from the size of the file and
the bit rate of its first frame, and stops there. It is told of a far larger file.
"""

import io
from typing import Any

LARGEST_RATIO = 100
"""More than the highest bit rate (320) is over the lowest (8)."""
TAG_BYTES = 128


def states_length(content: bytes) -> bool:
    """Whether the first frame says how many follow; a tag may lie before it."""
    start = 0
    if content[:3] == b"ID3":
        # Ten bytes, and as many as four of them say, of which each has seven bits.
        parts = enumerate(content[6:10])
        start = 10 + sum((byte & 0x7F) << (21 - 7 * place) for place, byte in parts)
    head = content[start : start + 64]
    at = max(head.find(b"Xing"), head.find(b"Info"))
    return at >= 0 and bool(head[at + 7 : at + 8]) and bool(head[at + 7] & 1)


class EndlessFile(io.BytesIO):
    """A file that seems longer than it is. Behind its end there are but zeros, in the last bytes.

    The decoder looks there for a tag, and gives up where nothing can be read.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._seeming_bytes = len(content) * LARGEST_RATIO + TAG_BYTES

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            return super().seek(self._seeming_bytes + offset)
        return super().seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        at = self.tell()
        read = super().readinto(buffer)
        if read or at < self._seeming_bytes - TAG_BYTES:
            return read
        zeros = max(0, min(len(buffer), self._seeming_bytes - at))
        buffer[:zeros] = bytes(zeros)
        super().seek(at + zeros)
        return zeros
