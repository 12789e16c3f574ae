"""What a plan will take: time, GPU energy, disk; of each run and in all. Nothing is asked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from orchestrator.disk_need import DiskNeed
from orchestrator.earlier_runs import read_earlier_runs
from orchestrator.engines.base import Nodes
from orchestrator.errors import Problem
from orchestrator.estimate import Estimate, two_digits
from orchestrator.gpu_speeds import CPU_SPEED, REFERENCE_SPEED, known_speed
from orchestrator.gpus import Gpu
from orchestrator.makespan import makespan_seconds
from orchestrator.parameter_rule import Place
from orchestrator.placement import Waiting
from orchestrator.run_directory import RunDirectory
from orchestrator.run_forecast import Grounds, RunForecast, forecast_run
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.settings import MOST_PARALLEL, REFERENCE_GPUS_PER_NODE, Settings
from orchestrator.todo import is_open

DAY_SECONDS = 86400.0
MOST_LINES_NAMED = 20


@dataclass(frozen=True)
class Forecast:
    """By run_id, of the runs that are to be measured; finished ones cost nothing any more.

    Totals are of those runs whose figure is known. Their bounds are the sums of the bounds: as if
    all were wrong the same way.
    """

    runs: Mapping[str, RunForecast]
    gpu_total: int
    parallel: int

    @cached_property
    def wall_seconds(self) -> Estimate | None:
        """From the first start to the last end."""
        known = [(name, run.gpu_count, run.seconds) for name, run in self.runs.items()]
        if not any(seconds for _, _, seconds in known):
            return None

        def taken(bound: str) -> float:
            waiting = [
                Waiting(name, gpu_count, getattr(seconds, bound))
                for name, gpu_count, seconds in known
                if seconds
            ]
            return makespan_seconds(waiting, self.gpu_total, self.parallel)

        low, central, high = sorted(map(taken, ("low", "central", "high")))
        return Estimate(low=low, central=central, high=high)

    @property
    def leaves_gpus_idle(self) -> bool:
        """Whether more runs at a time could shorten it."""
        return self.parallel < min(self.gpu_total, len(self.runs))

    @cached_property
    def gpu_hours(self) -> Estimate | None:
        return _sum(
            _times(run.seconds, run.gpu_count / 3600) for run in self.runs.values() if run.seconds
        )

    @cached_property
    def gpu_energy_wh(self) -> Estimate | None:
        return _sum(run.gpu_energy_wh for run in self.runs.values() if run.gpu_energy_wh)

    @property
    def disk_bytes(self) -> int:
        """Of the runs whose need is known."""
        return sum(run.disk_bytes or 0 for run in self.runs.values())

    def without(self, what: Literal["seconds", "gpu_energy_wh", "disk_bytes"]) -> list[str]:
        """The run_ids of which that is not known."""
        return [name for name, run in self.runs.items() if getattr(run, what) is None]


def forecast(
    plan: Plan,
    settings: Settings,
    gpus: Sequence[Gpu],
    directory: RunDirectory,
    nodes: Nodes | None = None,
) -> Forecast:
    """Of all runs of the plan that are open in the directory, whatever its table says of them.

    `nodes` are those of a scheduler; without one it is `gpus` that the runs are for.
    """
    names = [gpu.name for gpu in gpus if gpu.name]
    grounds = Grounds(read_earlier_runs(directory.master_path), _place(settings, gpus), names)
    disk = DiskNeed(settings)
    runs = {
        run.run_id: _with_disk(forecast_run(run, grounds, settings.timeout_seconds), run, disk)
        for run in plan.runs
        if is_open(run, directory.folder(run.run_id), settings)
    }
    total = _gpu_total(settings, gpus, nodes)
    return Forecast(runs, total, _parallel(settings, total, len(runs)))


def find_forecast_warnings(expected: Forecast, plan: Plan, settings: Settings) -> Iterator[Problem]:
    """What is better known before a sweep than in the morning."""
    wall = expected.wall_seconds
    if wall and wall.central > DAY_SECONDS:
        yield Problem(
            "forecast",
            f"the sweep takes about {two_digits(wall.central / DAY_SECONDS)} days"
            f" ({two_digits(wall.low / DAY_SECONDS)} to {two_digits(wall.high / DAY_SECONDS)})",
            "Take fewer prompts (--preset overnight) or rows (--budget-hours)"
            + (", or all GPUs at a time (--parallel auto)." if expected.leaves_gpus_idle else "."),
        )
    limit = settings.timeout_seconds
    late = [
        run.config.line
        for run in plan.runs
        if limit is not None and _reaches(expected.runs.get(run.run_id), limit)
    ]
    if late:
        yield Problem(
            f"{settings.csv}, lines {', '.join(map(str, late[:MOST_LINES_NAMED]))}",
            f"{len(late)} runs are likely to be stopped by --timeout {limit:g}",
            "Give them more time, or fewer prompts or repetitions.",
        )


def _with_disk(expected: RunForecast, run: PlannedRun, disk: DiskNeed) -> RunForecast:
    if expected.seconds is None:
        return expected
    return replace(expected, disk_bytes=disk.of(run, expected.seconds.central))


def _place(settings: Settings, gpus: Sequence[Gpu]) -> Place:
    """A server elsewhere has GPUs that nobody here knows."""
    if settings.device == "cpu" and not settings.is_served:
        return Place(CPU_SPEED, is_known=False)
    known = known_speed(gpus)
    is_known = known is not None and not settings.names_remote_gpus
    return Place(known or REFERENCE_SPEED, is_known or not (gpus or settings.is_served_elsewhere))


def _gpu_total(settings: Settings, gpus: Sequence[Gpu], nodes: Nodes | None) -> int:
    """As many as the plan was made for; of a cluster, those of all its nodes."""
    if nodes and not settings.takes_no_gpus:
        return nodes.count * nodes.gpus_each
    return len(gpus) or (0 if settings.takes_no_gpus else REFERENCE_GPUS_PER_NODE)


def _parallel(settings: Settings, gpu_total: int, run_count: int) -> int:
    """Runs at a time; a scheduler gets all that may be in its queue at once."""
    if settings.detach:
        return max(run_count, 1)
    if settings.parallel:
        return settings.parallel
    return MOST_PARALLEL if settings.is_scheduled else max(gpu_total, 1)


def _reaches(expected: RunForecast | None, limit: float) -> bool:
    return bool(expected and expected.seconds and expected.seconds.central >= limit)


def _sum(parts: Iterable[Estimate]) -> Estimate | None:
    listed = list(parts)
    if not listed:
        return None
    return Estimate(
        low=sum(part.low for part in listed),
        central=sum(part.central for part in listed),
        high=sum(part.high for part in listed),
    )


def _times(estimate: Estimate, number: float) -> Estimate:
    return Estimate(
        low=estimate.low * number, central=estimate.central * number, high=estimate.high * number
    )
