"""The GPUs of a delegated run: what they are, and the numbers that the driver gives them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.meters import nvml_devices
from benchmark_core.meters.nvml_facts import describe
from benchmark_core.report.gpu_facts import GpuFacts


@dataclass(frozen=True)
class GivenGpus:
    """`driver_indices` count the GPUs in the order of the bus."""

    facts: tuple[GpuFacts, ...]
    driver_indices: tuple[int, ...]


def given_gpus(uuids: Sequence[str], count: int) -> GivenGpus:
    """The GPUs that the launch names, else the first `count` that are visible.

    Raises:
        MeterFault: there is no driver that answers, or it does not have them.
    """
    import pynvml

    nvml_devices.load_driver()
    try:
        with nvml_devices.driver_faults("the GPUs of the run cannot be looked at"):
            own = tuple(uuids) or nvml_devices.visible_uuids(os.environ, count)
            handles = [nvml_devices.find(uuid) for uuid in own]
            return GivenGpus(
                tuple(map(describe, handles)),
                tuple(pynvml.nvmlDeviceGetIndex(handle) for handle in handles),
            )
    finally:
        nvml_devices.release_driver()
