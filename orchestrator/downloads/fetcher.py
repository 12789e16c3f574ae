"""Downloads under way: a process that can be stopped at any moment, and how far it is."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from orchestrator.downloads.fetching import Ended, Errand, Orders
from orchestrator.downloads.inventory import HubFile, Missing
from orchestrator.hub_inquiry import hub_address
from orchestrator.settings import Settings

PROGRAM_ROOT = Path(__file__).resolve().parents[2]
SWITCHES = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # It would keep a second copy of the weights outside the cache.
    "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
}
SHARED_FOLDERS = (".locks", "blobs")
"""Of the cache, beside the folders of repositories."""


class Fetcher:
    """Fetches what is missing, one repository after the other.

    Files that are whole stay in the cache, whatever happens; one that was cut off begins again.
    """

    def __init__(self, missing: Sequence[Missing], settings: Settings) -> None:
        self._missing = missing
        self._settings = settings
        self._ended: SimpleQueue[Ended] = SimpleQueue()
        self._child: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None

    def start(self) -> None:
        """Raises OSError where no process can be started."""
        for one in self._missing:
            _remove_abandoned(one)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.downloads.fetching"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Warnings about retries, with addresses in them. What counts comes as a line.
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=PROGRAM_ROOT,
            env=_environment(self._settings),
            # Ctrl-C is for the sweep, which then stops this process.
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        with suppress(OSError):  # it died; that shows soon enough
            assert self._child.stdin is not None
            self._child.stdin.write(self._orders().to_line())
            self._child.stdin.flush()

    def ended(self) -> Iterator[tuple[Missing, Ended]]:
        """The repositories that ended since the last call, well or not."""
        with suppress(Empty):
            while True:
                ended = self._ended.get_nowait()
                yield self._missing[ended.number], ended

    def is_over(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def stop(self) -> None:
        """Returns when nothing is downloaded any more; harmless when called twice."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
        if self._reader is not None:
            self._reader.join()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        for one in self._missing:
            _remove_abandoned(one)
            _give_to_owner(one.folder)

    def _orders(self) -> Orders:
        return Orders(
            cache=str(self._settings.hub_cache),
            endpoint=hub_address(self._settings.passed_environment),
            token=self._settings.token,
            errands=tuple(
                Errand(
                    kind=one.wanted.kind,
                    id=one.wanted.id,
                    revision=one.wanted.revision or None,
                    files=tuple(file.name for file in one.files),
                )
                for one in self._missing
            ),
        )

    def _read(self) -> None:
        assert self._child is not None and self._child.stdout is not None
        for line in self._child.stdout:
            with suppress(ValueError, TypeError):  # a library's own words
                self._ended.put(Ended(**json.loads(line)))


def _environment(settings: Settings) -> dict[str, str]:
    """Without any token: that comes with the orders."""
    own = {name: text for name, text in os.environ.items() if "TOKEN" not in name}
    return own | dict(settings.passed_environment) | SWITCHES


def _remove_abandoned(missing: Missing) -> None:
    """What a download that was killed left behind; nobody can go on with it."""
    for file, path in missing.unfinished():
        if not _is_downloaded_now(missing, file):
            path.unlink(missing_ok=True)


def _is_downloaded_now(missing: Missing, file: HubFile) -> bool:
    """Whether some process holds huggingface_hub's lock on that content."""
    path = missing.folder.parent / ".locks" / missing.folder.name / f"{file.blob}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _give_to_owner(folder: Path) -> None:
    """What root has downloaded belongs to the owner of the cache, as whom containers run."""
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        facts = folder.parent.stat()
        for place in (folder, *(folder.parent / name for name in SHARED_FOLDERS)):
            for path in (place, *place.rglob("*")):
                os.chown(path, facts.st_uid, facts.st_gid, follow_symlinks=False)
