"""The plan on screen: what would run, and everything that stands against it."""

import json
import sys
from collections.abc import Sequence

from orchestrator.errors import Problem
from orchestrator.run_planner import Plan, PlannedRun


def show(
    plan: Plan, problems: Sequence[Problem], warnings: Sequence[Problem], as_json: bool
) -> None:
    if as_json:
        print(json.dumps(_document(plan, problems, warnings), indent=2))
        return
    _show_table(plan)
    for title, items in (("warning", warnings), ("problem", problems)):
        for item in items:
            print(f"{title}: {item}")
    print(
        f"{len(plan.runs)} runs planned, {len(plan.skipped)} rows skipped,"
        f" {len(problems)} problems on this host. Nothing was started."
    )


def _show_table(plan: Plan) -> None:
    headings = ("run_id", "class", "GPUs", "reasoning", "max/min new tokens", "samples", "reps")
    rows = [_cells(run) for run in plan.runs]
    if not sys.stdout.isatty():
        for cells in (headings, *rows):
            print("\t".join(cells))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for cells in rows:
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def _cells(run: PlannedRun) -> tuple[str, ...]:
    spec = run.spec
    limits = f"{spec.limits.max_new_tokens}/{spec.limits.min_new_tokens}" if spec.limits else ""
    return (
        spec.run_id,
        spec.model.model_class or "",
        str(spec.device.gpu_count),
        spec.reasoning.state if spec.reasoning else "",
        limits,
        str(spec.samples.count or "all"),
        str(spec.repetitions),
    )


def _document(
    plan: Plan, problems: Sequence[Problem], warnings: Sequence[Problem]
) -> dict[str, object]:
    return {
        "runs": [
            {
                "line": run.config.line,
                "spec_hash": run.spec.spec_hash(),
                "spec": run.spec.model_dump(mode="json"),
            }
            for run in plan.runs
        ],
        "warnings": [_problem(item) for item in warnings],
        "problems": [_problem(item) for item in problems],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"where": problem.where, "what": problem.what, "remedy": problem.remedy}
