"""The GPUs that may be used: what they are, and what of their settings changes a measurement."""

from collections.abc import Iterator

from benchmark_core.official import hardware_deviations
from benchmark_core.report.gpu_facts import GpuFacts
from orchestrator.errors import Problem
from orchestrator.gpu_occupants import find_occupied
from orchestrator.gpus import Gpu
from orchestrator.preflight.finding import Finding, trouble, warning, well
from orchestrator.preparation import Preparation


def check_gpus(prepared: Preparation) -> Iterator[Finding]:
    yield from map(trouble, prepared.gpu_problems)
    if not prepared.gpus and not prepared.gpu_problems:
        yield well("none is needed")
    for gpu in prepared.gpus:
        yield well(_described(gpu))
    for gpu in prepared.gpus:
        if gpu.name and not gpu.simulated:
            yield from map(warning, _other_hardware(gpu))
        yield from map(warning, _unsteady(gpu))
    if not prepared.settings.is_served_elsewhere:
        yield from map(trouble, find_occupied(prepared.gpus))


def _described(gpu: Gpu) -> str:
    """With what the driver tells; of a GPU of another machine the UUID is known alone."""
    facts = [gpu.name or gpu.uuid]
    if gpu.memory_bytes is not None:
        facts.append(f"{gpu.memory_bytes / 1e9:.1f} GB")
    if gpu.power_limit_watts is not None:
        usual = gpu.default_power_limit_watts
        is_usual = usual == gpu.power_limit_watts
        default = "its default" if is_usual else f"default {f'{usual:g} W' if usual else 'unknown'}"
        facts.append(f"limit {gpu.power_limit_watts:g} W ({default})")
    for mode, is_on in (("ECC", gpu.ecc), ("persistence mode", gpu.persistence)):
        if is_on is not None:
            facts.append(f"{mode} {'on' if is_on else 'off'}")
    if gpu.memory_bytes is not None:
        facts.append(f"MIG {'on' if gpu.mig else 'off'}")
    return f"{gpu.index}: {', '.join(facts)}"


def _other_hardware(gpu: Gpu) -> Iterator[Problem]:
    """What the official protocol does not ask for."""
    facts = GpuFacts(
        uuid=gpu.uuid,
        name=gpu.name,
        memory_bytes=gpu.memory_bytes,
        power_limit_watts=gpu.power_limit_watts,
        default_power_limit_watts=gpu.default_power_limit_watts,
    )
    deviations = list(hardware_deviations([facts]))
    if deviations:
        yield Problem(
            f"GPU {gpu.index} ({gpu.name})",
            f"is not the official hardware ({'; '.join(deviations)})",
            "Runs are measured all the same, and none of them is official.",
        )


def _unsteady(gpu: Gpu) -> Iterator[Problem]:
    """Without persistence mode the driver leaves between runs, and the GPU rests at other power."""
    if gpu.persistence is False:
        yield Problem(
            f"GPU {gpu.index} ({gpu.name})",
            "persistence mode is off, so the driver sets the GPU up anew for every run",
            f"Run: nvidia-smi -i {gpu.index} -pm 1",
        )
