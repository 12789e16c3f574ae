"""Which other benchmark runs this host is executing: they share its power, heat and processors."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark_core.terminal_text import printable

PROCESSES = Path("/proc")
ENTRY_POINT = ("-m", "benchmark_core", "run")
PYTHON = re.compile(r"python[0-9.]*")
OPTIONS_WITH_VALUE = ("-X", "-W")
MOST_RUNS = 16
LONGEST_NAME = 120
# Far more than a run's own command line has; whose it is, anybody may choose.
LONGEST_COMMAND_BYTES = 64 * 2**10


def runs_beside(processes: Path = PROCESSES) -> tuple[str, ...]:
    """Names of the run folders that processes of this host are filling now, each once, sorted.

    Runs in containers are among them, as long as their processes may be seen. At most `MOST_RUNS`
    are named; none are where the system does not list its processes.
    """
    names = {name for name, _ in folders_being_filled(processes)}
    return tuple(sorted(names)[:MOST_RUNS])


def folders_being_filled(processes: Path = PROCESSES) -> Iterator[tuple[str, Path]]:
    """The name and place of each run folder that a process of this host is filling now.

    The place leads through the process, so that it is what a container calls its own; whoever may
    not look into the process cannot read it.
    """
    try:
        entries = [entry for entry in processes.iterdir() if entry.name.isdigit()]
    except OSError:
        return
    for entry in entries:
        for folder in _run_folders(_arguments(entry)):
            if name := _name(entry, folder):
                yield name, entry / "root" / folder.lstrip("/")


def _arguments(process: Path) -> list[str]:
    """The command line of a process; empty for one that is gone, hidden or a kernel's."""
    try:
        with (process / "cmdline").open("rb") as stream:
            line = stream.read(LONGEST_COMMAND_BYTES)
    except OSError:
        return []
    return line.decode("utf-8", errors="replace").removesuffix("\0").split("\0")


def _run_folders(arguments: Sequence[str]) -> list[str]:
    """The folders of `python -m benchmark_core run FOLDER ...`; none of any other command.

    A shell, a container's init or a search that has these words among its arguments is no run.
    """
    if not PYTHON.fullmatch(arguments[0].rpartition("/")[2] if arguments else ""):
        return []
    options = list(_options(arguments[1:]))
    rest = arguments[1 + len(options) :]
    if tuple(rest[: len(ENTRY_POINT)]) != ENTRY_POINT:
        return []
    return [argument for argument in rest[len(ENTRY_POINT) :] if not argument.startswith("-")]


def _options(arguments: Sequence[str]) -> Iterator[str]:
    """The interpreter's own options, up to the first argument that says what to run."""
    value_follows = False
    for argument in arguments:
        if not value_follows and (argument in ("-m", "-c") or not argument.startswith("-")):
            return
        yield argument
        value_follows = not value_follows and argument in OPTIONS_WITH_VALUE


def _name(process: Path, folder: str) -> str:
    """The last part of the folder's path on the host, bounded and safe to show."""
    path = _source_of_mount(process, folder) or folder
    return printable(path.rstrip("/").rpartition("/")[2])[:LONGEST_NAME]


def _source_of_mount(process: Path, folder: str) -> str | None:
    """What is mounted at `folder` as the process sees it: every container calls its own alike.

    None where nothing is, or where a stranger's mounts may not be seen.
    """
    try:
        lines = (process / "mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    sources = [
        fields[3] for line in lines if len(fields := line.split(" ")) > 4 and fields[4] == folder
    ]
    return next((source for source in sources if source != "/"), None)
