"""Joules of one window, and who measured them how."""

from benchmark_core.contract import MeterName, SourceKind
from benchmark_core.documents import Frozen


class Reading(Frozen):
    """Energy of one window in joules. None: not measured by anybody.

    `gpu_doubt_joules` is how far the GPU figure may be off because its edges are uncertain.
    """

    gpu_joules: float | None = None
    cpu_joules: float | None = None
    ram_joules: float | None = None
    gpu_joules_by_device: dict[str, float] | None = None
    gpu_doubt_joules: float | None = None
    gpu_cross_check_joules: float | None = None


class EnergySource(Frozen):
    """Who gave a figure and how: `method` is one phrase for people.

    `integrated`: power readings were summed up, because there was no energy counter.
    """

    meter: MeterName
    kind: SourceKind
    method: str
    integrated: bool = False


class EnergySources(Frozen):
    gpu: EnergySource | None = None
    cpu: EnergySource | None = None
    ram: EnergySource | None = None
