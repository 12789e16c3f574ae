"""What becomes of each planned run, read from its folder: it is measured, taken over, or kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmark_core.documents import ContractError
from orchestrator.engines.base import Leftover
from orchestrator.errors import Problem
from orchestrator.gpus import Gpu
from orchestrator.rehearsal import is_rehearsal, would_rehearse
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder, RunState, StateName
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.run_record import read_record
from orchestrator.settings import Settings

REPLACE = "give --replace to measure it again (what is there moves to attempts/)"


@dataclass(frozen=True)
class Todo:
    """At most one of the three is set; with none of them the run is measured afresh.

    `kept_as` says how a run that is skipped had ended.
    """

    run: PlannedRun
    skip_because: str = ""
    leftover: Leftover | None = None
    conflict: Problem | None = None
    kept_as: StateName | None = None


@dataclass(frozen=True)
class Decision:
    """What becomes of the runs of a plan, in its order, and all that the user has to settle first.

    `conflicts` are those of the todos, and runs of another engine that may still go on.
    """

    todos: list[Todo]
    conflicts: list[Problem]


def is_open(run: PlannedRun, folder: RunFolder, settings: Settings) -> bool:
    """Whether a sweep has to measure it, as `decide` has it; known before the table is read.

    What the disk refuses to tell is open: the checks and the sweep name it.
    """
    try:
        # Without --replace a damaged folder keeps the sweep from starting.
        if settings.replace and _is_damaged(folder):
            return True
        return _kept_as(run, folder.state(), settings) is None
    except OSError:
        return True


def decide(
    plan: Plan,
    directory: RunDirectory,
    settings: Settings,
    gpus: Sequence[Gpu],
    unbelieved: Mapping[str, Problem],
    alive: Iterable[Leftover] = (),
) -> Decision:
    """Nothing is changed.

    `gpus` are those that runs may be given, as far as this machine knows them. `unbelieved` are the
    folders that the table had to leave out, by run_id; `alive` are runs that go on without their
    runner.
    """
    by_run = {leftover.run_id: leftover for leftover in alive}
    todos = [
        _decide(
            run,
            directory.folder(run.run_id),
            settings,
            gpus,
            unbelieved.get(run.run_id),
            by_run.get(run.run_id),
        )
        for run in plan.runs
    ]
    conflicts = [todo.conflict for todo in todos if todo.conflict]
    return Decision(todos, conflicts + _strangers(directory, settings))


def _decide(
    run: PlannedRun,
    folder: RunFolder,
    settings: Settings,
    gpus: Sequence[Gpu],
    damage: Problem | None,
    leftover: Leftover | None,
) -> Todo:
    state = folder.state()
    objection = _objection(run, folder, state, would_rehearse(run.spec, gpus), damage)
    if objection:
        return Todo(run) if settings.replace else Todo(run, conflict=objection)
    kept_as = _kept_as(run, state, settings)
    if kept_as:
        return Todo(run, skip_because=_why_kept(kept_as, folder, settings), kept_as=kept_as)
    is_cut_off = state.name in ("queued", "running", "interrupted")
    is_ours = leftover is not None and leftover.spec_hash == state.spec_hash == run.spec_hash
    if is_cut_off and is_ours and folder.launch():
        return Todo(run, leftover=leftover)
    return Todo(run)


def _kept_as(run: PlannedRun, state: RunState, settings: Settings) -> StateName | None:
    """How a run that is not made again had ended; None for one that is."""
    if state.spec_hash != run.spec_hash:
        return None
    if state.name == "finished" or (state.name == "failed" and not settings.reruns_failed):
        return state.name
    return None


def _is_damaged(folder: RunFolder) -> bool:
    try:
        read_record(folder)
    except ContractError:
        return True
    return False


def _objection(
    run: PlannedRun,
    folder: RunFolder,
    state: RunState,
    rehearses: bool,
    damage: Problem | None,
) -> Problem | None:
    """Why the user has to be asked before this folder is touched."""
    if damage:
        return Problem(damage.where, damage.what, f"Repair the folder, or {REPLACE}.")
    if state.name == "planned" or state.spec_hash == run.spec_hash:
        return None
    if state.name == "finished":
        what = "finished in this directory with other settings"
        return Problem(run.run_id, what, f"Choose another --output-dir, or {REPLACE}.")
    if is_rehearsal(folder) is (not rehearses):
        kinds = ("a rehearsal", "a real run")
        ours, other = kinds if rehearses else kinds[::-1]
        what = f"would be {ours} in the place of {other}, and their energies would be added up"
        return Problem(run.run_id, what, f"Choose another --output-dir, or {REPLACE}.")
    return None


def _strangers(directory: RunDirectory, settings: Settings) -> list[Problem]:
    """Runs that a killed runner of another engine left: they may go on, beside anything new."""
    if settings.replace:
        return []
    problems = []
    for folder in directory.open_folders():
        if folder.state().name in ("planned", "unreadable"):
            continue
        launch = folder.launch()
        if launch and launch.engine != settings.engine:
            what = f"was left by a runner of the {launch.engine} engine and may still be running"
            remedy = f"Start again with that engine; or stop the run yourself and {REPLACE}."
            problems.append(Problem(folder.run_id, what, remedy))
    return problems


def _why_kept(kept_as: StateName, folder: RunFolder, settings: Settings) -> str:
    """A finished run keeps the CO2 of the region it was asked for then; that is said aloud."""
    if kept_as == "failed":
        return "failed before; --rerun-failed runs it again"
    launch = folder.launch()
    if launch is None or launch.region == settings.region:
        return "finished before"
    told = f"with CO2 for {launch.region}; --region {settings.region} changes new runs only"
    return f"finished before, {told}"
