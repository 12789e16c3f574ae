"""Which meters there are, and how each is made for a run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import MeterName, Simulation
from benchmark_core.meter_facts import METER_FACTS
from benchmark_core.meters.base import Meter


@dataclass(frozen=True)
class MeterContext:
    """What a run knows that its meters need.

    `output_dir` takes the files a meter writes, `trace_path` is where the power trace goes,
    `region` is that of the grid factors, and `synchronise` returns when the devices have finished
    all work given to them.
    """

    gpu_uuids: tuple[str, ...]
    gpu_count: int
    output_dir: Path
    trace_path: Path
    region: str
    dcgm_endpoint: str | None
    simulation: Simulation | None
    synchronise: Callable[[], None]


def create(name: MeterName, context: MeterContext) -> Meter:
    """The meter of that name, not yet started."""
    return _FACTORIES[name](context)


def _nvml(context: MeterContext) -> Meter:
    from benchmark_core.meters.nvml import NvmlMeter

    return NvmlMeter(context.gpu_uuids, context.synchronise, context.trace_path, context.gpu_count)


def _dcgm(context: MeterContext) -> Meter:
    from benchmark_core.meters.dcgm import DcgmMeter

    return DcgmMeter(context.dcgm_endpoint, context.gpu_uuids, context.synchronise)


def _codecarbon(context: MeterContext) -> Meter:
    from benchmark_core.meters.codecarbon import CodeCarbonMeter

    return CodeCarbonMeter(context.output_dir, context.region, context.gpu_uuids)


def _simulated(context: MeterContext) -> Meter:
    from benchmark_core.meters.simulated import SimulatedMeter

    simulation = context.simulation or Simulation()
    return SimulatedMeter(simulation.watts, context.gpu_count, simulation.fault, context.gpu_uuids)


def fastest_first(names: Iterable[MeterName]) -> list[MeterName]:
    """In the order of reading."""
    order = list(METER_FACTS)
    return sorted(names, key=order.index)


_FACTORIES: dict[MeterName, Callable[[MeterContext], Meter]] = {
    "nvml": _nvml,
    "dcgm": _dcgm,
    "simulated": _simulated,
    "codecarbon": _codecarbon,
}
