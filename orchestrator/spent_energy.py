"""The GPU energy spent on runs: all that their GPUs drew here, whatever came of it.

Every attempt counts: failed, interrupted and earlier ones, and those whose verdict is `invalid`.
What was imported was drawn elsewhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmark_core.contract import JOULES_PER_WH, TRACE_FILE, RunSpec
from benchmark_core.documents import ContractError
from benchmark_core.report.outline import ReportOutline
from benchmark_core.report.spread import mean
from orchestrator.outcome import IMPORT_ENGINE, Outcome
from orchestrator.pulse import TraceTail
from orchestrator.rehearsal import is_rehearsal
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Record


@dataclass(frozen=True, slots=True)
class SpentEnergy:
    """Of an attempt, a run or many: the sums of what is known, None where nothing is.

    `simulated_joules` are those of rehearsals, which nobody drew. `untold` attempts are over, and
    nothing tells what they drew.
    """

    joules: float | None = None
    simulated_joules: float | None = None
    untold: int = 0

    @property
    def all_joules(self) -> float | None:
        """Simulated ones among them, for who knows whether the sweep is a rehearsal."""
        return added((self.joules, self.simulated_joules))

    @property
    def wh(self) -> float | None:
        return None if self.joules is None else self.joules / JOULES_PER_WH

    @property
    def simulated_wh(self) -> float | None:
        return None if self.simulated_joules is None else self.simulated_joules / JOULES_PER_WH

    def document(self) -> dict[str, float | int | None]:
        """By the names that the figures have wherever they are JSON."""
        return {
            "spent_gpu_energy_wh": self.wh,
            "simulated_gpu_energy_wh": self.simulated_wh,
            "untold_attempts": self.untold,
        }


NOTHING = SpentEnergy()


def total(parts: Iterable[SpentEnergy]) -> SpentEnergy:
    parts = list(parts)
    return SpentEnergy(
        joules=added(part.joules for part in parts),
        simulated_joules=added(part.simulated_joules for part in parts),
        untold=sum(part.untold for part in parts),
    )


def added(joules: Iterable[float | None]) -> float | None:
    """Those that are known; None where none is."""
    known = [one for one in joules if one is not None]
    return sum(known) if known else None


def of_ended(
    folder: RunFolder, record: Record, counts: Callable[[RunFolder], bool] = lambda attempt: True
) -> SpentEnergy:
    """On a run that is over or cut off, and on those of its earlier attempts that count."""
    own = _of_attempt(folder, record.outcome, record.report)
    return total((own, *_of_earlier(folder, counts))) if record.attempts else own


def of_under_way(folder: RunFolder, joules: float | None) -> SpentEnergy:
    """With what its present attempt has drawn so far, None where nobody knows that yet."""
    own = NOTHING if joules is None else _measured(folder, joules, None)
    return total((own, *_of_earlier(folder)))


def of_unreadable(folder: RunFolder) -> SpentEnergy:
    """Whose files lie in the folder now, nobody knows."""
    return total((SpentEnergy(untold=1), *_of_earlier(folder)))


def _of_earlier(
    folder: RunFolder, counts: Callable[[RunFolder], bool] = lambda attempt: True
) -> Iterable[SpentEnergy]:
    for attempt in filter(counts, folder.earlier()):
        try:
            outcome = attempt.outcome()
            finished = outcome is not None and outcome.outcome == "finished"
            report = ReportOutline.read(attempt.report_path) if finished else None
            yield _of_attempt(attempt, outcome, report)
        except (ContractError, OSError):
            yield SpentEnergy(untold=1)


def _of_attempt(
    folder: RunFolder, outcome: Outcome | None, report: ReportOutline | None
) -> SpentEnergy:
    """By its report where it finished; of others the power trace is all that there is."""
    if outcome and outcome.engine == IMPORT_ENGINE:
        return NOTHING
    joules = report.ledger.total_joules if report and report.ledger else None
    if joules is None:
        joules = traced_joules(folder)
    if joules is None and report:
        joules = _repeated_joules(report)
    if joules is not None:
        return _measured(folder, joules, report)
    return NOTHING if _drew_nothing(folder, outcome) else SpentEnergy(untold=1)


def _measured(folder: RunFolder, joules: float, report: ReportOutline | None) -> SpentEnergy:
    simulated = report.rehearsal if report else is_rehearsal(folder)
    return SpentEnergy(simulated_joules=joules) if simulated else SpentEnergy(joules)


def _drew_nothing(folder: RunFolder, outcome: Outcome | None) -> bool:
    """Whether no GPU was given to it or to a server of its own, or nothing was ever started."""
    try:
        spec = RunSpec.read(folder.spec_path)
    except ContractError:
        return False
    if spec.device.gpu_count == 0 and not spec.backend.is_served:
        return True
    # Its own server may have loaded the model before the run that was to ask it did not start.
    has_begun = outcome is None or outcome.reason != "not_started"
    return not has_begun and spec.backend.serve_image is None


def traced_joules(folder: RunFolder) -> float | None:
    """What the power trace of the present attempt says so far."""
    return TraceTail(folder.path / TRACE_FILE).read().joules


def _repeated_joules(report: ReportOutline) -> float | None:
    """What was scored, of all repetitions: a run that looks at nothing else tells no more."""
    wh = mean(report.summary.gpu_energy_wh) if report.summary else None
    return None if wh is None else wh * JOULES_PER_WH * len(report.repetitions)
