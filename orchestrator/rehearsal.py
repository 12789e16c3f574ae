"""Whether a run is a rehearsal: simulated, or on a driver that is. Its report tells more."""

from collections.abc import Sequence

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError
from orchestrator.gpus import Gpu
from orchestrator.run_folder import RunFolder


def would_rehearse(spec: RunSpec, gpus: Sequence[Gpu]) -> bool:
    """Whether a run is one that is given some of these GPUs; the host says so in its launch."""
    on_simulated = spec.device.gpu_count > 0 and any(gpu.simulated for gpu in gpus)
    return spec.backend.is_simulated or on_simulated


def is_rehearsal(folder: RunFolder) -> bool | None:
    """What the launch of a run says; by what was asked where an older version launched it.

    None where neither can be read.
    """
    launch = folder.launch()
    if launch and launch.rehearsal is not None:
        return launch.rehearsal
    try:
        return RunSpec.read(folder.spec_path).backend.is_simulated
    except ContractError:
        return None
