"""What each engine is. Loads nothing, so that flags and settings can read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmark_core.names import EngineName


@dataclass(frozen=True)
class EngineFacts:
    """One engine, as all that is not the engine itself must know it."""

    places_gpus: bool = False
    """Whether it chooses the machine of a run and its GPUs, and a run goes on without its runner.
    The GPUs of this machine play no part then."""
    is_confined: bool = False
    """Whether a run of this machine sees no other process of it, and no network where it asks
    for none."""
    is_plain: bool = False
    """Whether a run is a program of this machine like any other: without an image, with its paths
    and all its processes in sight."""


ENGINE_FACTS: Mapping[EngineName, EngineFacts] = MappingProxyType(
    {
        "docker": EngineFacts(is_confined=True),
        "process": EngineFacts(is_plain=True),
        "slurm": EngineFacts(places_gpus=True),
    }
)
