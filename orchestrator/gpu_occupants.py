"""What is at work on the GPUs of this host that a sweep did not start."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmark_core.contract import LAUNCH_FILE, SIMULATED_DEVICE_PREFIX, Launch
from benchmark_core.documents import ContractError
from benchmark_core.terminal_text import printable
from orchestrator.errors import Problem
from orchestrator.gpu_driver import DriverTrouble, opened_driver
from orchestrator.gpus import Gpu
from orchestrator.host_runs import folders_being_filled

LONGEST_COMMAND = 40
MOST_NAMED = 3


def occupants(gpus: Sequence[Gpu]) -> Mapping[str, str]:
    """By UUID, the programs that compute on each GPU, and runs that were given it.

    Made-up GPUs have none. A driver that does not tell is asked again by whoever measures.
    """
    real = [gpu for gpu in gpus if not gpu.uuid.startswith(SIMULATED_DEVICE_PREFIX)]
    if not real:
        return {}
    return {**_computing(real), **_given_to_runs()}


def find_occupied(gpus: Sequence[Gpu]) -> Iterator[Problem]:
    """That every GPU is some other program's, so that nothing would ever start.

    Those of other sweeps of ours come free.
    """
    real = [gpu for gpu in gpus if not gpu.uuid.startswith(SIMULATED_DEVICE_PREFIX)]
    if not real:
        return
    computing, ours = _computing(real), _given_to_runs()
    if all(gpu.uuid in computing and gpu.uuid not in ours for gpu in gpus):
        named = "; ".join(f"GPU {gpu.index}: {computing[gpu.uuid]}" for gpu in gpus[:MOST_NAMED])
        yield Problem(
            "--gpus",
            f"others are at work on every GPU that may be used ({named})",
            "End what is not needed, or choose another GPU with --gpus.",
        )


def _given_to_runs() -> dict[str, str]:
    """Runs of this program hold their GPUs before they compute, and after their runner died."""
    found = {}
    for name, folder in folders_being_filled():
        try:
            launch = Launch.read(folder / LAUNCH_FILE)
        except (ContractError, OSError):
            continue
        for uuid in launch.gpu_uuids:
            found[uuid] = f"the run {name}"
    return found


def _computing(gpus: Sequence[Gpu]) -> dict[str, str]:
    found = {}
    with suppress(DriverTrouble), opened_driver() as nvml:
        for gpu in gpus:
            with suppress(nvml.NVMLError):
                handle = nvml.nvmlDeviceGetHandleByUUID(gpu.uuid)
                if processes := nvml.nvmlDeviceGetComputeRunningProcesses(handle):
                    found[gpu.uuid] = _named([process.pid for process in processes])
    return found


def _named(pids: Sequence[int]) -> str:
    names = ", ".join(f"process {pid}{_command(pid)}" for pid in pids[:MOST_NAMED])
    more = len(pids) - MOST_NAMED
    return f"{names} and {more} more" if more > 0 else names


def _command(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return f" ({printable(name)[:LONGEST_COMMAND]})" if name else ""
