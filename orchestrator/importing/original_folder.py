"""An output directory of the public predecessor: its table, and the report of each of its runs.

A run has a row in the table and, where it did not fail, a report in a folder of its own. It is
imported once: with the figures of the report, which are not rounded, and with what the row adds.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmark_core.report.spread import mean
from orchestrator.errors import Problem, UsageError
from orchestrator.importing.registry import read_runs
from orchestrator.importing.source_file import read_source
from orchestrator.importing.told_run import Given, ToldRun

TABLE_FILE: Final = "master_results.csv"
REPORTS: Final = "individual_runs/*/benchmark_report.json"
ROUNDED_WH = 5e-5
ROUNDED_SECONDS = 5e-3
"""The table has four digits after the point for energy, and two for durations."""


def files_of(folder: Path) -> list[Path]:
    """Its table, which need not be there, and its reports."""
    return [folder / TABLE_FILE, *sorted(folder.glob(REPORTS))]


def read_folder(folder: Path, given: Given) -> list[ToldRun]:
    """Every run of the folder once.

    Raises:
        UsageError: there is nothing of the kind, or files of it cannot be read; all are named.
    """
    table_path, *report_paths = paths = files_of(folder)
    if not table_path.exists():
        paths = report_paths
    if not paths:
        what = f"holds neither {TABLE_FILE} nor {REPORTS}"
        remedy = "Name an output directory of the public predecessor, or single files."
        raise UsageError(Problem(str(folder), what, remedy))
    told: dict[Path, list[ToldRun]] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            told[path] = read_runs(read_source(path), given)
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(*problems)
    rows = told.pop(table_path, [])
    runs = []
    for path in report_paths:
        for run in told[path]:
            row = _row_of(run, path.parent.name, rows)
            if row:
                rows.remove(row)
            runs.append(_with_row(run, row) if row else run)
    return [*runs, *rows]


def _row_of(run: ToldRun, folder_name: str, rows: Sequence[ToldRun]) -> ToldRun | None:
    """The last row of the same model and figures: a later attempt replaced the earlier's report."""
    fitting = [
        row
        for row in rows
        if _plain(f"{row.model_id} {row.reasoning_state or ''}") == _plain(folder_name)
        or (run.model_id is not None and run.model_id == row.model_id)
    ]
    return next((row for row in reversed(fitting) if _agree(run, row)), None)


def _plain(name: str) -> str:
    return "_".join(re.findall("[a-z0-9]+", name.casefold()))


def _agree(run: ToldRun, row: ToldRun) -> bool:
    """Whether the row is that of the report. Of reports by phase the predecessor took no figure."""
    if row.failure:
        return False
    if run.phases:
        return row.total_prompts is None and row.gpu_wh is None
    counts = ("total_prompts", "successful_prompts", "prompt_tokens", "completion_tokens")
    return (
        all(getattr(run, name) == getattr(row, name) for name in counts)
        and _near(run.duration_seconds, row.duration_seconds, ROUNDED_SECONDS)
        and _near(mean(run.gpu_wh), mean(row.gpu_wh), ROUNDED_WH)
    )


def _near(exact: float | None, rounded: float | None, half_digit: float) -> bool:
    return abs((exact or 0.0) - (rounded or 0.0)) <= half_digit * 1.001


def _with_row(run: ToldRun, row: ToldRun) -> ToldRun:
    note = f"row {row.row} of {TABLE_FILE} beside it is the same run, and tells what it is"
    return replace(
        run,
        model_id=run.model_id or row.model_id,
        model_class=row.model_class,
        task=row.task,
        reasoning_state=row.reasoning_state,
        finished_at=run.finished_at or row.finished_at,
        notes=(*run.notes, note),
    )
