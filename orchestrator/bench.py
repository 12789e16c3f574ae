"""What the attempts of one sweep have in common."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from orchestrator.display.base import Display
from orchestrator.engines.base import Engine
from orchestrator.gpu_rest import RestingGpus
from orchestrator.lost_nodes import LostNodes
from orchestrator.own_server import OwnServers
from orchestrator.run_directory import RunDirectory
from orchestrator.run_forecast import RunForecast
from orchestrator.run_planner import PlannedRun
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest
from orchestrator.sweep_record import ExpectedRun

LIMIT_OVER_FORECAST, LOADING_SECONDS = 2.0, 1800.0
"""Of the time limit of a job: over the upper bound of its forecast, which knows no download."""


@dataclass(frozen=True)
class Bench:
    """What all attempts of a sweep work with. May be used by several threads.

    `forecasts` are by run_id. Within `undisturbed()` the sweep does nothing else that costs the
    machine much. A run that still `lacks` what it reads is not begun. One that is `cached` finds
    all of it in the cache, and does not ask the hub.
    """

    settings: Settings
    directory: RunDirectory
    engine: Engine
    servers: OwnServers
    resting: RestingGpus
    display: Display
    stop: StopRequest
    forecasts: Mapping[str, RunForecast] = field(default_factory=dict)
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext
    lacks: Callable[[PlannedRun], bool] = lambda run: False
    lost_nodes: LostNodes = field(default_factory=LostNodes)
    cached: Callable[[PlannedRun], bool] = lambda run: False

    def expectation(self, run: PlannedRun) -> ExpectedRun:
        """What was expected of a run, for the record of the sweep."""
        known = self.forecasts.get(run.run_id, RunForecast(run.spec.device.gpu_count))
        return ExpectedRun(
            run_id=run.run_id,
            gpu_count=known.gpu_count,
            seconds=known.seconds,
            gpu_energy_wh=known.gpu_energy_wh,
        )

    def time_limit_seconds(self, run: PlannedRun) -> float | None:
        """Of a job of unknown length: far above what is expected, for queues that ask for one."""
        expected = self.forecasts.get(run.run_id)
        if expected is None or expected.seconds is None:
            return None
        return LIMIT_OVER_FORECAST * expected.seconds.high + LOADING_SECONDS
