"""What is told of a sweep, added up as it comes, so that a picture costs no walk over all runs."""

from collections import deque
from collections.abc import Sequence
from itertools import groupby
from threading import Lock

from benchmark_core.contract import JOULES_PER_WH
from orchestrator.pulse import Pulse
from orchestrator.sweep_picture.gpu_places import places, ranges
from orchestrator.sweep_picture.picture import Lane, Setback, SweepPicture
from orchestrator.sweep_picture.running import Running
from orchestrator.sweep_record import ExpectedRun, SweepRecord
from orchestrator.words import again

MOST_SETBACKS = 5


class _Queue:
    """Runs that wait, and how long they are expected to take: in all, and on all their GPUs."""

    def __init__(self, runs: Sequence[ExpectedRun]) -> None:
        self._expected = {run.run_id: run for run in runs}
        self._waiting: set[str] = set()
        self._seconds = self._gpu_seconds = 0.0
        self._unknown = 0
        for run_id in self._expected:
            self.add(run_id)

    def __len__(self) -> int:
        return len(self._waiting)

    def expected(self, run_id: str) -> ExpectedRun | None:
        return self._expected.get(run_id)

    def add(self, run_id: str) -> None:
        if run_id in self._expected and run_id not in self._waiting:
            self._waiting.add(run_id)
            self._count(self._expected[run_id], 1)

    def take(self, run_id: str) -> None:
        if run_id in self._waiting:
            self._waiting.remove(run_id)
            self._count(self._expected[run_id], -1)

    def _count(self, run: ExpectedRun, sign: int) -> None:
        if run.seconds is None:
            self._unknown += sign
            return
        self._seconds += sign * run.seconds.central
        self._gpu_seconds += sign * run.seconds.central * run.gpu_count

    def seconds(self, usual: float | None) -> tuple[float, float] | None:
        """In all and on GPUs; `usual` is for a run without a forecast. None: nobody knows."""
        if self._unknown and usual is None:
            return None
        more = self._unknown * (usual or 0.0)
        return max(self._seconds, 0.0) + more, max(self._gpu_seconds, 0.0) + more


class SweepTally:
    """Of one sweep. Times are on the monotonic clock; any thread may call anything."""

    def __init__(self, record: SweepRecord, began: float) -> None:
        self._record = record
        self._began = began
        self._lock = Lock()
        self._queue = _Queue(record.runs)
        self._running: dict[str, Running] = {}
        self._again: set[str] = set()
        self._counts = {"finished": 0, "failed": 0, "interrupted": 0}
        self._setbacks: deque[Setback] = deque(maxlen=MOST_SETBACKS)
        self._spent_joules: float | None = None
        self._simulated = False
        self._finished_seconds = 0.0

    def started(
        self, run_id: str, gpu_uuids: Sequence[str], began: float, rehearsal: bool = False
    ) -> None:
        with self._lock:
            self._simulated |= rehearsal
            expected = self._queue.expected(run_id)
            self._queue.take(run_id)
            self._again.discard(run_id)
            where = places(gpu_uuids, self._record.gpus)
            forecast = expected.seconds if expected else None
            self._running[run_id] = Running(run_id, where, began, forecast)

    def progressed(self, run_id: str, pulse: Pulse, now: float) -> None:
        with self._lock:
            if running := self._running.get(run_id):
                running.feel(pulse, now)

    def ended(
        self,
        run_id: str,
        outcome: str,
        why: str = "",
        retry_seconds: float | None = None,
        seconds: float | None = None,
        joules: float | None = None,
        rehearsal: bool = False,
    ) -> None:
        """`joules` were spent on it, `seconds` is how long it took; else as it was seen last."""
        with self._lock:
            self._simulated |= rehearsal
            running = self._running.pop(run_id, None)
            self._queue.take(run_id)
            self._spend(running.pulse.gpu_joules if joules is None and running else joules)
            if outcome == "finished":
                self._finished_seconds += seconds or 0.0
            elif retry_seconds is not None:
                self._queue.add(run_id)
                self._again.add(run_id)
                self._setbacks.append(Setback(run_id, outcome, f"{again(retry_seconds)}; {why}"))
                return
            else:
                self._setbacks.append(Setback(run_id, outcome, why))
            self._counts[outcome] = self._counts.get(outcome, 0) + 1

    def _spend(self, joules: float | None) -> None:
        if joules is not None:
            self._spent_joules = (self._spent_joules or 0.0) + joules

    def requeued(self, run_id: str, outcome: str) -> None:
        """A run that was told to have ended, and is tried again after all."""
        with self._lock:
            self._counts[outcome] -= 1
            self._queue.add(run_id)
            self._again.add(run_id)

    def lost(self, run_id: str) -> None:
        """A run that is at work no more, and did not end: it is to be done again."""
        with self._lock:
            if running := self._running.pop(run_id, None):
                self._spend(running.pulse.gpu_joules)
                self._queue.add(run_id)

    def picture(self, now: float) -> SweepPicture:
        with self._lock:
            running = list(self._running.values())
            pulses = [one.pulse for one in running]
            watts = [pulse.watts for pulse in pulses if pulse.watts is not None]
            drawn = [pulse.gpu_joules for pulse in pulses if pulse.gpu_joules is not None]
            joules = [*drawn, *([] if self._spent_joules is None else [self._spent_joules])]
            left, queue_seconds = self._left(running, now)
            return SweepPicture(
                lanes=tuple(self._lanes(running, now)),
                total=len(running) + len(self._queue) + sum(self._counts.values()),
                finished=self._counts["finished"],
                failed=self._counts["failed"],
                interrupted=self._counts["interrupted"],
                queued=len(self._queue),
                waiting=len(self._again),
                queue_seconds=queue_seconds,
                setbacks=tuple(self._setbacks),
                watts=sum(watts) if watts else None,
                spent_wh=sum(joules) / JOULES_PER_WH if joules else None,
                simulated=self._simulated,
                elapsed_seconds=max(now - self._began, 0.0),
                left_seconds=left,
            )

    def _left(self, running: Sequence[Running], now: float) -> tuple[float | None, float | None]:
        """Until the sweep's end, and what the queue alone needs: at best, every GPU busy."""
        finished = self._counts["finished"]
        usual = self._finished_seconds / finished if finished else None
        waiting = self._queue.seconds(usual)
        if waiting is None:
            return None, None
        parallel, gpus = max(self._record.parallel, 1), len(self._record.gpus)
        seconds, gpu_seconds = waiting
        queue = max(seconds / parallel, gpu_seconds / gpus if gpus else 0.0)
        lefts = [one.expected_left_seconds(now, usual) for one in running]
        known = [left for left in lefts if left is not None]
        if len(known) < len(lefts):
            return None, queue
        for left, one in zip(known, running, strict=True):
            seconds += left
            gpu_seconds += left * len(one.places)
        return max(seconds / parallel, gpu_seconds / gpus if gpus else 0.0, *known), queue

    def _lanes(self, running: Sequence[Running], now: float) -> list[Lane]:
        """In the order of the GPUs. Free ones are shown where several runs may be at work."""
        by_place = {one.places[0]: one for one in running if one.places}
        busy = {place for one in running for place in one.places}
        lanes: list[Lane] = []
        every = sorted(gpu.index for gpu in self._record.gpus)
        for is_free, group in groupby(every, lambda index: index not in busy):
            indices = list(group)
            if not is_free:
                here = (by_place[index] for index in indices if index in by_place)
                lanes += [one.lane(ranges(one.places), now) for one in here]
            elif self._record.parallel > 1:
                lanes.append(Lane(gpus=ranges(indices)))
        return lanes + [one.lane("", now) for one in running if not one.places]
