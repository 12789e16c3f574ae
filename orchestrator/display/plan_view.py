"""The plan on screen: what would run, and everything that stands against it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.contract import RunSpec
from benchmark_core.reasoning.raw_text import planned
from orchestrator.display import forecast_view
from orchestrator.errors import Problem
from orchestrator.forecast import Forecast
from orchestrator.run_forecast import RunForecast
from orchestrator.todo import Todo

FORECAST_HEADINGS = ("time", "GPU energy")
HEADINGS = (
    *("run_id", "class", "GPUs", "reasoning", "effective", "tokens", "samples", "reps"),
    *FORECAST_HEADINGS,
    "what happens",
)
NARROW_HEADINGS = ("run_id", "GPUs", *FORECAST_HEADINGS, "what happens")
"""What fits on eighty columns; the name of a run also has its state."""
WIDE_COLUMNS = 140


@dataclass(frozen=True)
class Preview:
    """What would happen: `skipped` are rows that cannot be run yet, `problems` stand against it."""

    todos: Sequence[Todo]
    expected: Forecast
    skipped: Sequence[Problem]
    warnings: Sequence[Problem]
    problems: Sequence[Problem]


def show(preview: Preview, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_document(preview), indent=2))
        return
    _show_table(preview)
    for title, items in (
        ("skipped", preview.skipped),
        ("warning", preview.warnings),
        ("problem", preview.problems),
    ):
        for item in items:
            print(f"{title}: {item}")
    for line in forecast_view.lines(preview.expected):
        print(line)
    print(
        f"{len(preview.todos)} runs planned, {len(preview.skipped)} rows skipped,"
        f" {len(preview.problems)} problems on this host. Nothing was started."
    )


def _show_table(preview: Preview) -> None:
    rows = [_cells(todo, preview.expected) for todo in preview.todos]
    if not sys.stdout.isatty():
        for cells in (HEADINGS, *rows):
            print("\t".join(cells))
        return
    from rich.table import Table
    from rich.text import Text

    from orchestrator.display.console import PlainSpokenConsole

    console = PlainSpokenConsole()
    shown = HEADINGS if console.width >= WIDE_COLUMNS else NARROW_HEADINGS
    table = Table(box=None, pad_edge=False)
    for heading in shown:
        table.add_column(heading, overflow="fold", no_wrap=heading in FORECAST_HEADINGS)
    for cells in rows:
        by_heading = dict(zip(HEADINGS, cells, strict=True))
        table.add_row(*(Text(by_heading[heading]) for heading in shown))
    console.print(table)


def _cells(todo: Todo, expected: Forecast) -> tuple[str, ...]:
    """`tokens` are the most and the fewest new tokens of a sample."""
    spec = todo.run.spec
    limits = f"{spec.limits.max_new_tokens}/{spec.limits.min_new_tokens}" if spec.limits else ""
    return (
        spec.run_id,
        spec.model.model_class or "",
        str(spec.device.gpu_count),
        spec.reasoning.state if spec.reasoning else "",
        _effective(spec),
        limits,
        str(spec.samples.count or "all"),
        str(spec.repetitions),
        *forecast_view.cells(_expected(todo, expected)),
        _fate(todo),
    )


def _expected(todo: Todo, expected: Forecast) -> RunForecast | None:
    """None for a run that is not measured."""
    return None if todo.skip_because else expected.runs.get(todo.run.run_id)


def _effective(spec: RunSpec) -> str:
    known = planned(spec)
    if known is None:
        return "found by the run" if spec.reasoning else ""
    return known.effective if known.enforced else f"{known.effective} (not enforced)"


def _reasoning(spec: RunSpec) -> dict[str, object]:
    known = planned(spec)
    return {
        "reasoning_effective": known.effective if known else None,
        "reasoning_enforced": known.enforced if known else None,
    }


def _fate(todo: Todo) -> str:
    if todo.conflict:
        return "conflict"
    return f"kept: {todo.skip_because}" if todo.skip_because else "measured"


def _document(preview: Preview) -> dict[str, object]:
    return {
        "runs": [
            {
                "line": todo.run.config.line,
                "what_happens": _fate(todo),
                **_reasoning(todo.run.spec),
                "forecast": forecast_view.run_document(_expected(todo, preview.expected)),
                "spec_hash": todo.run.spec_hash,
                "spec": todo.run.spec.model_dump(mode="json"),
            }
            for todo in preview.todos
        ],
        "forecast": forecast_view.document(preview.expected),
        "skipped": [_problem(item) for item in preview.skipped],
        "warnings": [_problem(item) for item in preview.warnings],
        "problems": [_problem(item) for item in preview.problems],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"where": problem.where, "what": problem.what, "remedy": problem.remedy}
