"""`status --watch`: a sweep seen from another terminal until it ends, or until Ctrl-C."""

import signal
import sys
import time
from contextlib import suppress

from benchmark_core.documents import ContractError
from orchestrator.errors import Problem, UsageError
from orchestrator.run_directory import RunDirectory
from orchestrator.sweep_picture.picture import SweepPicture
from orchestrator.sweep_picture.watch import SweepWatch
from orchestrator.sweep_record import SweepRecord
from orchestrator.words import counted

LOOK_SECONDS = 2.0


def watch(directory: RunDirectory) -> None:
    """On a terminal the picture of the sweep; in a pipe a line whenever something has ended.

    Raises:
        UsageError: no sweep has left its record there.
    """
    following = SweepWatch(directory, _record(directory))
    with suppress(KeyboardInterrupt):
        following.look()
        if sys.stdout.isatty():
            _show(directory, following)
        else:
            _print(directory, following)


def _show(directory: RunDirectory, following: SweepWatch) -> None:
    from orchestrator.display.console import PlainSpokenConsole
    from orchestrator.display.live_view import LiveView
    from orchestrator.display.sweep_drawing import SweepDrawing

    # Also then the terminal gets its cursor back.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    console = PlainSpokenConsole()
    view = LiveView(console, following.picture, ())
    try:
        while directory.holder():
            time.sleep(LOOK_SECONDS)
            following.look()
        following.end()
    finally:
        view.close()
        console.print(SweepDrawing(following.picture()))
    print(_ending(directory, following.picture()))


def _print(directory: RunDirectory, following: SweepWatch) -> None:
    said = ""
    while directory.holder():
        said = _say(following.picture(), said)
        time.sleep(LOOK_SECONDS)
        following.look()
    following.end()
    _say(following.picture(), said)
    print(_ending(directory, following.picture()))


def _say(picture: SweepPicture, said: str) -> str:
    line = _line(picture)
    if line != said:
        print(line, flush=True)
    return line


def _line(picture: SweepPicture) -> str:
    at_work = sum(1 for lane in picture.lanes if lane.name)
    parts = [
        f"{picture.ended:,} of {counted(picture.total, 'run')} ended",
        *([f"{picture.failed:,} failed"] if picture.failed else []),
        *([f"{picture.interrupted:,} interrupted"] if picture.interrupted else []),
        f"{at_work:,} at work",
        f"{picture.queued:,} waiting",
    ]
    return ", ".join(parts)


def _ending(directory: RunDirectory, picture: SweepPicture) -> str:
    undone = picture.total - picture.ended
    if undone and _record(directory).detached:
        return f"No sweep stays; {counted(undone, 'run')} submitted and not yet collected."
    if undone:
        return f"No sweep is at work; {counted(undone, 'run')} of the last one did not end."
    return "The sweep has ended."


def _record(directory: RunDirectory) -> SweepRecord:
    try:
        return SweepRecord.read(directory.sweep_path)
    except ContractError as damage:
        raise UsageError(
            Problem(
                str(directory.root),
                f"shows no sweep to watch: {damage}",
                "Leave --watch out to see the runs that are there.",
            )
        ) from damage
