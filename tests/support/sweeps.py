"""Sweeps within the test's own process, with real runs of the process engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.contract import Launch
from orchestrator.bench import Bench
from orchestrator.catalog_file import read_catalog
from orchestrator.display.base import Display
from orchestrator.engines.base import Engine
from orchestrator.engines.process import ProcessEngine
from orchestrator.errors import Problem
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpu_slots import GpuSlots
from orchestrator.gpus import Gpu, choose_gpus
from orchestrator.lost_nodes import LostNodes
from orchestrator.outcome import Outcome
from orchestrator.own_server import OwnServers
from orchestrator.pulse import Pulse
from orchestrator.retries import Retries
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import GpuSet, Plan, PlannedRun, make_plan
from orchestrator.settings import Settings
from orchestrator.simulation_file import Simulations, read_simulations
from orchestrator.stop_request import StopRequest
from orchestrator.sweep import Sweep
from orchestrator.sweep_record import SweepLog, SweepRecord
from orchestrator.sweep_result import SweepResult


@dataclass
class Heard(Display):
    """Remembers what it is told. `on_start` is called with each run that starts, `on_retry` with
    each that is to be tried again."""

    notices: list[str] = field(default_factory=list)
    retries: list[tuple[str, float]] = field(default_factory=list)
    on_start: Callable[[str], None] = lambda run_id: None
    on_retry: Callable[[str], None] = lambda run_id: None

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def warn(self, problems: Sequence[Problem]) -> None:
        self.notices += map(str, problems)

    def sweep_started(self, record: SweepRecord, skipped: Mapping[str, str]) -> None: ...

    def run_started(self, run: PlannedRun, launch: Launch, adopted: bool) -> None:
        self.on_start(run.run_id)

    def run_progressed(self, run: PlannedRun, pulse: Pulse) -> None: ...

    def run_ended(self, run: PlannedRun, outcome: Outcome, retry_seconds: float | None) -> None:
        if retry_seconds is not None:
            self.retries.append((run.run_id, retry_seconds))
            self.on_retry(run.run_id)

    def close(self) -> None: ...


def plan_of(settings: Settings, gpus: Sequence[Gpu]) -> Plan:
    simulations = read_simulations(settings.simulation) if settings.simulation else Simulations()
    configs = read_catalog(settings.csv).configs
    return make_plan(configs, settings, GpuSet(len(gpus), 80 * 10**9), None, simulations)


def sweep(
    settings: Settings,
    gpus: Sequence[Gpu] | None = None,
    heard: Heard | None = None,
    engine: Engine | None = None,
    slots: GpuSlots | None = None,
    first_wait_seconds: float = 0.05,
    stop: StopRequest | None = None,
) -> SweepResult:
    """Of the settings' catalog, without a container engine."""
    gpus = choose_gpus(settings.gpus, []) if gpus is None else gpus
    directory = RunDirectory(settings.output_dir)
    directory.create()
    engine = engine or ProcessEngine(Path(settings.output_dir).absolute())
    bench = Bench(
        settings=settings,
        directory=directory,
        engine=engine,
        servers=OwnServers(settings, directory),
        resting=RestingGpus(gpu.uuid for gpu in gpus),
        display=heard or Heard(),
        stop=stop or StopRequest(),
        lost_nodes=LostNodes.of(engine),
    )
    retries = Retries(settings.retries, settings.offline, first_wait_seconds)
    with directory.lock():
        directory.recover()
        log = SweepLog(directory, bench.engine.name, ())
        return Sweep(bench, slots or GpuSlots(gpus), retries, log).run(plan_of(settings, gpus))
