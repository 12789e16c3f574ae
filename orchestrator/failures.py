"""The runs of an output directory that failed or were cut off, by their reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark_core.documents import ContractError
from orchestrator.failure_advice import ADVICE, UNKNOWN, Advice
from orchestrator.outcome import IMPORT_ENGINE, Outcome
from orchestrator.rerun_command import RerunCommand
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.status import WITHOUT_RUNNER, refuse_without_runs
from orchestrator.sweep_record import last_sweep

INTERRUPTED = "interrupted"
WITHOUT_REASON = "unknown"


@dataclass(frozen=True)
class Failure:
    """One run. `outcome` is None where its runner was killed; `message` is of one line."""

    run_id: str
    reason: str
    message: str
    outcome: Outcome | None


@dataclass(frozen=True)
class FailureGroup:
    """All failures of one reason; `failures` has at least one. `command` runs just these again,
    and is None where nothing can."""

    reason: str
    failures: tuple[Failure, ...]
    advice: Advice
    command: str | None

    @property
    def example(self) -> Failure:
        return self.failures[0]


@dataclass(frozen=True)
class Failures:
    """`unreadable` are the folders whose outcome cannot be believed. The commands of `groups` are
    whole where it is known how the sweep was started, else what has to be added to its command."""

    groups: tuple[FailureGroup, ...]
    unreadable: tuple[str, ...]
    has_whole_commands: bool


def read_failures(directory: RunDirectory) -> Failures:
    """Raises UsageError where there are no run folders."""
    refuse_without_runs(directory)
    found: list[Failure] = []
    unreadable: list[str] = []
    for folder in directory.folders():
        try:
            failure = read_failure(folder)
        except (ContractError, OSError):
            unreadable.append(folder.run_id)
            continue
        if failure:
            found.append(failure)
    command = RerunCommand(read_command(directory))
    return Failures(group_failures(found, command), tuple(unreadable), command.is_whole)


def group_failures(failures: Iterable[Failure], command: RerunCommand) -> tuple[FailureGroup, ...]:
    """The most frequent reason first, and last what was only stopped."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(failure.reason, []).append(failure)
    by_count = sorted(groups.items(), key=_rank)
    return tuple(
        FailureGroup(
            reason=reason,
            failures=tuple(of_reason),
            advice=ADVICE.get(reason, UNKNOWN),
            command=command.of_reason(reason) if _can_run_again(of_reason) else None,
        )
        for reason, of_reason in by_count
    )


def _rank(of_reason: tuple[str, Sequence[Failure]]) -> tuple[bool, int, str]:
    reason, failures = of_reason
    return reason == INTERRUPTED, -len(failures), reason


def read_failure(folder: RunFolder) -> Failure | None:
    """What its present attempt came to; None where it finished, runs, or was never begun.

    Raises:
        ContractError: its outcome cannot be believed.
    """
    outcome = folder.outcome()
    if outcome is None and folder.state().name != "interrupted":
        return None
    return failure_of(folder.run_id, outcome)


def failure_of(run_id: str, outcome: Outcome | None) -> Failure | None:
    """None for a run that finished; without an outcome it was cut off."""
    if outcome is None:
        return Failure(run_id, INTERRUPTED, WITHOUT_RUNNER, None)
    if outcome.outcome == "finished":
        return None
    return Failure(run_id, outcome.reason or WITHOUT_REASON, outcome.error_message, outcome)


def read_command(directory: RunDirectory) -> Sequence[str]:
    """What the last sweep was started with; empty where that is not known."""
    sweep = last_sweep(directory)
    return sweep.command if sweep else ()


def _can_run_again(failures: Sequence[Failure]) -> bool:
    """What was imported was never run here, and has no row."""
    return any(one.outcome is None or one.outcome.engine != IMPORT_ENGINE for one in failures)
