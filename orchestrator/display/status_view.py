"""The status of an output directory: a table on a terminal, a line for each run elsewhere."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from benchmark_core.terminal_text import printable
from orchestrator.progress import Progress
from orchestrator.status import RunStatus, Status
from orchestrator.words import DASH, counted, duration, energy

HEADINGS = ("run", "state", "started", "took", "so far")
STARTED = HEADINGS.index("started")
WIDTH_FOR_ALL = 100
SHORTEST_RUN = 12
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
    for line in (_summary(status), *_energy(status)):
        print(line)


def _show_table(status: Status) -> None:
    """As wide as its cells, and ids that do not fit are folded.

    Made by hand, because there may be thousands of rows, and rich takes its time for each.
    """
    from rich.cells import cell_len

    width = shutil.get_terminal_size().columns
    shown = [n for n in range(len(HEADINGS)) if n != STARTED or width >= WIDTH_FOR_ALL]
    rows = [HEADINGS, *(_cells(run, "minutes") for run in status.runs)]
    table = [[row[number] for number in shown] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    others = sum(widths[1:-1]) + 2 * (len(shown) - 1)
    widths[-1] = min(widths[-1], max(width // 3, width - others - widths[0]))
    widths[0] = min(widths[0], max(SHORTEST_RUN, width - others - widths[-1]))
    for row in table:
        for line in _folded(row, widths):
            print(line)


def _folded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row on as many lines as its longest cell needs."""
    from rich.cells import chop_cells, set_cell_size

    pieces = [chop_cells(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*pieces, fillvalue=""):
        yield "  ".join(map(set_cell_size, parts, widths)).rstrip()


def _cells(run: RunStatus, precision: str) -> tuple[str, ...]:
    """The moment is in the local time of whoever looks."""
    started = run.started_at.astimezone() if run.started_at else None
    return (
        printable(run.run_id)[:LONGEST_NAME],
        run.state,
        started.isoformat(" ", timespec=precision)[: len("2026-01-02 03:04:05")]
        if started
        else DASH,
        duration(run.seconds) if run.seconds is not None else DASH,
        _so_far(run),
    )


def _so_far(run: RunStatus) -> str:
    """How far a run is that runs, and the verdict on one that ended."""
    if run.progress:
        return _position(run.progress)
    if run.state == "running":
        return "no sample yet"
    if run.state == "queued":
        return "not begun"
    return run.verdict.verdict if run.verdict else DASH


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


def _energy(status: Status) -> Iterator[str]:
    """Nothing where nothing was measured."""
    spent = status.spent
    parts = [
        *([energy(spent.wh)] if spent.wh is not None else []),
        *([f"{energy(spent.simulated_wh)} simulated"] if spent.simulated_wh is not None else []),
    ]
    untold = f"; not known of {counted(spent.untold, 'attempt')}" if spent.untold else ""
    if parts:
        yield f"GPU energy spent: {', '.join(parts)}{untold}."


def _document(status: Status) -> dict[str, object]:
    return {
        "output_dir": str(status.directory.root),
        "sweep": status.holder,
        "counts": dict(status.counts),
        **status.spent.document(),
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
