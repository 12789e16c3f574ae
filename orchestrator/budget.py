"""Which rows go into a sweep that may take only so many hours, or so much energy. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import Problem, UsageError
from orchestrator.estimate import two_digits
from orchestrator.forecast import Forecast
from orchestrator.makespan import Load, makespan_seconds
from orchestrator.placement import Waiting
from orchestrator.run_planner import Plan, PlannedRun, SkippedRow
from orchestrator.settings import Settings

RAISE = "The row is left out; raise the budget, or give the row a higher priority."
FILL = "The row is left out; fill its Parameters (B) column, or leave the budget out."


@dataclass(frozen=True)
class Chosen:
    """What is left of a plan, and the forecast of that; `plan.skipped` says what is not.

    `nothing_fits`: of the runs that were to be measured none is left.
    """

    plan: Plan
    forecast: Forecast
    nothing_fits: bool = False


def within_budget(plan: Plan, expected: Forecast, settings: Settings) -> Chosen:
    """The rows that fit, by priority and then in the order of the catalog.

    One that is too large is left out, and smaller ones after it may still go. Central figures
    count. Runs of which there is no forecast because they are over cost nothing, and stay.
    """
    if settings.budget_hours is None and settings.budget_wh is None:
        return Chosen(plan, expected)
    purse = _Purse(expected, settings)
    open_runs = [run for run in plan.runs if run.run_id in expected.runs]
    objections = {
        run.run_id: objection
        for run in sorted(open_runs, key=lambda run: run.config.priority)
        if (objection := purse.take(run))
    }
    objections |= purse.give_back()
    return Chosen(
        Plan(
            runs=tuple(run for run in plan.runs if run.run_id not in objections),
            skipped=(*plan.skipped, *_in_order(open_runs, objections)),
        ),
        _only(expected, objections),
        nothing_fits=0 < len(open_runs) == len(objections),
    )


def too_small(settings: Settings) -> UsageError:
    """What to raise where the budget leaves nothing to do."""
    flags = {"--budget-hours": settings.budget_hours, "--budget-wh": settings.budget_wh}
    asked = " ".join(f"{flag} {value:g}" for flag, value in flags.items() if value is not None)
    remedy = "Raise it; --dry-run shows what each row takes."
    return UsageError(Problem(asked, "no row fits within it", remedy))


class _Purse:
    """The runs taken so far, in the order of taking, and what they take together."""

    def __init__(self, expected: Forecast, settings: Settings) -> None:
        self._expected = expected
        self._settings = settings
        self._taken: list[PlannedRun] = []
        self._load = Load(expected.gpu_total, expected.parallel)
        self._wh = 0.0

    def take(self, run: PlannedRun) -> SkippedRow | None:
        """Why the run cannot be taken too; without a reason it is."""
        found = self._expected.runs[run.run_id]
        limit_hours, limit_wh = self._settings.budget_hours, self._settings.budget_wh
        load, wh = self._load, self._wh
        if limit_hours is not None:
            if found.seconds is None:
                return self._problem(run, "nothing tells how long it takes", FILL)
            load = load.plus(found.gpu_count, found.seconds.central)
            if load.shortest_seconds > limit_hours * 3600:
                return self._too_long(run)
        if limit_wh is not None:
            if found.gpu_energy_wh is None:
                return self._problem(run, "nothing tells how much GPU energy it takes", FILL)
            wh += found.gpu_energy_wh.central
            if wh > limit_wh:
                own = two_digits(found.gpu_energy_wh.central)
                what = f"its {own} Wh exceed --budget-wh {limit_wh:g}"
                return self._problem(run, f"{what}{self._beside()}", RAISE)
        self._load, self._wh = load, wh
        self._taken.append(run)
        return None

    def give_back(self) -> dict[str, SkippedRow]:
        """Those taken last that do not fit after all: runs cannot be spread as evenly as work."""
        if self._settings.budget_hours is None:
            return {}
        fewest, most = 0, len(self._taken)
        while fewest < most:
            tried = (fewest + most + 1) // 2
            if self._fits(self._taken[:tried]):
                fewest = tried
            else:
                most = tried - 1
        given, self._taken = self._taken[fewest:], self._taken[:fewest]
        return {run.run_id: self._too_long(run) for run in given}

    def _fits(self, runs: Sequence[PlannedRun]) -> bool:
        expected = self._expected
        known = [(run.run_id, expected.runs[run.run_id]) for run in runs]
        waiting = [
            Waiting(name, found.gpu_count, found.seconds.central)
            for name, found in known
            if found.seconds
        ]
        taken = makespan_seconds(waiting, expected.gpu_total, expected.parallel)
        return taken <= (self._settings.budget_hours or 0) * 3600

    def _too_long(self, run: PlannedRun) -> SkippedRow:
        found = self._expected.runs[run.run_id]
        hours = found.seconds.central / 3600 if found.seconds else 0.0
        limit = self._settings.budget_hours
        gpus = "1 GPU" if found.gpu_count == 1 else f"{found.gpu_count} GPUs"
        what = f"its {two_digits(hours)} h on {gpus} exceed --budget-hours {limit:g}"
        return self._problem(run, f"{what}{self._beside()}", RAISE)

    def _beside(self) -> str:
        return f", beside those taken before it ({len(self._taken)})" if self._taken else ""

    def _problem(self, run: PlannedRun, what: str, remedy: str) -> SkippedRow:
        where = f"{self._settings.csv}, line {run.config.line}"
        return SkippedRow(where, f"{run.run_id}: {what}", remedy, run.config)


def _in_order(runs: Iterable[PlannedRun], objections: dict[str, SkippedRow]) -> list[SkippedRow]:
    return [objections[run.run_id] for run in runs if run.run_id in objections]


def _only(expected: Forecast, without: Iterable[str]) -> Forecast:
    left_out = set(without)
    kept = {name: run for name, run in expected.runs.items() if name not in left_out}
    return replace(expected, runs=kept)
