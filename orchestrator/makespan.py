"""How long a set of runs takes, placed as the sweep places them. Pure."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from orchestrator.placement import Placed, Room, Waiting, next_run

MOST_PLACED = 300
"""With more runs than that none of them matters much, and the bound is the answer."""


@dataclass(frozen=True)
class Load:
    """The work of some runs, on `total` GPUs with `parallel` runs at a time."""

    total: int
    parallel: int
    gpu_seconds: float = 0.0
    longest_seconds: float = 0.0

    def plus(self, gpu_count: int, seconds: float) -> Self:
        """With one run more."""
        # Where fewer runs than GPUs go on at a time, a narrow run takes the room of a wider one.
        width = max(gpu_count, self._gpus / self.parallel)
        return type(self)(
            self.total,
            self.parallel,
            self.gpu_seconds + width * seconds,
            max(self.longest_seconds, seconds),
        )

    @property
    def shortest_seconds(self) -> float:
        """What no placement can beat: the longest run, and all the work evenly on all GPUs."""
        return max(self.longest_seconds, self.gpu_seconds / self._gpus)

    @property
    def _gpus(self) -> int:
        return max(self.total, 1)


def makespan_seconds(runs: Sequence[Waiting], total: int, parallel: int) -> float:
    """From the first start to the last end, on `total` GPUs with `parallel` runs at a time.

    Of all `runs` the length is known, and none needs more than `total`.
    """
    if len(runs) > MOST_PLACED:
        return shortest_makespan_seconds(runs, total, parallel)
    waiting = list(runs)
    under_way: list[tuple[float, int]] = []
    now = 0.0
    while waiting or under_way:
        free = total - sum(gpu_count for _, gpu_count in under_way)
        running = [Placed(gpu_count, ends_at) for ends_at, gpu_count in under_way]
        index = next_run(waiting, Room(total, free, running, parallel), now)
        if index is not None:
            run = waiting.pop(index)
            heapq.heappush(under_way, (now + _seconds(run), run.gpu_count))
        else:
            now, _ = heapq.heappop(under_way)
    return now


def shortest_makespan_seconds(runs: Sequence[Waiting], total: int, parallel: int) -> float:
    load = Load(total, parallel)
    for run in runs:
        load = load.plus(run.gpu_count, _seconds(run))
    return load.shortest_seconds


def _seconds(run: Waiting) -> float:
    if run.seconds is None:
        raise ValueError(f"nothing is known of how long {run.run_id} takes")
    return run.seconds
