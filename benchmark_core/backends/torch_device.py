"""The device of a run, as PyTorch names it, and whether the model lies on it."""

from benchmark_core.contract import DeviceSpec, RunSpec
from benchmark_core.faults import ModelFault, SpecFault
from benchmark_core.recipe import LoadedModel


def torch_device(spec: RunSpec) -> str:
    """The torch name of the spec's device. Raises ModelFault where it does not exist."""
    import torch

    if spec.device.kind == "cpu":
        return "cpu"
    if spec.device.kind != "cuda":
        raise SpecFault(
            f"the pytorch backend cannot run on a {spec.device.kind} device",
            "Choose --device cuda or cpu, or the simulated backend.",
        )
    wanted, found = max(spec.device.gpu_count, 1), torch.cuda.device_count()
    if not torch.cuda.is_available() or found < wanted:
        raise ModelFault(
            f"the run needs {wanted} CUDA GPU(s), PyTorch sees {found}",
            "Check that nvidia-smi lists the GPUs, that the run was given them, and that the"
            " installed PyTorch is built for CUDA; or use --device cpu.",
        )
    return "cuda:0"


def gpu_uuids(device: DeviceSpec) -> tuple[str, ...]:
    """As the driver names them."""
    if device.kind != "cuda":
        return ()
    import torch

    properties = map(torch.cuda.get_device_properties, range(device.gpu_count))
    return tuple(f"GPU-{own.uuid}" for own in properties)


def check_device(wanted: DeviceSpec, loaded: LoadedModel) -> DeviceSpec:
    """Where the model lies, which is the device of the run, before anything is measured.

    Raises:
        ModelFault: some of the GPUs would idle, and their energy would count as the model's.
    """
    found = loaded.device or DeviceSpec(kind="cpu", gpu_count=0)
    if found != wanted:
        raise ModelFault(
            f"model {loaded.model_id} was put on {found.kind} with {found.gpu_count} GPU(s), the"
            f" run asks for {wanted.kind} with {wanted.gpu_count}",
            "Give the row as many GPUs as it fills (its GPUs column, or --gpus-per-run).",
        )
    return found
