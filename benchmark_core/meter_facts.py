"""What the meters are. Loads nothing, so that flags and settings can read it."""

from collections.abc import Iterable

DEFAULT_IDLE_SECONDS = 5.0
HARDWARE_GPU_METERS = ("nvml", "dcgm")
"""The meters that can watch what real GPUs draw while they do nothing."""


def usual_idle_seconds(meters: Iterable[str]) -> float | None:
    """How long power at rest is watched; None for not at all."""
    return DEFAULT_IDLE_SECONDS if set(meters) & set(HARDWARE_GPU_METERS) else None
