"""The end of a sweep on screen: a table of its runs, what they add up to, and where the file is."""

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.sweep_result import SweepResult

EMPTY = "–"
WIDTH_WHEN_PIPED = 160
WIDTH_FOR_ALL = 110
MOST_ROWS = 200
MOST_FAILURES = 20
MOST_NAMED = 10


def _figure(digits: int) -> Callable[[str], str]:
    return lambda text: f"{float(text):,.{digits}g}" if text else EMPTY


def _plain(text: str) -> str:
    return text or EMPTY


@dataclass(frozen=True)
class Shown:
    """One column on screen; those that are not `vital` give way on a narrow terminal."""

    heading: str
    column: str
    form: Callable[[str], str] = _plain
    number: bool = True
    vital: bool = True


SHOWN = (
    Shown("run", "run_id", number=False),
    Shown("outcome", "outcome", number=False),
    Shown("prompts ok", "successful_prompts"),
    Shown("tokens out", "total_completion_tokens"),
    Shown("reasoning", "reasoning_tokens", vital=False),
    Shown("seconds", "total_duration_seconds", _figure(3)),
    Shown("GPU Wh", "gpu_energy_wh", _figure(4)),
    Shown("CPU Wh", "cpu_energy_wh", _figure(3), vital=False),
    Shown("RAM Wh", "ram_energy_wh", _figure(3), vital=False),
    Shown("verdict", "verdict", number=False),
)


def show(
    master_path: Path, run_ids: Sequence[str], result: SweepResult, impossible: int = 0
) -> None:
    """`impossible` rows were asked for and cannot be run here."""
    everything = _rows(master_path)
    wanted = set(run_ids)
    rows = [row for row in everything if row["run_id"] in wanted]
    _show_table(rows)
    for line in [*_notes(rows), *_mixed_images(everything), *_failures(rows)]:
        print(line)
    parts = [
        f"{count} {name}"
        for name, count in (
            ("finished", result.finished),
            ("failed", result.failed),
            ("interrupted", result.interrupted),
            ("not started", result.not_started),
            ("without enough GPUs in service", result.unplaced),
        )
        if count
    ]
    if result.skipped:
        parts.append(f"{result.skipped} of them skipped")
    if impossible:
        parts.append(f"{impossible} that cannot be run here")
    print(f"{', '.join(parts) or 'nothing to do'}. Results: {master_path}")


def _rows(master_path: Path) -> list[dict[str, str]]:
    with master_path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _show_table(rows: Sequence[dict[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from orchestrator.display.console import PlainSpokenConsole

    # A pipe has no width of its own; wide enough keeps every row on one line there.
    console = PlainSpokenConsole(width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED)
    shown = [item for item in SHOWN if item.vital or console.width >= WIDTH_FOR_ALL]
    table = Table(box=None, pad_edge=False)
    for item in shown:
        table.add_column(item.heading, justify="right" if item.number else "left", overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(item.form(row[item.column])) for item in shown))
    console.print(table)
    if len(rows) > MOST_ROWS:
        print(f"and {len(rows) - MOST_ROWS} more rows in the file")


def _mixed_images(rows: Sequence[dict[str, str]]) -> list[str]:
    """Rows of different images are rows of different programs; that is flagged, not refused."""
    digests = {row["image_digest"] for row in rows if row["outcome"] == "finished"} - {""}
    if len(digests) < 2:
        return []
    return [
        f"warning: this directory holds results of {len(digests)} different images"
        " (column image_digest); compare them with care"
    ]


def _failures(rows: Sequence[dict[str, str]]) -> list[str]:
    """What failed and why, once more at the end, where a long night's reader looks first."""
    failed = [row for row in rows if row["outcome"] == "failed"]
    lines = [f"failed {row['run_id']}: {row['error_message']}" for row in failed[:MOST_FAILURES]]
    if len(failed) > MOST_FAILURES:
        lines.append(f"and {len(failed) - MOST_FAILURES} more; see the error_message column")
    if failed:
        lines.append("Run them again with --rerun-failed.")
    return lines


def _notes(rows: Sequence[dict[str, str]]) -> list[str]:
    """Where the figures come from, as the rows themselves say; a rehearsal is called one."""
    notes = []
    if any(row["rehearsal"] == "yes" for row in rows):
        notes.append("REHEARSAL: simulated parts took part; these are not measurements.")
    finished = [row for row in rows if row["outcome"] == "finished"]
    for part in ("gpu", "cpu", "ram"):
        sources = sorted({row[f"{part}_energy_source"] for row in finished})
        named = [source or "not measured" for source in sources]
        if named:
            notes.append(f"{part.upper()} energy: {' | '.join(named)}")
    return [*notes, *_reasons(rows)]


def _reasons(rows: Sequence[dict[str, str]]) -> list[str]:
    """What speaks against the figures, most frequent first; invalid rows by their names."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for reason in filter(None, row["verdict_reasons"].split("; ")):
            found.setdefault((row["verdict"], reason), []).append(row["run_id"])
    return [
        f"{verdict} in {len(run_ids)} runs"
        f"{f' ({_named(run_ids)})' if verdict == 'invalid' else ''}: {reason}"
        for (verdict, reason), run_ids in sorted(found.items(), key=lambda item: -len(item[1]))
    ]


def _named(run_ids: Sequence[str]) -> str:
    more = len(run_ids) - MOST_NAMED
    return ", ".join(run_ids[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
