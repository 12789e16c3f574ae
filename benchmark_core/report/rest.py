"""The GPUs at rest: before the model, and after it."""

from benchmark_core.contract import GpuRest
from benchmark_core.documents import Frozen


class ThermalGate(Frozen):
    """The wait for the GPUs to come to rest before anything was loaded, and how they were then."""

    waited_seconds: float
    settled: bool
    at_rest: dict[str, GpuRest]


class IdleBaseline(Frozen):
    """Power at rest of all GPUs of the run together, beside the score and never subtracted from it.

    `before_watts` is from before the model was loaded, None where an earlier run had loaded it;
    `after_watts` from after the last repetition, with the model still loaded. `active_energy_wh` is
    the score's energy less `before_watts` over the same time.
    """

    before_watts: float | None
    after_watts: float | None
    active_energy_wh: float | None
