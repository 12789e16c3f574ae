"""One attempt: from a spec to an outcome, on GPUs that were claimed for it.

Several runs of one model may share an attempt, and with it one loading of the model. They are made
one after the other; each has its own folder, report and outcome.
"""

import math
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace

from benchmark_core.documents import timestamp
from benchmark_core.report.outline import ReportOutline
from orchestrator.bench import Bench
from orchestrator.ending import Ending
from orchestrator.engines.base import EngineAway, Handle, Order
from orchestrator.errors import BatchRunnerError
from orchestrator.exit import Exit
from orchestrator.gpus import Gpu
from orchestrator.orders import Orders
from orchestrator.outcome import StopReason, conclude, read_report
from orchestrator.own_server import Unserved
from orchestrator.patience import Patience
from orchestrator.run_folder import RunFolder
from orchestrator.run_watch import RunWatch
from orchestrator.todo import Todo
from orchestrator.trace_plot.plot import draw_if_possible

AWAY_SECONDS = 60.0
"""How long an engine may be away before a run that is to start is given up."""
AWAY_POLL_SECONDS, SCHEDULER_POLL_SECONDS = 0.5, 5.0


class Attempt:
    """`tell` gets each ending as soon as it is on disk, from the thread that calls `run`."""

    def __init__(
        self,
        bench: Bench,
        todos: Sequence[Todo],
        gpus: Sequence[Gpu],
        beside: Iterable[str],
        tell: Callable[[Ending], None],
    ) -> None:
        self.todos = tuple(todos)
        self.gpus = tuple(gpus)
        self.unmade = list(todos)
        """What has no outcome yet; what is left when `run` returns was never begun."""
        self._bench = bench
        self._tell = tell
        self._orders = Orders(bench, todos, gpus, beside)
        self._untold: Ending | None = None
        self._reports: dict[str, ReportOutline | None] = {}

    def submit(self) -> Ending | None:
        """Start its one run and leave it alone; answers its end where it could not be started.

        Raises:
            EngineAway: the engine stays away.
            HostError: the disk refuses.
        """
        (todo,) = self.todos
        self._orders.prepare()
        try:
            self._start(todo, self._orders.of(todo), AWAY_SECONDS)
        except EngineAway:
            raise
        except BatchRunnerError as refusal:
            return self._refused(todo, refusal)
        return None

    def run(self) -> None:
        """Raises HostError when the disk or the engine refuses; finished runs are intact."""
        self._orders.prepare()
        with ExitStack() as locks:
            for todo in self.todos:
                locks.enter_context(self._folder(todo).lock())
            locks.enter_context(self._bench.undisturbed())
            try:
                self._make()
            except BatchRunnerError:
                raise
            except Exception:  # noqa: BLE001 - what nobody foresaw costs this run, and no other
                self._say(self._broken_off() or self._crashed(traceback.format_exc()))
        self._draw()

    def note_beside(self, run_ids: Iterable[str]) -> None:
        """Other runs of this host have begun; it is written where the run reads it at its end."""
        self._orders.note_beside(run_ids)

    # ------------------------------------------------------------------ while it lasts

    def _make(self) -> None:
        first = self.todos[0]
        self._announce(first)
        with ExitStack() as stack:
            begun = self._begin(first, stack)
            last = begun if isinstance(begun, Ending) else self._follow(begun)
        # Only now, because what is left of a lost container may be gone with its release.
        if not isinstance(begun, Ending) and last.ended.cause == "vanished":
            last = replace(last, may_go_on=not begun.is_gone())
        self._say(last)

    def _begin(self, todo: Todo, stack: ExitStack) -> Handle | Ending:
        """Start it or take it over; `stack` removes what is left when it unwinds."""
        try:
            with self._folder(todo).disk_errors():
                order = self._serve(todo, stack)
        except Unserved as failure:
            return self._conclude(todo, failure.ended, failure.stopped)
        try:
            # A scheduler's runs go on without it, so nothing is gained by ending the sweep.
            waits = math.inf if self._bench.settings.is_scheduled else AWAY_SECONDS
            handle = self._start(todo, order, waits)
        except BatchRunnerError as refusal:
            is_left = self._bench.stop.level == "now" or self._is_given_up(refusal)
            return self._refused(todo, refusal, "user" if is_left else None)
        stack.callback(handle.release)
        return handle

    def _refused(
        self, todo: Todo, refusal: BatchRunnerError, stopped: StopReason | None = None
    ) -> Ending:
        return self._conclude(todo, Exit("not_started", None, str(refusal)), stopped)

    def _serve(self, todo: Todo, stack: ExitStack) -> Order:
        """With the run's own server up, where it has one."""
        bench, order = self._bench, self._orders.of(todo)
        served = bench.servers.bring_up(order, todo.run.spec, bench.stop, stack)
        return order if served is order else self._orders.change(served)

    def _start(self, todo: Todo, order: Order, away_seconds: float) -> Handle:
        """Bears an engine that is away, for so long and unless the user wants to stop."""
        engine, gives_up_at = self._bench.engine, time.monotonic() + away_seconds
        is_scheduled = self._bench.settings.is_scheduled
        pause = SCHEDULER_POLL_SECONDS if is_scheduled else AWAY_POLL_SECONDS
        others = tuple(self._folder(one).path for one in self.todos[1:])
        while True:
            try:
                if todo.leftover:
                    return engine.adopt(todo.leftover, order)
                return engine.start(replace(order, also=others))
            except EngineAway as away:
                if self._is_given_up(away) or time.monotonic() > gives_up_at:
                    raise
            time.sleep(pause)

    def _is_given_up(self, refusal: BatchRunnerError) -> bool:
        """Whether nobody waits any more for an engine that is away: the user wants to stop."""
        return isinstance(refusal, EngineAway) and self._bench.stop.level != "go_on"

    def _follow(self, handle: Handle) -> Ending:
        """One run after the other; answers the last ending, which is not told yet."""
        while True:
            todo = self.unmade[0]
            ended, stopped = self._watch(handle, todo)
            ending = self._conclude(todo, ended, stopped)
            if stopped or not self.unmade:
                return ending
            if self._bench.stop.level != "go_on":
                # The next is under way already, or about to be; it has nothing yet to lose.
                handle.stop()
                return ending
            # A program writes a report of each run that it comes to, and ends in one without.
            if not (self._has_report(todo) or self._has_report(self.unmade[0])):
                return ending
            self._say(ending)
            self._announce(self.unmade[0])

    def _watch(self, handle: Handle, todo: Todo) -> tuple[Exit, StopReason | None]:
        bench, order, is_alone = self._bench, self._orders.of(todo), len(self.todos) == 1
        watch = RunWatch(
            folder=self._folder(todo),
            log_path=order.log_path,
            new_patience=self._patience,
            tell=lambda pulse: bench.display.run_progressed(todo.run, pulse),
            stop=bench.stop,
            shares_program=not is_alone,
        )
        return watch.follow(handle, order.launch.launched_at if is_alone else timestamp())

    def _patience(self, began_at: str) -> Patience:
        settings = self._bench.settings
        hang_seconds = None if settings.measures_itself else settings.hang_seconds
        return Patience(settings.timeout_seconds, hang_seconds, began_at)

    def _has_report(self, todo: Todo) -> bool:
        return read_report(self._folder(todo).report_path).report is not None

    def _broken_off(self) -> Ending | None:
        """What is concluded and not told, because what came after its end went wrong."""
        if self._untold is None:
            return None
        return replace(self._untold, may_go_on=self._untold.ended.cause == "vanished")

    def _crashed(self, trace: str) -> Ending:
        """By a fault of ours; nothing of the run is left by now."""
        todo = self.unmade[0]
        log_path = self._orders.of(todo).log_path
        with suppress(OSError), log_path.open("a", encoding="utf-8") as log:
            log.write(trace)
        last = trace.strip().splitlines()[-1]
        ended = Exit("crashed", None, f"the batch runner itself failed: {last}. See the log.")
        return self._conclude(todo, ended, None)

    # ------------------------------------------------------------------ after

    def _conclude(self, todo: Todo, ended: Exit, stopped: StopReason | None) -> Ending:
        """The outcome is written before anything of the run is removed: a runner killed in between
        leaves a finished run, not a lost one."""
        folder, spec = self._folder(todo), todo.run.spec
        order = self._orders.close(todo)
        with folder.disk_errors():
            if ended.launch:
                # An engine that places runs itself knows only now on what.
                order = replace(order, launch=ended.launch)
            returned = read_report(folder.report_path)
            outcome = conclude(
                spec, order.launch, returned, order.log_path, ended, stopped, timestamp()
            )
            folder.record(spec, order.launch, outcome)
            self.unmade.remove(todo)
            self._reports[spec.run_id] = returned.report
        from_cache = order.launch.from_cache
        self._untold = Ending(todo, self.gpus, outcome, returned.report, ended, from_cache)
        return self._untold

    def _say(self, ending: Ending) -> None:
        self._untold = None
        self._tell(ending)

    def _draw(self) -> None:
        """While its GPUs are still held, so that no run is measured beside a busy processor."""
        for todo in self.todos:
            if todo not in self.unmade:
                folder = self._folder(todo)
                if notice := draw_if_possible(folder.path, self._reports.get(todo.run.run_id)):
                    self._bench.display.notice(notice)

    def _announce(self, todo: Todo) -> None:
        launch = self._orders.of(todo).launch
        self._bench.display.run_started(todo.run, launch, adopted=todo.leftover is not None)

    def _folder(self, todo: Todo) -> RunFolder:
        return self._bench.directory.folder(todo.run.run_id)
