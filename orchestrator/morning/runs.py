"""The runs of an output directory as the page of the morning shows them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError
from benchmark_core.report.outline import ReportOutline
from orchestrator.failures import Failure, failure_of
from orchestrator.master_columns import COLUMNS
from orchestrator.rehearsal import is_rehearsal
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Asked, Record, read_record
from orchestrator.spent_energy import (
    NOTHING,
    SpentEnergy,
    of_ended,
    of_under_way,
    of_unreadable,
    traced_joules,
)

State = Literal["finished", "failed", "interrupted", "running", "unreadable", "not started"]
STATES: Sequence[State] = (
    "finished",
    "failed",
    "interrupted",
    "running",
    "unreadable",
    "not started",
)


@dataclass(frozen=True, slots=True)
class MorningRun:
    """One run. `wh` is its score, the mean of one repetition, and `wh_ci95` the half-width of its
    interval; `whole_wh` is that of the whole run. None is not measured, or not to be used.
    `spent` is on all its attempts, whatever came of them.

    `ended` is None while it runs. `gpu_uuids` are the GPUs it was given.
    """

    run_id: str
    state: State
    asked: Asked | None = None
    failure: Failure | None = None
    damage: str = ""
    verdict: str = ""
    reasons: str = ""
    wh: float | None = None
    wh_ci95: float | None = None
    whole_wh: float | None = None
    spent: SpentEnergy = NOTHING
    tokens: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    gpu_name: str = ""
    gpu_count: int | None = None
    gpu_uuids: tuple[str, ...] = ()
    attempts: int = 1
    is_rehearsal: bool = False

    @property
    def seconds(self) -> float | None:
        """How long it took, once it is over."""
        if self.started is None or self.ended is None:
            return None
        return max((self.ended - self.started).total_seconds(), 0.0)


def read_runs(
    directory: RunDirectory, learn: Callable[[ReportOutline], None]
) -> Iterator[MorningRun]:
    """Every run folder in which something was asked; `learn` is shown each finished report."""
    for folder in directory.folders():
        try:
            record = read_record(folder)
            run = _ended(folder, record) if record else _going_on(folder)
        except FileNotFoundError:
            continue
        except (ContractError, OSError) as damage:
            energy = of_unreadable(folder)
            yield MorningRun(folder.run_id, "unreadable", damage=str(damage), spent=energy)
            continue
        if record and record.report:
            learn(record.report)
        if run:
            yield run


def _going_on(folder: RunFolder) -> MorningRun | None:
    """None where nothing was asked yet."""
    state = folder.state().name
    if state == "planned":
        return None
    if state == "queued":
        gpus = RunSpec.read(folder.spec_path).device.gpu_count
        energy = of_under_way(folder, None)
        return MorningRun(folder.run_id, "not started", spent=energy, gpu_count=gpus)
    launch = folder.launch()
    return MorningRun(
        run_id=folder.run_id,
        state="running",
        spent=of_under_way(folder, traced_joules(folder)),
        started=moment(launch.launched_at if launch else None),
        gpu_uuids=launch.gpu_uuids if launch else (),
        is_rehearsal=bool(is_rehearsal(folder)),
    )


def _ended(folder: RunFolder, record: Record) -> MorningRun:
    outcome, launch = record.outcome, record.launch or folder.launch()
    launched_at = launch.launched_at if launch else None
    return MorningRun(
        run_id=folder.run_id,
        state=outcome.outcome if outcome else "interrupted",
        asked=record.asked,
        failure=failure_of(folder.run_id, outcome),
        verdict=record.verdict.verdict if record.verdict else "",
        reasons=str(COLUMNS["verdict_reasons"](record) or ""),
        wh=_number(record, "gpu_energy_wh"),
        wh_ci95=_number(record, "gpu_energy_ci95_wh"),
        whole_wh=_number(record, "run_gpu_energy_wh"),
        spent=of_ended(folder, record),
        tokens=_count(record, "total_tokens"),
        started=moment(outcome.started_at if outcome else launched_at),
        ended=moment(outcome.finished_at if outcome else None),
        gpu_name=str(COLUMNS["gpu_name"](record) or ""),
        gpu_count=record.asked.gpu_count,
        gpu_uuids=launch.gpu_uuids if launch else (),
        attempts=record.attempts + 1,
        is_rehearsal=bool(record.rehearsal),
    )


def moment(text: str | None) -> datetime | None:
    """None for what is no moment; a run can write anything into its folder."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _number(record: Record, column: str) -> float | None:
    value = COLUMNS[column](record)
    return float(value) if isinstance(value, (int, float)) else None


def _count(record: Record, column: str) -> int | None:
    value = COLUMNS[column](record)
    return value if isinstance(value, int) else None
