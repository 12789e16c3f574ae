"""How far downloads are: read from the sizes of files, told in a line now and then."""

import time
from collections.abc import Callable, Sequence

from orchestrator.downloads.fetching import Ended
from orchestrator.downloads.inventory import Missing

Notify = Callable[[str], None]

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_NOTICES = 30.0
STALLED_SECONDS = 120.0
"""Without a byte more on the disk."""


class Progress:
    """Of everything that is missing. `look` may be called often."""

    def __init__(self, missing: Sequence[Missing], notify: Notify) -> None:
        self._missing = missing
        self._notify = notify
        self._bytes = sum(file.size_bytes for one in missing for file in one.files)
        self._present_bytes = -1
        self._looked_at = self._moved_at = self._told_at = time.monotonic()

    def look(self) -> None:
        """Reads sizes from the disk, and tells of them, if it is time to."""
        now = time.monotonic()
        if now - self._looked_at < SECONDS_BETWEEN_LOOKS:
            return
        self._looked_at = now
        present_bytes = sum(one.present_bytes for one in self._missing)
        if present_bytes != self._present_bytes:
            self._present_bytes, self._moved_at = present_bytes, now
        if now - self._told_at >= SECONDS_BETWEEN_NOTICES:
            self._told_at = now
            self._notify(f"downloaded {gigabytes(present_bytes)} of {gigabytes(self._bytes)}")

    @property
    def has_stalled(self) -> bool:
        return time.monotonic() - self._moved_at > STALLED_SECONDS

    def tell_end(self, one: Missing, ended: Ended) -> None:
        if ended.what:
            self._notify(f"not downloaded: {one.wanted} {ended.what}. {ended.remedy}")
        else:
            self._notify(f"downloaded {one.wanted} ({gigabytes(one.present_bytes)})")


def gigabytes(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"
