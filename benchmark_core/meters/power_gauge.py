"""The energy of windows by integrated power, for GPUs without an energy counter."""

from collections.abc import Sequence
from pathlib import Path

from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_edges import CHECK_GPU
from benchmark_core.meters.power_sampler import PowerSampler
from benchmark_core.power_trace import integrate, tail
from benchmark_core.report.energy import Reading

# A sample this far outside a window still tells the power at its edge.
MARGIN_SECONDS = 0.2


class PowerGauge:
    """Integrates the samples that another process takes; see `power_trace.integrate`.

    Far from exact for short windows: the driver renews its power readings about every 100 ms.
    """

    method = "power samples at 20 Hz, integrated, because the GPU has no energy counter"
    integrated = True

    def __init__(self, gpu_uuids: Sequence[str], sampler: PowerSampler, trace_path: Path) -> None:
        self._uuids = tuple(gpu_uuids)
        self._sampler = sampler
        self._trace_path = trace_path
        self._opened_at = 0.0

    def approach(self) -> None:
        """Nothing to wait for."""

    def open(self, at_seconds: float) -> None:
        self._opened_at = at_seconds

    def read(self, closed_at: float) -> Reading:
        """Raises MeterFault when the samples do not cover the window with power."""
        self._sampler.wait_past(closed_at)
        samples: dict[int, list[tuple[float, float]]] = {n: [] for n in range(len(self._uuids))}
        for row in tail(self._trace_path, self._opened_at - MARGIN_SECONDS):
            if row.best_watts is not None and row.gpu in samples:
                samples[row.gpu].append((row.seconds, row.best_watts))
        joules = {
            uuid: integrate(samples[number], self._opened_at, closed_at)
            for number, uuid in enumerate(self._uuids)
        }
        known = {uuid: value for uuid, value in joules.items() if value is not None}
        missing = sorted(set(joules) - set(known))
        if missing:
            raise MeterFault(
                f"the power of {', '.join(missing)} could not be read all through a window",
                CHECK_GPU,
                "power_not_readable",
            )
        if min(known.values(), default=0) <= 0:
            return Reading()
        return Reading(gpu_joules=sum(known.values()), gpu_joules_by_device=known)

    def total(self) -> Reading:
        """None: beside the samples there is nothing that they could be checked against."""
        return Reading()
