"""What the NVIDIA driver tells of a device, through a handle of an initialised pynvml."""

import hashlib
from collections.abc import Callable
from typing import Any

from benchmark_core.report.gpu_facts import GpuFacts


def describe(handle: Any) -> GpuFacts:
    """What makes measurements on two GPUs comparable; None where the driver does not tell.

    Raises pynvml.NVMLError where it does not answer at all.
    """
    import pynvml

    uuid = str(pynvml.nvmlDeviceGetUUID(handle))
    cuda = _optional(pynvml.nvmlSystemGetCudaDriverVersion)
    ecc = _optional(lambda: pynvml.nvmlDeviceGetEccMode(handle)[0])
    persistence = _optional(lambda: pynvml.nvmlDeviceGetPersistenceMode(handle))
    return GpuFacts(
        uuid=uuid,
        uuid_sha256=hashlib.sha256(uuid.encode()).hexdigest(),
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=_optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).total),
        power_limit_watts=_watts(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle),
        default_power_limit_watts=_watts(pynvml.nvmlDeviceGetPowerManagementDefaultLimit, handle),
        driver_version=pynvml.nvmlSystemGetDriverVersion(),
        cuda_version=None if cuda is None else f"{cuda // 1000}.{cuda % 1000 // 10}",
        ecc=None if ecc is None else bool(ecc),
        persistence=None if persistence is None else bool(persistence),
    )


def is_partitioned(handle: Any) -> bool:
    """Whether the GPU is cut into instances (MIG mode)."""
    import pynvml

    mode = _optional(lambda: pynvml.nvmlDeviceGetMigMode(handle)[0])
    return bool(mode == pynvml.NVML_DEVICE_MIG_ENABLE)


def _watts(read: Callable[[Any], int], handle: Any) -> float | None:
    milliwatts = _optional(lambda: read(handle))
    return None if milliwatts is None else milliwatts / 1000


def _optional(read: Callable[[], int]) -> int | None:
    import pynvml

    try:
        return int(read())
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
        return None
