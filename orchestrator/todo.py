"""What becomes of each planned run, read from its folder: it is measured, taken over, or kept."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.engines.base import Leftover
from orchestrator.errors import Problem
from orchestrator.run_directory import RunDirectory, RunFolder
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.settings import Settings


@dataclass(frozen=True)
class Todo:
    """At most one of the three is set; with none of them the run is measured afresh."""

    run: PlannedRun
    skip_because: str = ""
    leftover: Leftover | None = None
    conflict: Problem | None = None


def decide(
    plan: Plan, directory: RunDirectory, settings: Settings, leftovers: Iterable[Leftover] = ()
) -> list[Todo]:
    """One decision for each run of the plan, in its order; nothing is changed."""
    by_run = {item.run_id: item for item in leftovers}
    return [
        _decide(run, directory.folder(run.run_id), settings, by_run.get(run.run_id))
        for run in plan.runs
    ]


def _decide(
    run: PlannedRun, folder: RunFolder, settings: Settings, leftover: Leftover | None
) -> Todo:
    state = folder.state()
    same = state.spec_hash == run.spec.spec_hash()
    if state.name == "finished" and same:
        return Todo(run, skip_because="finished before" + _other_region(folder, settings))
    if state.name == "finished" and not settings.replace:
        return Todo(run, conflict=_conflict(run))
    if state.name == "failed" and same and not settings.rerun_failed:
        return Todo(run, skip_because="failed before; --rerun-failed runs it again")
    if leftover and _can_go_on(leftover, run, folder):
        return Todo(run, leftover=leftover)
    return Todo(run)


def _other_region(folder: RunFolder, settings: Settings) -> str:
    """A finished run keeps the CO2 of the region it was asked for then; that is said aloud."""
    launch = folder.launch()
    if launch is None or launch.region == settings.region:
        return ""
    return f", with CO2 for {launch.region}; --region {settings.region} changes new runs only"


def _can_go_on(leftover: Leftover, run: PlannedRun, folder: RunFolder) -> bool:
    """Whether what an earlier runner left running is just what the plan asks for."""
    return (
        leftover.spec_hash == run.spec.spec_hash()
        and folder.state().name == "interrupted"
        and folder.launch() is not None
    )


def _conflict(run: PlannedRun) -> Problem:
    return Problem(
        run.run_id,
        "finished in this directory with other settings",
        "Choose another --output-dir, or give --replace to measure it again (the earlier result"
        " moves to attempts/).",
    )
