"""GPU energy from the NVIDIA driver, of exactly the devices of the run."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, MeterName, SourceKind
from benchmark_core.faults import MeterFault
from benchmark_core.meters import nvml_devices
from benchmark_core.meters.counter_gauge import CounterGauge
from benchmark_core.meters.edge_rules import MISUSE
from benchmark_core.meters.nvml_facts import describe
from benchmark_core.meters.power_gauge import PowerGauge
from benchmark_core.meters.power_sampler import PowerSampler
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts


class NvmlMeter:
    """The energy of a window on exactly the devices of `gpu_uuids`.

    Without `gpu_uuids` the first `gpu_count` devices that CUDA sees are taken. By the energy
    counters where all of them have one, else by integrated power. `synchronise` runs before each
    edge, so that queued work counts where it belongs. Where `trace_path` is given, another process
    writes the power trace there meanwhile; integrated power needs it.
    """

    name: MeterName = "nvml"

    def __init__(
        self,
        gpu_uuids: tuple[str, ...],
        synchronise: Callable[[], None],
        trace_path: Path | None = None,
        gpu_count: int = 0,
    ) -> None:
        self._uuids = gpu_uuids
        self._gpu_count = gpu_count
        self._synchronise = synchronise
        self._trace_path = trace_path
        self._facts: tuple[GpuFacts, ...] = ()
        self._initialised = False
        self._sampler: PowerSampler | None = None
        self._gauge: CounterGauge | PowerGauge | None = None
        self._is_first = True
        self._is_open = False
        self._closed_at: float | None = None

    def start(self) -> None:
        nvml_devices.load_driver()
        self._initialised = True
        try:
            self._choose_gauge()
        except MeterFault:
            self.stop()
            raise

    def _choose_gauge(self) -> None:
        with nvml_devices.driver_faults("the GPUs cannot be opened"):
            uuids = self._uuids or nvml_devices.visible_uuids(os.environ, self._gpu_count)
            if not uuids or len(set(uuids)) != len(uuids):
                raise MeterFault(
                    f"the GPU meter needs the UUID of each GPU once, and got {list(uuids)}",
                    "Launch the run with its GPUs named, or choose no nvml meter for runs without"
                    " GPU.",
                    "driver_error",
                )
            handles = {uuid: nvml_devices.find(uuid) for uuid in uuids}
            self._facts = tuple(describe(handle) for handle in handles.values())
            lacking = [uuid for uuid in uuids if not nvml_devices.has_counter(handles[uuid])]
        if self._trace_path is not None:
            self._sampler = PowerSampler(uuids, self._trace_path)
            self._sampler.launch()
        if not lacking:
            self._gauge = CounterGauge(handles, self._trace_path)
        elif self._sampler is None or self._trace_path is None:
            raise MeterFault(
                f"GPU {', '.join(lacking)} has no energy counter",
                "Use a GPU of the Volta generation or newer that is not virtual (vGPU).",
                "counter_missing",
            )
        else:
            self._gauge = PowerGauge(uuids, self._sampler, self._trace_path)

    def approach(self) -> None:
        """Synchronises too: work still queued would make the power before the window another.

        The sampling process comes up beside the first search for steps.
        """
        self._is_open, self._closed_at = False, None
        self._synchronise()
        gauge = self._running()
        gauge.approach()
        if self._is_first and self._sampler is not None and self._sampler.await_rows():
            # What was found before that wait is no longer next to the edge.
            gauge.approach()
        self._is_first = False

    def open(self, label: str) -> None:
        self._synchronise()
        self._mark(label)
        self._running().open(time.monotonic())
        self._is_open = True

    def close(self) -> None:
        if not self._is_open:
            raise MeterFault("a GPU energy window was closed that was never open", MISUSE)
        self._is_open = False
        self._synchronise()
        self._closed_at = time.monotonic()
        self._mark("", self._closed_at)

    def read(self) -> Reading:
        closed_at, self._closed_at = self._closed_at, None
        if closed_at is None:
            raise MeterFault("a GPU energy window was read that was never closed", MISUSE)
        return self._running().read(closed_at)

    def total(self) -> Reading:
        return self._gauge.total() if self._gauge else Reading()

    def stop(self) -> None:
        sampler, self._sampler, self._gauge = self._sampler, None, None
        if sampler is not None:
            sampler.stop()
        if self._initialised:
            self._initialised = False
            nvml_devices.release_driver()

    def sources(self) -> EnergySources:
        if self._gauge is None:
            return EnergySources()
        simulated = any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in self._facts)
        kind: SourceKind = "simulated" if simulated else "measured"
        gauge = self._gauge
        return EnergySources(
            gpu=EnergySource(
                meter="nvml", kind=kind, method=gauge.method, integrated=gauge.integrated
            )
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        return self._facts

    def _running(self) -> CounterGauge | PowerGauge:
        if self._gauge is None:
            raise MeterFault("the GPU meter was used before it was started", MISUSE)
        return self._gauge

    def _mark(self, label: str, at_seconds: float | None = None) -> None:
        if self._sampler is not None:
            self._sampler.mark(label, at_seconds)
