"""GPU energy from the driver's own counters, one per device."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmark_core.contract import (
    SIMULATED_DEVICE_PREFIX,
    EnergySource,
    EnergySources,
    GpuFacts,
    Reading,
)
from benchmark_core.faults import MeterFault

# Counters are renewed at least every 100 ms on all GPUs known to have one, so one that stands
# still for longer than this is dead, not slow.
LONGEST_STILL_SECONDS = 1.0
# What the driver answers for an unsigned 64-bit value that it does not have.
NO_VALUE = 2**64 - 1

CHECK_GPU = "Look at nvidia-smi and the kernel log, then run the row again."


@dataclass(frozen=True)
class Edge:
    """All counters at one edge of a window: millijoules by UUID, and the monotonic clock."""

    millijoules: dict[str, int]
    at_seconds: float


class NvmlMeter:
    """Reads the energy counter of exactly the devices of `gpu_uuids` at both edges of a window.

    `synchronise` runs before each edge is read, so that queued work counts where it belongs.

    A counter advances in steps of 20 to 100 ms. When the counter of any device did not move within
    a window of at most `LONGEST_STILL_SECONDS`, that window was too short to be measured: its GPU
    energy is None, because 0 would be wrong and the other devices alone would understate it. In a
    longer window the same means a dead counter, a `MeterFault`.
    """

    def __init__(self, gpu_uuids: tuple[str, ...], synchronise: Callable[[], None]) -> None:
        self._uuids = gpu_uuids
        self._synchronise = synchronise
        self._handles: dict[str, Any] = {}
        self._facts: tuple[GpuFacts, ...] = ()
        self._initialised = False
        self._opened: Edge | None = None

    def start(self) -> None:
        if not self._uuids or len(set(self._uuids)) != len(self._uuids):
            raise MeterFault(
                f"the GPU meter needs the UUID of each GPU once, and got {list(self._uuids)}",
                "Launch the run with its GPUs named, or choose no nvml meter for runs without GPU.",
            )
        self._load_driver()
        try:
            with _driver_faults("the GPUs cannot be opened"):
                self._handles = {uuid: _find(uuid) for uuid in self._uuids}
                self._facts = tuple(_describe(uuid, h) for uuid, h in self._handles.items())
            self._read_edge()
        except MeterFault:
            self.stop()
            raise

    def open(self, label: str) -> None:
        self._synchronise()
        self._opened = self._read_edge()

    def close(self) -> Reading:
        opened, self._opened = self._opened, None
        if opened is None:
            raise MeterFault("a GPU energy window was closed that was never open", CHECK_GPU)
        self._synchronise()
        return _energy_between(opened, self._read_edge())

    def stop(self) -> None:
        if not self._initialised:
            return
        import pynvml

        self._initialised = False
        self._handles = {}
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()

    def sources(self) -> EnergySources:
        simulated = any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in self._facts)
        return EnergySources(
            gpu=EnergySource(
                meter="nvml",
                kind="simulated" if simulated else "measured",
                method="energy counter read at both edges",
            )
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        return self._facts

    def _load_driver(self) -> None:
        try:
            import pynvml
        except ImportError as error:
            raise MeterFault(
                "the package nvidia-ml-py, which reads the GPU energy, is not installed",
                "Install requirements.txt.",
            ) from error
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise MeterFault(
                f"the NVIDIA driver does not answer, so GPU energy cannot be measured: {error}",
                "Install or load the driver; in a container, give it the GPUs (--gpus).",
            ) from error
        self._initialised = True

    def _read_edge(self) -> Edge:
        import pynvml

        counters = {}
        for uuid, handle in self._handles.items():
            with _driver_faults(f"the energy counter of {uuid} cannot be read"):
                counters[uuid] = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            if not 0 <= counters[uuid] < NO_VALUE:
                raise MeterFault(f"the energy counter of {uuid} holds no value", CHECK_GPU)
        return Edge(counters, time.monotonic())


def _energy_between(opened: Edge, closed: Edge) -> Reading:
    seconds = closed.at_seconds - opened.at_seconds
    moved = {uuid: end - opened.millijoules[uuid] for uuid, end in closed.millijoules.items()}
    for uuid, millijoules in moved.items():
        if millijoules < 0:
            raise MeterFault(
                f"the energy counter of {uuid} went backwards by {-millijoules / 1000:g} J"
                " within a window: the driver was reloaded or the GPU reset",
                CHECK_GPU,
            )
        if millijoules == 0 and seconds > LONGEST_STILL_SECONDS:
            raise MeterFault(
                f"the energy counter of {uuid} stood still for {seconds:.1f} s",
                CHECK_GPU,
            )
    if not all(moved.values()):
        return Reading()
    by_device = {uuid: millijoules / 1000 for uuid, millijoules in moved.items()}
    return Reading(gpu_joules=sum(by_device.values()), gpu_joules_by_device=by_device)


def _find(uuid: str) -> Any:
    """The driver's handle of a whole GPU that has a counter of its own."""
    import pynvml

    try:
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except (pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
        raise MeterFault(
            f"there is no GPU {uuid} here; the driver knows {', '.join(_present()) or 'none'}",
            "Launch the run with GPUs that it can see.",
        ) from None
    if uuid.startswith("MIG-") or _is_partitioned(handle):
        raise MeterFault(
            f"GPU {uuid} is in MIG mode, where the counter covers all instances together",
            "Switch MIG mode off for measurements, or choose another GPU.",
        )
    try:
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError_NotSupported:
        raise MeterFault(
            f"GPU {uuid} has no energy counter",
            "Use a GPU of the Volta generation or newer that is not virtual (vGPU).",
        ) from None
    return handle


def _is_partitioned(handle: Any) -> bool:
    import pynvml

    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
        return False
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def _present() -> list[str]:
    import pynvml

    handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
    return [f"{pynvml.nvmlDeviceGetUUID(h)} ({pynvml.nvmlDeviceGetName(h)})" for h in handles]


def _describe(uuid: str, handle: Any) -> GpuFacts:
    import pynvml

    memory = _optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    milliwatts = _optional(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(handle))
    return GpuFacts(
        uuid=uuid,
        name=pynvml.nvmlDeviceGetName(handle),
        memory_bytes=memory,
        power_limit_watts=None if milliwatts is None else milliwatts / 1000,
        driver_version=pynvml.nvmlSystemGetDriverVersion(),
    )


def _optional(read: Callable[[], int]) -> int | None:
    import pynvml

    try:
        return int(read())
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
        return None


@contextlib.contextmanager
def _driver_faults(what: str) -> Iterator[None]:
    import pynvml

    try:
        yield
    except pynvml.NVMLError as error:
        raise MeterFault(f"{what}: {error}", CHECK_GPU) from error
