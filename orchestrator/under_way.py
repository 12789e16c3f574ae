"""The attempts of a sweep that are being made, each in a thread of its own."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from orchestrator.attempt import Attempt
from orchestrator.bench import Bench
from orchestrator.ending import Ending
from orchestrator.gpus import Gpu
from orchestrator.host_runs import runs_beside
from orchestrator.placement import Placed
from orchestrator.todo import Todo

LOOK_BESIDE_SECONDS = 30.0


@dataclass(frozen=True)
class Made:
    """An attempt that is over. `error`: it broke off, and what it left unmade has no outcome."""

    attempt: Attempt
    error: BaseException | None


class UnderWay:
    """For one thread. `tell` gets every ending, from the thread of its attempt."""

    def __init__(self, bench: Bench, pool: ThreadPoolExecutor, tell: Callable[[Ending], None]):
        self._bench = bench
        self._pool = pool
        self._tell = tell
        self._made: dict[Future[None], tuple[Attempt, Placed]] = {}
        self._next_look = 0.0

    def __len__(self) -> int:
        return len(self._made)

    def running(self) -> list[Placed]:
        return [running for _, running in self._made.values()]

    def start(self, todos: Sequence[Todo], gpus: Sequence[Gpu], seconds: float | None) -> None:
        """`seconds` is the forecast. Raises HostError when the disk refuses; it is started then."""
        names = [todo.run.run_id for todo in todos]
        attempt = Attempt(self._bench, todos, gpus, self._neighbours(), self._tell)
        ends_at = None if seconds is None else time.monotonic() + seconds
        self._made[self._pool.submit(attempt.run)] = attempt, Placed(len(gpus), ends_at)
        if self._shares_host:
            self._note_beside(names)

    def wait(self, seconds: float) -> list[Made]:
        """Those that are over, at the latest after so long; each is answered once."""
        if not self._made:
            time.sleep(seconds)
            return []
        done, _ = wait(self._made, timeout=seconds, return_when=FIRST_COMPLETED)
        return [Made(self._made.pop(future)[0], future.exception()) for future in done]

    def look_beside(self) -> None:
        """Tell the runs, now and then, of others that have begun on this host."""
        if self._shares_host and self._made and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_BESIDE_SECONDS
            self._note_beside(runs_beside())

    @property
    def _shares_host(self) -> bool:
        return not self._bench.settings.is_scheduled

    def _neighbours(self) -> set[str]:
        if not self._shares_host:
            return set()
        own = (
            todo.run.run_id for attempt, _ in self._made.values() for todo in tuple(attempt.unmade)
        )
        return {*own, *runs_beside()}

    def _note_beside(self, run_ids: Iterable[str]) -> None:
        for attempt, _ in self._made.values():
            attempt.note_beside(run_ids)
