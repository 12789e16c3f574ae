"""What meters a run where nobody says otherwise. Loads nothing, so that flags can tell of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark_core.contract import MeterName

DEFAULT_IDLE_SECONDS = 5.0
HARDWARE_GPU_METERS = ("nvml", "dcgm")
"""The meters that can watch what real GPUs draw while they do nothing."""


def usual_meters(backend: str, device: str, sees_server: bool = False) -> "tuple[MeterName, ...]":
    """`device` is `cuda` or `cpu`; it says nothing of backends that do not compute here.

    `sees_server`: the run has a server of its own on GPUs here, and sees its processes.
    """
    if backend == "simulated":
        return ("simulated",)
    if backend == "vllm":
        return ("nvml",) if sees_server else ()
    return ("codecarbon",) if device == "cpu" or backend == "optimum" else ("nvml", "codecarbon")


def usual_idle_seconds(meters: Iterable[str]) -> float | None:
    """How long power at rest is watched; None for not at all."""
    return DEFAULT_IDLE_SECONDS if set(meters) & set(HARDWARE_GPU_METERS) else None
