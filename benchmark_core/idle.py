"""Power at rest beside the score. Pure."""

from collections.abc import Sequence

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.report.repetition import Repetition
from benchmark_core.report.rest import IdleBaseline


def idle_baseline(
    before_watts: float | None,
    after_watts: float | None,
    gpu_wh: float | None,
    repetitions: Sequence[Repetition],
) -> IdleBaseline | None:
    """`gpu_wh` is the mean energy of the score. None where nobody watched the GPUs at rest."""
    if before_watts is None and after_watts is None:
        return None
    active = None
    if gpu_wh is not None and before_watts is not None:
        seconds = [phase.duration_seconds for one in repetitions for phase in one.phases.values()]
        active = gpu_wh - before_watts * sum(seconds) / len(repetitions) / JOULES_PER_WH
    return IdleBaseline(before_watts=before_watts, after_watts=after_watts, active_energy_wh=active)
