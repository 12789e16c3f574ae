"""The end of a sweep on screen: a table of its runs, what they add up to, and where the file is."""

import csv
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.sweep import SweepResult

EMPTY = "–"
WIDTH_WHEN_PIPED = 160


def _figure(digits: int) -> Callable[[str], str]:
    return lambda text: f"{float(text):,.{digits}g}" if text else EMPTY


def _plain(text: str) -> str:
    return text or EMPTY


SHOWN: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("run", "run_id", _plain),
    ("outcome", "outcome", _plain),
    ("prompts ok", "successful_prompts", _plain),
    ("tokens out", "total_completion_tokens", _plain),
    ("s", "total_duration_seconds", _figure(3)),
    ("GPU Wh", "gpu_energy_wh", _figure(4)),
    ("CPU Wh", "cpu_energy_wh", _figure(3)),
    ("RAM Wh", "ram_energy_wh", _figure(3)),
    ("verdict", "verdict", _plain),
)


def show(master_path: Path, run_ids: Sequence[str], result: SweepResult) -> None:
    rows = _rows(master_path, set(run_ids))
    _show_table(rows)
    for line in _notes(rows):
        print(line)
    parts = [
        f"{count} {name}"
        for name, count in (
            ("finished", result.finished),
            ("failed", result.failed),
            ("interrupted", result.interrupted),
            ("not started", result.not_started),
        )
        if count
    ]
    if result.skipped:
        parts.append(f"{result.skipped} of them skipped")
    print(f"{', '.join(parts) or 'nothing to do'}. Results: {master_path}")


def _rows(master_path: Path, run_ids: set[str]) -> list[dict[str, str]]:
    with master_path.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["run_id"] in run_ids]


def _show_table(rows: Sequence[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading, _, _ in SHOWN:
        right = heading not in ("run", "outcome", "verdict")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(form(row[column])) for _, column, form in SHOWN))
    # A pipe has no width of its own; wide enough keeps every row on one line there.
    Console(width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED).print(table)


def _notes(rows: Sequence[dict[str, str]]) -> list[str]:
    """Where the figures come from, as the rows themselves say; a rehearsal is called one."""
    notes = []
    if any(row["rehearsal"] == "yes" for row in rows):
        notes.append("REHEARSAL: simulated parts took part; these are not measurements.")
    for part in ("gpu", "cpu", "ram"):
        sources = sorted({row[f"{part}_energy_source"] for row in rows if row["verdict"]})
        named = [source or "not measured" for source in sources]
        if named:
            notes.append(f"{part.upper()} energy: {' | '.join(named)}")
    return notes
