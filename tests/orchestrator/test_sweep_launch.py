"""What a sweep tells each run of its surroundings: its GPUs at rest, and what runs beside it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from benchmark_core.contract import REPORT_FILE, GpuRest, Launch, RunSpec
from benchmark_core.report.rest import ThermalGate
from orchestrator.bench import Bench
from orchestrator.catalog import ModelConfig
from orchestrator.display.base import Display
from orchestrator.engines.base import Handle, Leftover, Order
from orchestrator.engines.container_settings import Confinement, ContainerUser, create_arguments
from orchestrator.errors import Problem
from orchestrator.exit import Exit
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpu_slots import GpuSlots
from orchestrator.gpus import choose_gpus
from orchestrator.own_server import OwnServers
from orchestrator.retries import Retries
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import GpuSet, make_plan
from orchestrator.settings import Settings
from orchestrator.simulation_file import Simulations
from orchestrator.stop_request import StopRequest
from orchestrator.sweep import Sweep
from orchestrator.sweep_record import SweepLog
from tests.support import builders
from tests.support.other_run import filling
from tests.support.settings import settings

GPUS = choose_gpus("simulated:2", [])
FIRST = GPUS[0].uuid


class Ended:
    def waits(self) -> bool:
        return False

    def poll(self) -> Exit:
        return Exit("exited", 0)

    def stop(self) -> Exit:
        return self.poll()

    def show_stacks(self) -> None:
        pass

    def is_gone(self) -> bool:
        return True

    def release(self) -> None:
        pass


class RestingEngine:
    """Its runs do nothing but report how their GPUs came to rest, in this order."""

    name = "process"

    def __init__(self, gates: Sequence[ThermalGate | None]) -> None:
        self._gates = iter(gates)
        self.orders: list[Order] = []

    def start(self, order: Order) -> Handle:
        self.orders.append(order)
        spec = RunSpec.read(order.folder / "run_spec.json")
        report = builders.report(spec, thermal_gate=next(self._gates))
        (order.folder / REPORT_FILE).write_text(report.to_json())
        return Ended()

    def leftovers(self) -> list[Leftover]:
        return []

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        yield from ()

    def warnings(self) -> Iterator[Problem]:
        yield from ()

    def image_name(self) -> None:
        return None

    def image_digest(self) -> None:
        return None

    def samples_path(self, samples: Path) -> str:
        return str(samples)

    def adopt(self, leftover: Leftover, order: Order) -> Handle:
        raise AssertionError("nothing was left")

    def discard(self, leftover: Leftover) -> None:
        raise AssertionError("nothing was left")


class Silence(Display):
    def notice(self, text: str) -> None: ...
    def warn(self, problems: Sequence[Problem]) -> None: ...
    def sweep_started(self, record: object, skipped: Mapping[str, str]) -> None: ...
    def run_started(self, run: object, launch: object, adopted: bool) -> None: ...
    def run_progressed(self, run: object, pulse: object) -> None: ...
    def run_ended(self, run: object, outcome: object, retry_seconds: float | None) -> None: ...
    def close(self) -> None: ...


def gate(watts: float, celsius: float, settled: bool = True) -> ThermalGate:
    rest = {gpu.uuid: GpuRest(watts=watts, celsius=celsius) for gpu in GPUS}
    return ThermalGate(waited_seconds=1.0, settled=settled, at_rest=rest)


def swept(chosen: Settings, gates: Sequence[ThermalGate | None]) -> list[Order]:
    """The orders of a sweep whose runs ended with these waits for rest."""
    configs = [
        ModelConfig(
            model_id=f"org/m{number}",
            priority=1,
            model_class="A",
            task="text_generation",
            reasoning_state="Off",
            line=number + 2,
        )
        for number in range(len(gates))
    ]
    plan = make_plan(configs, chosen, GpuSet(2, 80 * 10**9), None, Simulations())
    directory = RunDirectory(chosen.output_dir)
    directory.create()
    engine = RestingEngine(gates)
    resting = RestingGpus(gpu.uuid for gpu in GPUS)
    servers = OwnServers(chosen, directory)
    bench = Bench(chosen, directory, engine, servers, resting, Silence(), StopRequest())
    log = SweepLog(directory, engine.name, ())
    Sweep(bench, GpuSlots(GPUS), Retries(0, offline=True), log).run(plan)
    written = [directory.folder(run.run_id).launch() for run in plan.runs]
    assert written == [order.launch for order in engine.orders]
    return engine.orders


@pytest.fixture
def launches(tmp_path: Path):
    """The launches of a simulated sweep whose runs ended with these waits for rest."""

    def sweep(*gates: ThermalGate | None) -> list[Launch]:
        chosen = settings("--backend", "simulated", "--output-dir", str(tmp_path / "results"))
        return [order.launch for order in swept(chosen, gates)]

    return sweep


@pytest.mark.parametrize(
    ("said", "network", "told"), [("1", "none", "1"), ("false", None, None), ("", None, None)]
)
def test_offline_in_the_env_file_asks_for_a_container_without_a_network(
    tmp_path: Path, said: str, network: str | None, told: str | None
) -> None:
    (tmp_path / "mine.env").write_text(f"HF_HUB_OFFLINE={said}\n")
    chosen = settings(
        *("--env-file", str(tmp_path / "mine.env"), "--device", "cpu"),
        *("--output-dir", str(tmp_path / "results")),
    )
    (order,) = swept(chosen, [None])
    user = ContainerUser.for_caller(rootless=False)
    confinement = Confinement("sha256:0", user, tmp_path, None, None, {})
    arguments = create_arguments(confinement, order, None)
    assert arguments.get("network_mode") == network
    assert arguments["environment"].get("HF_HUB_OFFLINE") == told


def test_later_runs_are_told_the_coolest_state_of_their_gpus(launches) -> None:
    warm, cool = gate(90.0, 45.0), gate(70.0, 30.0)
    told = [launch.gpus_at_rest for launch in launches(None, warm, cool, warm)]
    assert told[:2] == [{}, {}]
    assert told[2] == {FIRST: GpuRest(watts=90.0, celsius=45.0)}
    assert told[3] == {FIRST: GpuRest(watts=70.0, celsius=30.0)}


def test_a_run_that_never_came_to_rest_sets_no_example(launches) -> None:
    assert launches(gate(90.0, 45.0, settled=False), None)[1].gpus_at_rest == {}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no list of processes here")
def test_what_runs_beside_is_named_and_the_sweep_itself_is_not(launches, tmp_path: Path) -> None:
    beside = tmp_path / f"org_beside-{os.getpid()}_On"
    with filling(beside, tmp_path / "program"):
        first, second = launches(None, None)
    for launch in (first, second):
        assert beside.name in launch.runs_beside
        assert not {"org_m0_Off", "org_m1_Off"} & set(launch.runs_beside)
