"""What one run will take, on the best ground there is for it. Nothing is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark_core.contract import RunSpec, Simulation
from benchmark_core.samples import SYNTHETIC_SAMPLES
from benchmark_core.simulated_time import run_seconds
from benchmark_core.tasks import registry as tasks
from orchestrator.earlier_runs import EarlierRuns, by_earlier_run
from orchestrator.estimate import Estimate
from orchestrator.model_size import model_size
from orchestrator.parameter_rule import Place, by_parameters
from orchestrator.run_planner import PlannedRun

Basis = Literal["earlier run", "simulation", "parameters"]

DATASET_SAMPLES = SYNTHETIC_SAMPLES
"""Each of the protocol's datasets has a thousand."""
START_SECONDS, MOST_START_SECONDS = 1.0, 10.0
"""Of a simulated run beside its sleeps, which a slow machine also prolongs."""
SLEPT_OVER = 1.2


@dataclass(frozen=True)
class Grounds:
    """What can be known beforehand; `gpu_names` are those of the GPUs that may be used."""

    earlier: EarlierRuns
    place: Place
    gpu_names: Sequence[str]


@dataclass(frozen=True)
class RunForecast:
    """One run, whole: loading, every pass of every repetition, rest; None where there is no ground.

    `gpu_energy_wh` is all that its GPUs draw meanwhile, more than the score. `disk_bytes` are the
    model's weights, if they are not in the cache yet, and the files of the run.
    """

    gpu_count: int
    seconds: Estimate | None = None
    gpu_energy_wh: Estimate | None = None
    disk_bytes: int | None = None
    basis: Basis | None = None


def sample_count(run: PlannedRun) -> int:
    """How many samples a pass has."""
    there = run.samples_there or DATASET_SAMPLES
    asked = run.spec.samples.count
    # Made up ones are as many as are asked for.
    return asked if asked and run.spec.samples.synthetic else min(asked or there, there)


def forecast_run(run: PlannedRun, grounds: Grounds, timeout_seconds: float | None) -> RunForecast:
    """By the simulation of a simulated run, else by an earlier run like it, else by its size.

    Of the disk nothing is said.
    """
    found = _found(run, grounds)
    if found is None:
        return RunForecast(run.spec.device.gpu_count)
    basis, (seconds, energy) = found
    seconds, energy = _stopped_in_time(seconds, energy, timeout_seconds)
    return RunForecast(run.spec.device.gpu_count, seconds, energy, basis=basis)


def _found(
    run: PlannedRun, grounds: Grounds
) -> tuple[Basis, tuple[Estimate, Estimate | None]] | None:
    spec, samples = run.spec, sample_count(run)
    if spec.backend.simulation:
        return "simulation", _by_simulation(spec, spec.backend.simulation, samples)
    if like := grounds.earlier.nearest(spec, grounds.gpu_names):
        return "earlier run", by_earlier_run(spec, samples, like)
    if size := model_size(run.config):
        return "parameters", by_parameters(spec, samples, size, grounds.place)
    return None


def _by_simulation(
    spec: RunSpec, simulation: Simulation, samples: int
) -> tuple[Estimate, Estimate | None]:
    kind = tasks.get(spec.task).kinds[0]
    slept = run_seconds(simulation, kind, spec.limits, spec.steps, samples, spec.repetitions)
    seconds = Estimate(
        low=slept,
        central=slept + START_SECONDS,
        high=slept * SLEPT_OVER + MOST_START_SECONDS,
    )
    watts = simulation.watts * spec.device.gpu_count
    if not watts:
        return seconds, None
    wh = slept * watts / 3600
    return seconds, Estimate(low=wh, central=wh, high=seconds.high * watts / 3600)


def _stopped_in_time(
    seconds: Estimate, energy: Estimate | None, limit: float | None
) -> tuple[Estimate, Estimate | None]:
    """A run that --timeout stops takes that long, and draws that share of its energy."""
    if limit is None or seconds.high <= limit:
        return seconds, energy
    left = {
        bound: min(1.0, limit / value) if value else 1.0
        for bound, value in seconds.model_dump().items()
    }
    if energy:
        bounds = sorted(value * left[bound] for bound, value in energy.model_dump().items())
        energy = Estimate(low=bounds[0], central=bounds[1], high=bounds[2])
    return Estimate(**{name: min(v, limit) for name, v in seconds.model_dump().items()}), energy
