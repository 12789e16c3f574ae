"""The status of an output directory: a table on a terminal, a line for each run elsewhere."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime

from benchmark_core.terminal_text import printable
from orchestrator.display.words import duration
from orchestrator.progress import Progress
from orchestrator.status import RunStatus, Status

EMPTY = "–"
HEADINGS = ("run", "state", "started", "took", "so far")
STARTED = HEADINGS.index("started")
WIDTH_FOR_ALL = 100
MOST_ERRORS = 20
LONGEST_ERROR = 300
LONGEST_NAME = 200
LONGEST_STEP = 20


def show(status: Status, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(status), indent=2))
        return
    if sys.stdout.isatty():
        _show_table(status)
        for line in _errors(status):
            print(line)
    else:
        print("\t".join((*HEADINGS, "error")))
        for run in status.runs:
            print("\t".join((*_cells(run, "seconds"), _error(run))))
    print(_summary(status))


def _show_table(status: Status) -> None:
    from rich.table import Table
    from rich.text import Text

    from orchestrator.display.console import PlainSpokenConsole

    console = PlainSpokenConsole()
    shown = [n for n in range(len(HEADINGS)) if n != STARTED or console.width >= WIDTH_FOR_ALL]
    table = Table(box=None, pad_edge=False)
    for number in shown:
        table.add_column(HEADINGS[number], overflow="fold", no_wrap=number not in (0, 4))
    for run in status.runs:
        cells = _cells(run, "minutes")
        table.add_row(*(Text(cells[number]) for number in shown))
    console.print(table)


def _cells(run: RunStatus, precision: str) -> tuple[str, ...]:
    """The moment is in the local time of whoever looks."""
    started = run.started_at.astimezone() if run.started_at else None
    return (
        printable(run.run_id)[:LONGEST_NAME],
        run.state,
        started.isoformat(" ", timespec=precision)[: len("2026-01-02 03:04:05")]
        if started
        else EMPTY,
        duration(run.seconds) if run.seconds is not None else EMPTY,
        _so_far(run),
    )


def _so_far(run: RunStatus) -> str:
    """How far a run is that runs, and the verdict on one that ended."""
    if run.progress:
        return _position(run.progress)
    if run.state == "running":
        return "no sample yet"
    return run.verdict.verdict if run.verdict else EMPTY


def _position(progress: Progress) -> str:
    share = 100 * progress.done // max(progress.total, 1)
    step = printable(progress.step)[:LONGEST_STEP]
    return f"{share} %, {step}, repetition {progress.repetition} of {progress.repetitions}"


def _errors(status: Status) -> Iterator[str]:
    """Why runs failed or cannot be read, below the table, where a line has room."""
    wrong = [run for run in status.runs if run.state in ("failed", "unreadable")]
    for run in wrong[:MOST_ERRORS]:
        yield f"{run.state} {printable(run.run_id)[:LONGEST_NAME]}: {_error(run)}"
    if len(wrong) > MOST_ERRORS:
        yield f"and {len(wrong) - MOST_ERRORS} more; in a pipe, every line has its error"


def _error(run: RunStatus) -> str:
    return printable(" ".join(run.error.split()))[:LONGEST_ERROR]


def _summary(status: Status) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in status.counts.items())
    sweep = f"A sweep is at work: {status.holder}." if status.holder else "No sweep is at work."
    return f"{counts or 'no runs yet'}. {sweep}"


def _document(status: Status) -> dict[str, object]:
    return {
        "output_dir": str(status.directory.root),
        "sweep": status.holder,
        "counts": dict(status.counts),
        "runs": [
            {
                "run_id": run.run_id,
                "state": run.state,
                "started_at": _moment(run.started_at),
                "seconds": run.seconds,
                "progress": vars(run.progress) if run.progress else None,
                "verdict": run.verdict.verdict if run.verdict else None,
                "verdict_reasons": run.verdict.reasons if run.verdict else [],
                "error": run.error,
            }
            for run in status.runs
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
