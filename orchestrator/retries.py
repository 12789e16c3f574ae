"""Which failures can pass, and how long a run waits before it is tried again.

A failure that lies in the row (memory, spec, rights, settings) comes again however often it is
tried, and is never retried.
"""

from collections import Counter
from collections.abc import Sequence

from benchmark_core.faults import HubFault, ModelFault, SampleFault
from orchestrator.exit import Exit
from orchestrator.gpus import Gpu
from orchestrator.outcome import Outcome
from orchestrator.run_folder import RunFolder

PASSING = frozenset({HubFault.kind, "vanished", "engine_restarted", "terminated", "lost"})
"""Reasons of outcomes: a hub out of reach, a container or a job that was lost, an engine that came
back."""
LOST_GPU = frozenset({"gpu_lost", "driver_error"})
"""Of the reasons of a verdict: what the run was lost to is its GPU."""
NOT_LOADED = frozenset({HubFault.kind, ModelFault.kind, SampleFault.kind})
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 600.0


def lost_its_gpu(outcome: Outcome) -> bool:
    """Whether a failed run blames its GPU."""
    return outcome.verdict is not None and bool(LOST_GPU & set(outcome.verdict.reasons))


def not_loaded(outcome: Outcome, folder: RunFolder) -> bool:
    """Whether a run failed for its model or its samples before any was measured; a file may have
    been missing."""
    is_early = not folder.journal_path.exists()
    return is_early and outcome.outcome == "failed" and outcome.reason in NOT_LOADED


def lost_gpus(outcome: Outcome, gpus: Sequence[Gpu]) -> list[Gpu]:
    """Those that a run was lost to: its only one, or the one of several that its message names."""
    if not lost_its_gpu(outcome):
        return []
    named = [gpu for gpu in gpus if gpu.uuid in outcome.error_message]
    return named or [gpu for gpu in gpus if len(gpus) == 1]


def lost_node(outcome: Outcome, ended: Exit) -> str | None:
    """The node that a scheduler's run was lost to, with it or with one of its GPUs."""
    is_lost = outcome.reason == "lost" or lost_its_gpu(outcome)
    return ended.node if is_lost else None


class Retries:
    """Counts the tries of a sweep.

    `offline`: no hub is asked, so its absence does not pass. `hides_gpus`: runs are shown no GPU,
    so they lose none.
    """

    def __init__(
        self,
        most: int,
        offline: bool,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
        hides_gpus: bool = False,
    ) -> None:
        self._most = most
        self._hides_gpus = hides_gpus
        self._passing = PASSING - {HubFault.kind} if offline else PASSING
        self._first_wait_seconds = first_wait_seconds
        self._tries: Counter[str] = Counter()

    def wait_seconds(self, outcome: Outcome) -> float | None:
        """How long to wait before the run is tried again; None where it is not. Counts the try.

        Each wait is twice the one before it.
        """
        if outcome.outcome != "failed":
            return None
        lost_gpu = lost_its_gpu(outcome) and not self._hides_gpus
        if outcome.reason not in self._passing and not lost_gpu:
            return None
        if self._tries[outcome.run_id] >= self._most:
            return None
        wait: float = self._first_wait_seconds * 2.0 ** self._tries[outcome.run_id]
        self._tries[outcome.run_id] += 1
        return min(wait, LONGEST_WAIT_SECONDS)
