"""The loop: planned runs in, outcomes out, as many at a time as there is room for.

It knows no engine and no display by name. Attempts run in threads; whatever is decided, and the
table, belongs to the thread that called `run`.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from benchmark_core.documents import ContractError
from orchestrator.bench import Bench
from orchestrator.ending import Ending
from orchestrator.errors import BatchRunnerError, HostError, Problem
from orchestrator.gpu_slots import GpuSlots
from orchestrator.master_table import MasterTable
from orchestrator.opening import open_sweep
from orchestrator.own_server import find_own_server_problems
from orchestrator.placement import Room
from orchestrator.retries import Retries, lost_gpus, lost_node, not_loaded
from orchestrator.run_folder import RunFolder
from orchestrator.run_planner import Plan
from orchestrator.settings import MOST_PARALLEL
from orchestrator.shared_loads import group
from orchestrator.stop_request import finishing_notice
from orchestrator.sweep_record import SweepLog
from orchestrator.sweep_result import SweepResult
from orchestrator.todo import Todo
from orchestrator.under_way import Made, UnderWay
from orchestrator.waiting_list import Turn, WaitingList

POLL_SECONDS = 0.05
LOOK_SECONDS = 1.0
"""How often it is looked whether something can start, when nothing is known to have changed."""


class Sweep:
    """One walk through a plan, over one output directory that the caller has locked."""

    def __init__(
        self,
        bench: Bench,
        slots: GpuSlots,
        retries: Retries,
        log: SweepLog,
    ) -> None:
        self._bench = bench
        self._slots = slots
        self._retries = retries
        self._log = log
        self._table = MasterTable(bench.directory)
        self._takes_gpus = slots.total > 0
        self._waiting = WaitingList(self._seconds, self._takes_gpus)
        self._endings: SimpleQueue[Ending] = SimpleQueue()
        self._names: Counter[str] = Counter()
        self._tried: set[str] = set()
        """Runs that failed, and wait or waited for another try."""
        self._problems: list[Problem] = []
        self._crash: BaseException | None = None
        self._next_look = 0.0
        self._said_occupied: dict[str, str] = {}
        self._losses: set[tuple[str, str]] = set()

    def run(self, plan: Plan) -> SweepResult:
        """Measure what is open of the plan; every outcome reaches the table as it happens.

        Raises:
            UsageError: a finished run stands in the directory with other settings.
            HostError: the engine or the disk stopped working; finished runs are intact.
        """
        todos = open_sweep(self._bench, self._table, plan, self._slots.gpus())
        skipped = {todo.run.run_id: todo.skip_because for todo in todos if todo.skip_because}
        fresh = [todo for todo in todos if not todo.skip_because]
        self._names.update(todo.kept_as for todo in todos if todo.kept_as)
        expected = [self._bench.expectation(todo.run) for todo in fresh]
        record = self._log.begin(expected, self._slots.gpus(), self._parallel)
        self._bench.display.sweep_started(record, skipped)
        with ThreadPoolExecutor(MOST_PARALLEL) as pool:
            under_way = UnderWay(self._bench, pool, self._endings.put)
            try:
                self._line_up(fresh, under_way)
                while len(under_way) or (len(self._waiting) and not self._is_ending):
                    self._step(under_way)
            except BaseException:
                # The pool waits for its threads, and nobody would hear of their runs any more.
                self._bench.stop.terminate()
                raise
        self._log.end()
        if self._crash:
            raise self._crash
        if self._problems:
            raise HostError(*dict.fromkeys(self._problems))
        return self._result(len(skipped))

    # ------------------------------------------------------------------ before the first run

    def _line_up(self, todos: Sequence[Todo], under_way: UnderWay) -> None:
        """What is at work already is taken over at once, whatever there is room for."""
        shares = self._bench.settings.share_model_load
        for together in group(todos) if shares else ((todo,) for todo in todos):
            first = together[0]
            if first.leftover:
                launch = self._bench.directory.folder(first.run.run_id).launch()
                gpus = self._slots.take_over(launch.gpu_uuids if launch else ())
                under_way.start(together, gpus, self._seconds(first.run.run_id))
            else:
                self._waiting.add(together)

    def _seconds(self, run_id: str) -> float | None:
        known = self._bench.forecasts.get(run_id)
        return known.seconds.central if known and known.seconds else None

    # ------------------------------------------------------------------ the loop

    @property
    def _is_ending(self) -> bool:
        """Whether nothing more is started."""
        return self._bench.stop.level != "go_on" or bool(self._problems or self._crash)

    @property
    def _parallel(self) -> int:
        if self._bench.settings.parallel:
            return self._bench.settings.parallel
        return MOST_PARALLEL if self._bench.settings.is_scheduled else max(self._slots.total, 1)

    def _step(self, under_way: UnderWay) -> None:
        if self._bench.stop.take_news():
            self._bench.display.notice(finishing_notice(len(under_way)))
        made = under_way.wait(POLL_SECONDS)
        self._guarded(self._take_endings)
        for one in made:
            self._clear_away(one)
        if not self._is_ending and (made or time.monotonic() >= self._next_look):
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._guarded(lambda: self._start_what_fits(under_way))
        self._guarded(under_way.look_beside)

    def _guarded(self, act: Callable[[], None]) -> None:
        """What the host refuses ends the sweep, but not the runs that are under way."""
        try:
            act()
        except BatchRunnerError as error:
            self._problems += error.problems

    def _start_what_fits(self, under_way: UnderWay) -> None:
        self._give_up_unplaceable()
        while turn := self._next_turn(under_way):
            gpus = self._slots.claim(turn.waiting.gpu_count)
            if gpus is None:
                self._waiting.put_back(turn)
                break
            under_way.start(turn.todos, gpus, turn.waiting.seconds)
        self._say_who_occupies()

    def _next_turn(self, under_way: UnderWay) -> Turn | None:
        return self._waiting.take(self._room(under_way), time.monotonic(), self._bench.lacks)

    def _room(self, under_way: UnderWay) -> Room:
        return Room(
            total=self._slots.total,
            free=len(self._slots.free()),
            running=under_way.running(),
            parallel=self._parallel,
        )

    def _give_up_unplaceable(self) -> None:
        """GPUs may have gone out of service since the plan was made."""
        if not self._takes_gpus:
            return
        for turn in self._waiting.take_unplaceable(self._slots.total):
            for todo in turn.todos:
                run_id = todo.run.run_id
                self._names["failed" if run_id in self._tried else "unplaced"] += 1
                self._bench.display.notice(
                    f"{run_id} cannot be run: it needs {turn.waiting.gpu_count} GPUs, and"
                    f" {self._slots.total} are left in service"
                )

    def _say_who_occupies(self) -> None:
        """Each once, until it is gone and comes again."""
        occupied = dict(self._slots.occupied())
        for uuid, who in occupied.items():
            if self._said_occupied.get(uuid) != who:
                self._bench.display.notice(f"GPU {uuid} is left alone: {who} is at work there")
        self._said_occupied = occupied

    # ------------------------------------------------------------------ what comes of a run

    def _take_endings(self) -> None:
        while True:
            try:
                ending = self._endings.get_nowait()
            except Empty:
                return
            self._take(ending)

    def _take(self, ending: Ending) -> None:
        run, outcome = ending.todo.run, ending.outcome
        self._bench.resting.learn(ending.report)
        self._enter(self._bench.directory.folder(run.run_id))
        self._note_losses(ending)
        if ending.ended.cause in ("not_started", "vanished"):
            self._problems += self._troubles(ending)
        wait_seconds = None if self._is_ending else self._wait_seconds(ending)
        self._bench.display.run_ended(run, outcome, wait_seconds)
        if wait_seconds is None:
            self._names[outcome.outcome] += 1
        else:
            self._tried.add(run.run_id)
            self._waiting.add((Todo(run),), time.monotonic() + wait_seconds)

    def _wait_seconds(self, ending: Ending) -> float | None:
        """Until it is tried again; the next try of one that the cache failed asks the hub."""
        folder = self._bench.directory.folder(ending.todo.run.run_id)
        if ending.from_cache and not_loaded(ending.outcome, folder):
            return 0.0
        return self._retries.wait_seconds(ending.outcome)

    def _note_losses(self, ending: Ending) -> None:
        """Of GPUs once for each program: runs that shared one were lost together."""
        hidden = self._bench.settings.hides_gpus
        lost = [] if hidden else lost_gpus(ending.outcome, ending.gpus)
        fresh = [gpu for gpu in lost if (ending.outcome.log_file, gpu.uuid) not in self._losses]
        self._losses |= {(ending.outcome.log_file, gpu.uuid) for gpu in fresh}
        for gpu in self._slots.note_loss(fresh):
            self._bench.display.notice(
                f"GPU {gpu.index} ({gpu.name}, {gpu.uuid}) is out of service for this sweep: runs"
                " were lost to it twice"
            )
        node = lost_node(ending.outcome, ending.ended)
        if node and (news := self._bench.lost_nodes.note_loss(node, time.monotonic())):
            self._bench.display.notice(news)

    def _enter(self, folder: RunFolder) -> None:
        try:
            self._table.update(folder)
        except ContractError as error:
            self._bench.display.notice(f"{folder.path} is left out of the table: {error}")
        self._table.write()

    def _troubles(self, ending: Ending) -> list[Problem]:
        """Go on only while the engine answers and nothing can still be running on the GPUs.

        A scheduler may be away for a while, and keeps GPUs apart by itself.
        """
        settings = self._bench.settings
        if settings.is_scheduled:
            return []
        problems = list(self._bench.engine.problems(settings.computes_on_gpus))
        problems += find_own_server_problems(settings)
        if ending.may_go_on:
            problems.append(
                Problem(
                    ending.todo.run.run_id,
                    f"was lost sight of ({ending.ended.detail}) and may still be running",
                    "Start again: what it left is then found and removed before anything starts.",
                )
            )
        return problems

    def _clear_away(self, made: Made) -> None:
        """Its GPUs are free again, and what it did not come to make waits again."""
        self._slots.release(made.attempt.gpus)
        if isinstance(made.error, BatchRunnerError):
            self._problems += made.error.problems
        elif made.error:
            self._crash = made.error
        for todo in made.attempt.unmade:
            self._waiting.add((Todo(todo.run),))

    def _result(self, skipped: int) -> SweepResult:
        waiting = Counter(run_id in self._tried for run_id in self._waiting.run_ids())
        return SweepResult(
            finished=self._names["finished"],
            skipped=skipped,
            failed=self._names["failed"] + waiting[True],
            interrupted=self._names["interrupted"],
            to_be_tried_again=waiting[True],
            not_started=waiting[False],
            unplaced=self._names["unplaced"],
        )
