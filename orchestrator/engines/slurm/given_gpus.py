"""Which GPUs Slurm gave a job, by UUID: the only name that holds inside of a container too.

Slurm's own lists count the node's device files. CUDA_VISIBLE_DEVICES is no such list: where devices
are confined it counts anew in each job, while everything outside of the job counts all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX
from orchestrator.errors import HostError, Problem
from orchestrator.gpu_driver import DriverTrouble, opened_driver

LISTS = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS")
REMEDY = "Ask whoever runs the cluster: gres.conf must name the device files of its GPUs."


@dataclass(frozen=True)
class GivenGpu:
    uuid: str
    simulated: bool


def given_indices(environment: Mapping[str, str]) -> list[int]:
    """The numbers of the device files; empty where Slurm gave none.

    Raises:
        HostError: Slurm's list is none of numbers.
    """
    text = next((environment[name] for name in LISTS if environment.get(name)), "")
    indices: list[int] = []
    for part in text.split(",") if text else []:
        found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part.strip())
        if found is None:
            raise HostError(Problem("Slurm", f"gave the GPUs {text[:80]!r}", REMEDY))
        first, last = int(found[1]), int(found[2] or found[1])
        indices += range(first, last + 1)
    return indices


def made_up_gpus(node: str, indices: list[int]) -> tuple[GivenGpu, ...]:
    """The same UUID for the same GPU of the same node."""
    uuids = (f"{SIMULATED_DEVICE_PREFIX}-GPU-{node}-{index}" for index in indices)
    return tuple(GivenGpu(uuid, simulated=True) for uuid in uuids)


def driver_gpus(indices: list[int]) -> tuple[GivenGpu, ...]:
    """The GPUs behind the device files, by the driver, which may be the simulated one.

    Raises:
        HostError: the driver does not answer, or shows no such GPU.
    """
    minors = _gpus_by_minor()
    missing = [index for index in indices if index not in minors]
    if missing:
        numbers = ", ".join(map(str, missing))
        what = f"the driver shows the job no GPU {numbers}, which Slurm gave it"
        raise HostError(Problem("Slurm", what, REMEDY))
    return tuple(minors[index] for index in indices)


def _gpus_by_minor() -> dict[int, GivenGpu]:
    try:
        with opened_driver() as nvml:
            handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
            return {
                int(nvml.nvmlDeviceGetMinorNumber(handle)): GivenGpu(
                    str(nvml.nvmlDeviceGetUUID(handle)),
                    str(nvml.nvmlDeviceGetName(handle)).startswith(SIMULATED_DEVICE_PREFIX),
                )
                for handle in handles
            }
    except DriverTrouble as trouble:
        what = f"the node's NVIDIA driver does not answer: {trouble}"
        remedy = "Install on the node what it lacks, or take it out of service."
        raise HostError(Problem("Slurm", what, remedy)) from trouble
