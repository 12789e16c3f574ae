"""Runs that wait for their turn, and whose turn it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.placement import Room, Waiting, never_fitting, next_run
from orchestrator.run_planner import PlannedRun
from orchestrator.todo import Todo


@dataclass(frozen=True)
class Turn:
    """What starts together: one run, or several that share one loading of their model."""

    todos: tuple[Todo, ...]
    waiting: Waiting


class WaitingList:
    """In the order of the plan; what waits for another try comes last.

    `seconds` gives the forecast of a run_id. With `takes_gpus` false no run needs one.
    """

    def __init__(self, seconds: Callable[[str], float | None], takes_gpus: bool) -> None:
        self._seconds = seconds
        self._takes_gpus = takes_gpus
        self._turns: list[Turn] = []

    def __len__(self) -> int:
        return sum(len(turn.todos) for turn in self._turns)

    def run_ids(self) -> list[str]:
        return [todo.run.run_id for turn in self._turns for todo in turn.todos]

    def add(self, todos: Sequence[Todo], not_before: float = 0.0) -> None:
        """`not_before` is on the monotonic clock."""
        first = todos[0].run
        known = [self._seconds(todo.run.run_id) for todo in todos]
        waiting = Waiting(
            run_id=first.run_id,
            gpu_count=first.spec.device.gpu_count if self._takes_gpus else 0,
            seconds=None if None in known else sum(filter(None, known)),
            not_before=not_before,
        )
        self._turns.append(Turn(tuple(todos), waiting))

    def take(
        self, room: Room, now: float, lacks: Callable[[PlannedRun], bool] = lambda run: False
    ) -> Turn | None:
        """The next that may start now and `lacks` nothing, taken from the list."""
        ready = [turn for turn in self._turns if not any(lacks(one.run) for one in turn.todos)]
        index = next_run([turn.waiting for turn in ready], room, now)
        if index is None:
            return None
        self._turns.remove(ready[index])
        return ready[index]

    def put_back(self, turn: Turn) -> None:
        """What could not start after all has its turn first again."""
        self._turns.insert(0, turn)

    def take_unplaceable(self, total_gpus: int) -> list[Turn]:
        """Those that need more GPUs than there are, taken from the list."""
        waiting = [turn.waiting for turn in self._turns]
        indices = set(never_fitting(waiting, total_gpus))
        found = [turn for index, turn in enumerate(self._turns) if index in indices]
        self._turns = [turn for index, turn in enumerate(self._turns) if index not in indices]
        return found
