"""GPU energy from the driver's own counters, one per device."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, MeterName
from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_edges import CHECK_GPU, Course, SteppingCounter
from benchmark_core.report import EnergySource, EnergySources, GpuFacts, Reading

# What the driver answers for an unsigned 64-bit value that it does not have.
NO_VALUE = 2**64 - 1

# Between two rounds of readings. A loop without a pause is not faster where it counts: the system
# stops a process that never rests for milliseconds at a time, and a step there is not sharp.
POLL_SECONDS = 0.0001
# For so long an edge waits for steps that are sharp; a busy machine or a slow driver gives none.
SHARP_PATIENCE_SECONDS = 0.5
# And for so much longer for any that will do.
LONGEST_SEARCH_SECONDS = 10.0
# An edge may be so far from the watching of the counters. Other meters open and close between the
# two, in milliseconds; farther out the power at the edge would be a guess.
LONGEST_GAP_SECONDS = 1.0

MISUSE = "Please report this."


@dataclass(frozen=True)
class Edge:
    """The courses of all counters by UUID, and a time of the monotonic clock.

    The time is that of the edge of a window; before it, of the end of the approach.
    """

    courses: dict[str, Course]
    at_seconds: float


class NvmlMeter:
    """The energy of a window on exactly the devices of `gpu_uuids`, by their own counters.

    `synchronise` runs before each edge, so that queued work counts where it belongs.

    A counter advances in steps, so `approach` waits for two steps of every device before the
    window, and `read` for two after it: 0.1 to 0.2 s each with steps of 100 ms. From the step
    nearest to the edge a constant power is assumed up to the edge, that between the two steps. What
    is left is the change of the power within one step outside the window, or while other meters
    open and close, and less than a millisecond's energy from the time of the steps, on a machine
    that is not overloaded. An edge a second or more from the watching is a fault.

    A window that comes out at zero or less on any device was too short for that: its GPU energy is
    None, because 0 would be wrong and the other devices alone would understate it. Windows of 2 ms
    are measured where the power is steady around them.
    """

    name: MeterName = "nvml"

    def __init__(self, gpu_uuids: tuple[str, ...], synchronise: Callable[[], None]) -> None:
        self._uuids = gpu_uuids
        self._synchronise = synchronise
        self._handles: dict[str, Any] = {}
        self._counters: dict[str, SteppingCounter] = {}
        self._facts: tuple[GpuFacts, ...] = ()
        self._initialised = False
        self._approached: Edge | None = None
        self._opened: Edge | None = None
        self._closed_at: float | None = None

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
            self._counters = {uuid: SteppingCounter(uuid) for uuid in self._uuids}
            self._read_counters()
        except MeterFault:
            self.stop()
            raise

    def approach(self) -> None:
        """Synchronises too: work still queued would make the power before the window another."""
        self._opened = self._closed_at = None
        self._synchronise()
        courses = self._await_courses(SteppingCounter.course_until_now)
        self._approached = Edge(courses, time.monotonic())

    def open(self, label: str) -> None:
        approached, self._approached = self._approached, None
        if approached is None:
            raise MeterFault("a GPU energy window was opened without an approach", MISUSE)
        self._synchronise()
        at_seconds = time.monotonic()
        _refuse_gap(at_seconds - approached.at_seconds, "before")
        self._opened = Edge(approached.courses, at_seconds)

    def close(self) -> None:
        if self._opened is None:
            raise MeterFault("a GPU energy window was closed that was never open", MISUSE)
        self._synchronise()
        self._closed_at = time.monotonic()

    def read(self) -> Reading:
        opened, self._opened = self._opened, None
        closed_at, self._closed_at = self._closed_at, None
        if opened is None or closed_at is None:
            raise MeterFault("a GPU energy window was read that was never closed", MISUSE)
        _refuse_gap(time.monotonic() - closed_at, "after")
        courses = self._await_courses(SteppingCounter.course_from_start)
        return energy_between(opened, Edge(courses, closed_at))

    def stop(self) -> None:
        if not self._initialised:
            return
        import pynvml

        self._initialised = False
        self._handles = {}
        self._counters = {}
        self._approached = self._opened = self._closed_at = None
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()

    def sources(self) -> EnergySources:
        simulated = any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in self._facts)
        return EnergySources(
            gpu=EnergySource(
                meter="nvml",
                kind="simulated" if simulated else "measured",
                method="energy counter, both edges aligned to its steps",
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

    def _await_courses(
        self, course: Callable[[SteppingCounter, bool], Course | None]
    ) -> dict[str, Course]:
        """Read all counters until each has stepped often enough to have a course."""
        for counter in self._counters.values():
            counter.watch()
        patient_until = time.monotonic() + SHARP_PATIENCE_SECONDS
        while True:
            self._read_counters()
            content = time.monotonic() > patient_until
            courses = {
                uuid: found
                for uuid, counter in self._counters.items()
                if (found := course(counter, content))
            }
            if len(courses) == len(self._counters):
                return courses
            if time.monotonic() > patient_until + LONGEST_SEARCH_SECONDS:
                raise MeterFault(
                    "no step of the energy counters could be seen sharply enough within"
                    f" {LONGEST_SEARCH_SECONDS:g} s",
                    "The machine is overloaded: run the row again with nothing else on it.",
                )
            time.sleep(POLL_SECONDS)

    def _read_counters(self) -> None:
        import pynvml

        for uuid, counter in self._counters.items():
            with _driver_faults(f"the energy counter of {uuid} cannot be read"):
                asked_at = time.monotonic()
                millijoules = pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handles[uuid])
                answered_at = time.monotonic()
            if not 0 <= millijoules < NO_VALUE:
                raise MeterFault(f"the energy counter of {uuid} holds no value", CHECK_GPU)
            counter.see(millijoules, asked_at, answered_at)


def _refuse_gap(seconds: float, side: str) -> None:
    if seconds > LONGEST_GAP_SECONDS:
        raise MeterFault(
            f"{seconds:.1f} s {side} a GPU energy window nobody watched the counters, and"
            f" {LONGEST_GAP_SECONDS:g} s is the most that the energy at its edge can be told from",
            "The machine was overloaded or stopped, or another meter is slow: run the row again.",
        )


def energy_between(opened: Edge, closed: Edge) -> Reading:
    """Of all devices together, or of none, when one of them has no energy to show."""
    by_device = {
        uuid: (
            course.millijoules_at(closed.at_seconds)
            - opened.courses[uuid].millijoules_at(opened.at_seconds)
        )
        / 1000
        for uuid, course in closed.courses.items()
    }
    if min(by_device.values(), default=0) <= 0:
        return Reading()
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
