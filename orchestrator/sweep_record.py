"""`sweep.json`: what the last sweep of a directory set out to do, for those who look on.

No sweep reads it: what has become of a run is in its folder.
"""

from benchmark_core.documents import Document, Frozen
from orchestrator.estimate import Estimate


class ExpectedRun(Frozen):
    """One run that the sweep meant to make, and its forecast; None where there is no ground."""

    run_id: str
    gpu_count: int
    seconds: Estimate | None = None
    gpu_energy_wh: Estimate | None = None


class SweepGpu(Frozen):
    """`index` is the driver's."""

    index: int
    uuid: str
    name: str


class SweepRecord(Document):
    """`runs` are in the order of the plan, without those that were kept from earlier sweeps.

    `finished_at` is None while it is at work, and for ever where it was killed. `parallel` is the
    most runs at a time. `command` is what the user typed.
    """

    host: str
    process: int
    started_at: str
    finished_at: str | None = None
    command: tuple[str, ...] = ()
    engine: str
    parallel: int
    gpus: tuple[SweepGpu, ...] = ()
    runs: tuple[ExpectedRun, ...] = ()
