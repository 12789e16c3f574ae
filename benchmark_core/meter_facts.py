"""What each meter is. Loads nothing, so that flags and settings can read it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmark_core.names import MeterName

DEFAULT_IDLE_SECONDS = 5.0


@dataclass(frozen=True)
class MeterFacts:
    """One meter, as all that is not the meter itself must know it."""

    measures_gpus: bool = False
    """Whether it gives the GPU energy of a run."""
    counts_gpus: bool = False
    """Whether that is what real GPUs count themselves, as the official protocol asks. It can then
    watch them at rest too."""
    sees_processes: bool = False
    """Whether it asks the driver of this machine, which knows who computes on its GPUs."""
    leaves_trace: bool = False
    """Whether there is a power trace wherever it measured."""
    asks_exporter: bool = False
    """Whether it asks the exporter of a host that may be another machine."""
    measures_host: bool = False
    """Whether it gives the CPU and RAM energy of the machine that a run is on."""
    is_simulated: bool = False
    """Whether nothing that it gives is a measurement."""


METER_FACTS: Mapping[MeterName, MeterFacts] = MappingProxyType(
    {
        "nvml": MeterFacts(
            measures_gpus=True, counts_gpus=True, sees_processes=True, leaves_trace=True
        ),
        "dcgm": MeterFacts(measures_gpus=True, counts_gpus=True, asks_exporter=True),
        "simulated": MeterFacts(measures_gpus=True, is_simulated=True),
        "codecarbon": MeterFacts(measures_host=True),
    }
)
"""In the order in which a run asks them, the fastest first: a slow meter inside the window of a
fast one would be in it."""


def _those_which(holds: Callable[[MeterFacts], bool]) -> tuple[MeterName, ...]:
    return tuple(name for name, facts in METER_FACTS.items() if holds(facts))


GPU_METERS = _those_which(lambda facts: facts.measures_gpus)
GPU_COUNTERS = _those_which(lambda facts: facts.counts_gpus)
DRIVER_METERS = _those_which(lambda facts: facts.sees_processes)
TRACING_METERS = _those_which(lambda facts: facts.leaves_trace)
EXPORTER_METERS = _those_which(lambda facts: facts.asks_exporter)
HOST_METERS = _those_which(lambda facts: facts.measures_host)
SIMULATED_METERS = _those_which(lambda facts: facts.is_simulated)


def usual_idle_seconds(meters: Iterable[str]) -> float | None:
    """How long power at rest is watched; None for not at all."""
    return DEFAULT_IDLE_SECONDS if set(meters) & set(GPU_COUNTERS) else None
