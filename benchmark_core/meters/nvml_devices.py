"""The NVIDIA driver's devices: which are the run's."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_edges import CHECK_GPU
from benchmark_core.meters.nvml_facts import is_partitioned

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
MIG_REMEDY = "Switch MIG mode off for measurements, or choose another GPU."


def load_driver() -> None:
    """Raises MeterFault where there is no driver that answers."""
    try:
        import pynvml
    except ImportError as error:
        raise MeterFault(
            "the package nvidia-ml-py, which reads the GPU energy, is not installed",
            "Install the project's requirements.txt.",
            "driver_error",
        ) from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise MeterFault(
            f"the NVIDIA driver does not answer, so GPU energy cannot be measured: {error}",
            "Install or load the driver; in a container, give it the GPUs (--gpus).",
            "driver_error",
        ) from error


def release_driver() -> None:
    import pynvml

    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlShutdown()


@contextlib.contextmanager
def driver_faults(what: str) -> Iterator[None]:
    """Turns what the driver refuses into MeterFault; `what` says what was wanted of it."""
    import pynvml

    try:
        yield
    except pynvml.NVMLError as error:
        lost = isinstance(error, pynvml.NVMLError_GpuIsLost)
        reason = "gpu_lost" if lost else "driver_error"
        raise MeterFault(f"{what}: {error}", CHECK_GPU, reason) from error


def find(uuid: str) -> Any:
    """The driver's handle of a whole GPU. Raises MeterFault."""
    import pynvml

    if uuid.startswith("MIG-"):
        raise _partitioned(uuid)
    try:
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except (pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):
        known = [f"{name} ({kind})" for name, kind in _present()]
        raise MeterFault(
            f"there is no GPU {uuid} here; the driver knows {', '.join(known) or 'none'}",
            "Launch the run with GPUs that it can see.",
            "driver_error",
        ) from None
    if is_partitioned(handle):
        raise _partitioned(uuid)
    return handle


def has_counter(handle: Any) -> bool:
    """Whether the GPU counts its energy: from Volta on, but for many virtual ones."""
    import pynvml

    try:
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
        return False
    return True


def visible_uuids(environment: Mapping[str, str], count: int) -> tuple[str, ...]:
    """The first `count` GPUs that CUDA sees, for a run that was not told which are its own.

    Raises:
        MeterFault: the variable names MIG instances, or indices in an order that only CUDA knows.
    """
    present = _present()
    named = environment.get(VISIBLE)
    words = None if named is None else [word.strip() for word in named.split(",")]
    if words is None:
        words = [str(index) for index in range(len(present))]
    by_driver = environment.get(ORDER) == "PCI_BUS_ID"
    chosen = []
    for word in words[:count]:
        if word.startswith("MIG-"):
            raise _partitioned(word)
        if word.isdigit():
            # CUDA counts its fastest GPU first, the driver the first on the bus.
            if len({kind for _, kind in present}) > 1 and not by_driver:
                raise MeterFault(
                    f"{VISIBLE} counts GPUs of different kinds in an order of CUDA's own",
                    f"Set {ORDER}=PCI_BUS_ID, or name the GPUs by UUID.",
                    "driver_error",
                )
            found = [uuid for uuid, _ in present][int(word) : int(word) + 1]
        else:
            found = [uuid for uuid, _ in present if word and uuid.startswith(word)]
        if len(found) != 1:
            break  # as CUDA does: what comes after an unknown device is not seen
        chosen += found
    return tuple(chosen)


def _partitioned(uuid: str) -> MeterFault:
    return MeterFault(
        f"GPU {uuid} is in MIG mode, where the counter covers all instances together",
        MIG_REMEDY,
        "driver_error",
    )


def _present() -> list[tuple[str, str]]:
    """UUID and name of every GPU, in the driver's order."""
    import pynvml

    handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
    return [(pynvml.nvmlDeviceGetUUID(h), pynvml.nvmlDeviceGetName(h)) for h in handles]
