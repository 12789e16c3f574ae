"""Which runs of a sweep may share one loading of their model, and how each of them ended."""

from collections.abc import Sequence
from pathlib import Path

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import RunSpec
from benchmark_core.report.run_report import RunReport
from orchestrator.exit import Exit
from orchestrator.outcome import end_told_by
from orchestrator.run_planner import PlannedRun
from orchestrator.todo import Todo

Key = tuple[RunSpec, Path | None]


def group(todos: Sequence[Todo]) -> list[tuple[Todo, ...]]:
    """All todos, each once; those of a group are for one program, in that order.

    Together are fresh runs that differ in nothing but reasoning and its limits of tokens; every
    other todo is alone. A group stands where its first todo stood.
    """
    groups: list[list[Todo]] = []
    shared: dict[Key, list[Todo]] = {}
    for todo in todos:
        key = _key(todo.run) if _is_fresh(todo) else None
        if key is not None and key in shared:
            shared[key].append(todo)
            continue
        groups.append([todo])
        if key is not None:
            shared[key] = groups[-1]
    return [tuple(members) for members in groups]


def end_of_one(report: RunReport) -> Exit:
    """How a run of a group ended that left a whole report, while its program goes on or after it.

    The exit code of the program is that of its worst run, so it says nothing of this one.
    """
    return end_told_by(report, "its program measured several runs")


def _is_fresh(todo: Todo) -> bool:
    keeps = BACKEND_FACTS[todo.run.spec.backend.name].keeps_model
    return keeps and not (todo.skip_because or todo.leftover or todo.conflict)


def _key(run: PlannedRun) -> Key:
    """What is equal where only reasoning differs, and what follows from it.

    What a rehearsal pretends may differ from run to run: no model is loaded there.
    """
    backend = run.spec.backend.model_copy(update={"simulation": None})
    left_out = {"run_id": "", "reasoning": None, "limits": None, "backend": backend}
    return run.spec.model_copy(update=left_out), run.samples_path
