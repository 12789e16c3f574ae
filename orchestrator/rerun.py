"""Which runs of a plan are to be run again: those that failed in a table, or for a reason.

What becomes of each of them then is decided as ever, from its folder.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from benchmark_core.documents import ContractError
from orchestrator.catalog import ModelConfig, shown
from orchestrator.errors import Problem, UsageError
from orchestrator.failed_rows import FailedRow, Key, read_failed_rows, row_key
from orchestrator.failures import read_failure
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.settings import Settings

MOST_NAMED = 20


def restrict(plan: Plan, settings: Settings) -> tuple[Plan, list[Problem]]:
    """The plan without the rows that are not asked for, and a warning for each without a run.

    Raises:
        UsageError: the table is none, nothing failed for that reason, or no run is left.
    """
    if settings.rerun_failed_from:
        return _restrict_to_table(plan, settings.rerun_failed_from, settings.only_reason)
    if settings.only_reason:
        directory = RunDirectory(settings.output_dir)
        reasons = {run.run_id: _reason(directory.folder(run.run_id)) for run in plan.runs}
        _refuse_unknown(settings.only_reason, filter(None, reasons.values()), directory.root)
        wanted = [name for name, why in reasons.items() if why == settings.only_reason]
        return _only(plan, wanted), []
    return plan, []


def _reason(folder: RunFolder) -> str:
    """The word for why it failed or was cut off; empty where it did neither, or cannot be
    believed."""
    try:
        failure = read_failure(folder)
    except ContractError:
        return ""
    return failure.reason if failure else ""


def _restrict_to_table(
    plan: Plan, path: Path, only_reason: str | None
) -> tuple[Plan, list[Problem]]:
    failed = read_failed_rows(path)
    if not failed:
        nothing = Problem(str(path), "no row of it failed", "There is nothing to run again.")
        return _only(plan, []), [nothing]
    if only_reason:
        _refuse_unknown(only_reason, (row.reason for row in failed), path)
        failed = [row for row in failed if row.reason == only_reason]
    runs = _runs_of_rows(failed, plan.runs)
    unknown = [row for row, run_ids in runs.items() if not run_ids]
    if len(unknown) == len(failed):
        what = f"none of the {len(failed)} rows that failed there is in the plan: {unknown[0]}"
        remedy = "Name the catalog they are of with --csv, and look at the filters."
        raise UsageError(Problem(str(path), what, remedy))
    wanted = [run_id for run_ids in runs.values() for run_id in run_ids]
    return _only(plan, wanted, {row.key for row in unknown}), _name_unknown(path, unknown)


def _runs_of_rows(
    rows: Iterable[FailedRow], runs: Iterable[PlannedRun]
) -> dict[FailedRow, list[str]]:
    """By the name of the run; where the plan has none of that name, by its model, task and state.

    Another backend, revision or version of this program gives other names.
    """
    by_key: dict[Key, list[str]] = {}
    for run in runs:
        by_key.setdefault(_key(run.config), []).append(run.run_id)
    names = {name for run_ids in by_key.values() for name in run_ids}
    return {row: [row.run_id] if row.run_id in names else by_key.get(row.key, []) for row in rows}


def _only(plan: Plan, run_ids: Iterable[str], without_run: Collection[Key] = ()) -> Plan:
    """These runs, and of the rows that are skipped those that are asked for."""
    wanted = set(run_ids)
    return Plan(
        runs=tuple(run for run in plan.runs if run.run_id in wanted),
        skipped=tuple(row for row in plan.skipped if _key(row.config) in without_run),
    )


def _key(config: ModelConfig) -> Key:
    return row_key(config.model_id, config.task, config.reasoning_state)


def _refuse_unknown(asked: str, reasons: Iterable[str], place: Path) -> None:
    """Raises UsageError where nothing failed for that reason; names those there are."""
    counts = Counter(reasons)
    if counts[asked]:
        return
    named = ", ".join(f"{reason or 'no reason told'} ({n})" for reason, n in counts.most_common())
    raise UsageError(
        Problem(
            f"--only-reason {shown(asked)}",
            f"nothing of the plan failed for it in {place}",
            f"What failed there: {named[:500]}." if named else "Nothing failed there.",
        )
    )


def _name_unknown(path: Path, unknown: Sequence[FailedRow]) -> list[Problem]:
    problems = [
        Problem(str(path), f"{row} failed, and the plan has no such row", "It is left out.")
        for row in unknown[:MOST_NAMED]
    ]
    if len(unknown) > MOST_NAMED:
        more = f"{len(unknown) - MOST_NAMED} more rows failed, and the plan has no such rows"
        problems.append(Problem(str(path), more, "They are left out."))
    return problems
