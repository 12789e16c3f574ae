"""Which of the waiting runs starts next. Pure: no clock, no GPU.

Wide runs first, because they leave gaps that narrow ones fill; of equal width the longest first,
so that the short ones even out the end. Before both come runs so long that starting them late
would make the sweep longer. A wide run whose turn it is and that does not fit gets the next GPUs
that become free: until then only those may start that do not hold it up.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

URGENT_SHARE = 0.8
"""A run that takes more than this part of the time that all GPUs together still need."""


@dataclass(frozen=True)
class Waiting:
    """`seconds` None: unknown, taken to be as long as the longest known.

    Before `not_before` it does not start; the clock is the caller's.
    """

    run_id: str
    gpu_count: int
    seconds: float | None
    not_before: float = 0.0


@dataclass(frozen=True)
class Placed:
    """A run on its GPUs. `ends_at` None, or in the past: it may end at any moment."""

    gpu_count: int
    ends_at: float | None


@dataclass(frozen=True)
class Room:
    """What runs can be placed on.

    `total` GPUs are in service, `free` of them are nobody's now: one that neither is free nor has
    a run in `running` is held by somebody else, nobody knows how long. `parallel` is the most runs
    at a time.
    """

    total: int
    free: int
    running: Sequence[Placed]
    parallel: int

    @property
    def takes_more(self) -> bool:
        return len(self.running) < self.parallel


def next_run(waiting: Sequence[Waiting], room: Room, now: float) -> int | None:
    """The index of the run to start now; None: none of them before something changes.

    Ask again after each start. What changes it: a run ends, a run waits anew, GPUs come or go, or
    the clock passes a `not_before`. One at a time, it is the first of `waiting` that fits. Only
    GPUs that others hold can keep an earlier one from that: nobody knows for how long, so it does
    not hold up the others, and has its turn at the first choice at which they are free.
    """
    if not room.takes_more:
        return None
    ready = [
        index
        for index, run in enumerate(waiting)
        if run.not_before <= now and run.gpu_count <= room.total
    ]
    if room.parallel == 1:
        return next((index for index in ready if waiting[index].gpu_count <= room.free), None)
    if not ready:
        return None
    rank = _Rank([waiting[index] for index in ready], room, now)
    head = waiting[first := min(ready, key=lambda index: (rank.of(waiting[index]), index))]
    if head.gpu_count <= room.free:
        return first
    reserved = _reserve(head, room, now)
    beside = [
        index
        for index in ready
        if waiting[index].gpu_count <= room.free
        and reserved.leaves_room(waiting[index].gpu_count, now + rank.seconds(waiting[index]))
    ]
    return min(beside, key=lambda index: (rank.of(waiting[index]), index), default=None)


def never_fitting(waiting: Sequence[Waiting], total: int) -> Iterator[int]:
    """The indices of runs that need more GPUs than are in service: `next_run` never names them."""
    return (index for index, run in enumerate(waiting) if run.gpu_count > total)


class _Rank:
    """The order of turns. It moves with what is left to do, so it is made for each choice."""

    def __init__(self, ready: Sequence[Waiting], room: Room, now: float) -> None:
        known = [run.seconds for run in ready if run.seconds is not None]
        self._longest = max(known, default=0.0)
        # Where fewer runs than GPUs go on at a time, a narrow run takes the room of a wider one.
        least = room.total / room.parallel
        work = sum(max(run.gpu_count, least) * self.seconds(run) for run in ready)
        work += sum(
            max(run.gpu_count, least) * max(run.ends_at - now, 0.0)
            for run in room.running
            if run.ends_at is not None
        )
        self._urgent_seconds = URGENT_SHARE * work / max(room.total, 1)

    def seconds(self, run: Waiting) -> float:
        return self._longest if run.seconds is None else run.seconds

    def of(self, run: Waiting) -> tuple[bool, int, float]:
        """The least has its turn first."""
        seconds = self.seconds(run)
        return seconds <= self._urgent_seconds, -run.gpu_count, -seconds


@dataclass(frozen=True)
class _Reservation:
    """A run can start at `starts_at`, and leaves `spare` GPUs free then."""

    starts_at: float
    spare: int

    def leaves_room(self, gpu_count: int, ends_at: float) -> bool:
        return gpu_count <= self.spare or ends_at <= self.starts_at


def _reserve(head: Waiting, room: Room, now: float) -> _Reservation:
    """When the GPUs of runs that end make room for `head`; never, if others hold too many."""
    available = room.free
    ends = sorted((max(run.ends_at or now, now), run.gpu_count) for run in room.running)
    for ends_at, gpu_count in ends:
        available += gpu_count
        if available >= head.gpu_count:
            return _Reservation(ends_at, available - head.gpu_count)
    return _Reservation(math.inf, 0)
