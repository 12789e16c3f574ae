"""Looks for a planted token wherever programs could leave it."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

TOKEN = "hf_" + "Planted0Token" * 3
SECONDS_BETWEEN_LOOKS = 0.01


class Watch:
    """Looks at every process of this machine, again and again, while a runner works.

    `found` names what had the token in its arguments or its environment; `watched` are the command
    lines of what the runner started.
    """

    def __init__(self, runner: int) -> None:
        self._runner = runner
        self._own = _command_line(runner)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.found: set[str] = set()
        self.watched: set[str] = set()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.is_set():
            started = _descendants(self._runner)
            for pid in started:
                self._look_at(pid)
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _look_at(self, pid: int) -> None:
        arguments = _command_line(pid)
        # A process that has not become its program yet still shows the runner's own memory.
        if not arguments or arguments == self._own:
            return
        self.watched.add(arguments)
        environment = b""
        with contextlib.suppress(OSError):
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        if _command_line(pid) != arguments:
            return
        if TOKEN in arguments or TOKEN.encode() in environment:
            self.found.add(arguments)


def files_with_token(*folders: Path) -> list[Path]:
    """Every file below that holds it, or has it in its name."""
    return [path for folder in folders for path in _files(folder) if _has_token(path)]


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def _has_token(path: Path) -> bool:
    return TOKEN in path.name or TOKEN.encode() in path.read_bytes()


def _command_line(pid: int) -> str:
    """Empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _descendants(ancestor: int) -> set[int]:
    """The processes that this one started, and those that they started."""
    parents = {}
    for name in (path.name for path in Path("/proc").iterdir() if path.name.isdigit()):
        with contextlib.suppress(OSError, IndexError):
            stat = Path(f"/proc/{name}/stat").read_text()
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    found = {ancestor}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {ancestor}
