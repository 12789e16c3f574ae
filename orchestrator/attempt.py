"""One attempt: from a spec to an outcome, on GPUs that were claimed for it.

Several runs of one model may share an attempt, and with it one loading of the model. They are made
one after the other; each has its own folder, report and outcome.
"""

import math
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark_core.contract import Launch
from benchmark_core.documents import timestamp
from benchmark_core.report import ReportOutline, RunReport
from orchestrator.bench import Bench
from orchestrator.engines.base import EngineAway, Exit, Handle, Order
from orchestrator.errors import BatchRunnerError
from orchestrator.gpus import Gpu
from orchestrator.model_server import asks_this_machine
from orchestrator.outcome import Outcome, StopReason, conclude, read_report
from orchestrator.own_server import Unserved
from orchestrator.patience import Patience
from orchestrator.pulse import PulseReader
from orchestrator.run_directory import RunFolder
from orchestrator.shared_loads import end_of_one
from orchestrator.todo import Todo
from orchestrator.trace_plot import draw_if_possible

POLL_SECONDS = 0.05
PULSE_SECONDS = 0.5
AWAY_SECONDS = 60.0
"""How long an engine may be away before a run that is to start is given up."""
AWAY_POLL_SECONDS, SCHEDULER_POLL_SECONDS = 0.5, 5.0
DRAWING = threading.Lock()
"""The library that draws is not made for several threads."""
STACKS_SECONDS = 2.0
"""How long a run that hangs has for writing down where it is."""


@dataclass(frozen=True)
class Ending:
    """How one run ended. `report` is there where it left one that can be read.

    `from_cache`: it was told to read the cache alone. `may_go_on`: nobody can say that nothing of
    it still runs.
    """

    todo: Todo
    gpus: tuple[Gpu, ...]
    outcome: Outcome
    report: ReportOutline | None
    ended: Exit
    from_cache: bool = False
    may_go_on: bool = False


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
        self._beside = set(beside)
        self._log_name = bench.directory.new_log_name(todos[0].run.run_id)
        self._orders: dict[str, Order] = {}
        self._reports: dict[str, ReportOutline | None] = {}
        self._guard = threading.Lock()
        self._from_cache = False

    def submit(self) -> Ending | None:
        """Start its one run and leave it alone; answers its end where it could not be started.

        Raises:
            EngineAway: the engine stays away.
            HostError: the disk refuses.
        """
        (todo,) = self.todos
        self._prepare_all()
        try:
            self._start(todo, self._orders[todo.run.run_id], AWAY_SECONDS)
        except EngineAway:
            raise
        except BatchRunnerError as refusal:
            return self._refused(todo, refusal)
        return None

    def run(self) -> None:
        """Raises HostError when the disk or the engine refuses; finished runs are intact."""
        self._prepare_all()
        with ExitStack() as locks:
            for todo in self.todos:
                locks.enter_context(self._folder(todo).lock())
            locks.enter_context(self._bench.undisturbed())
            try:
                self._make()
            except BatchRunnerError:
                raise
            except Exception:  # noqa: BLE001 - what nobody foresaw costs this run, and no other
                self._tell(self._crashed(traceback.format_exc()))
        self._draw()

    def note_beside(self, run_ids: Iterable[str]) -> None:
        """Other runs of this host have begun; it is written where the run reads it at its end."""
        with self._guard:
            found = set(run_ids) - {todo.run.run_id for todo in self.todos} - self._beside
            if not found:
                return
            self._beside |= found
            for todo in self.unmade:
                if order := self._orders.get(todo.run.run_id):
                    self._relaunch(todo, order)

    # ------------------------------------------------------------------ before

    def _prepare_all(self) -> None:
        # Before any folder is made ready, which puts its last attempt away. One program, one rule.
        self._from_cache = all(self._bench.cached(todo.run) for todo in self.todos)
        for todo in self.todos:
            folder = self._folder(todo)
            with folder.disk_errors(), self._guard:
                self._orders[todo.run.run_id] = self._prepare(todo, folder)

    def _prepare(self, todo: Todo, folder: RunFolder) -> Order:
        """What the engine needs; for a fresh run the folder is made ready with it."""
        settings, spec = self._bench.settings, todo.run.spec
        launch = folder.launch() if todo.leftover else None
        if launch is None:
            launch = self._launch(todo)
            folder.prepare(spec, launch)
        elif not self._bench.engine.places_gpus:
            self._beside |= set(launch.runs_beside)
            launch = launch.model_copy(update={"runs_beside": self._neighbours()})
            folder.relaunch(launch)
        launch = launch.model_copy(update={"timeout_seconds": settings.timeout_seconds})
        # The run can write into its folder, so a name from there may not lead out of the logs.
        log_name = Path(launch.log_file or self._log_name).name
        return Order(
            run_id=spec.run_id,
            spec_hash=spec.spec_hash(),
            folder=folder.path,
            log_path=self._bench.directory.logs_path / log_name,
            launch=launch,
            wants_gpus=settings.computes_on_gpus,
            host_network=asks_this_machine(settings),
            offline=settings.offline or spec.backend.is_simulated,
            samples=todo.run.samples_path,
            time_limit_seconds=self._bench.time_limit_seconds(todo.run),
        )

    def _launch(self, todo: Todo) -> Launch:
        bench, samples = self._bench, todo.run.samples_path
        uuids = tuple(gpu.uuid for gpu in self.gpus)
        return Launch(
            engine=bench.engine.name,
            image=bench.engine.image_name(),
            image_digest=bench.engine.image_digest(),
            gpu_uuids=uuids,
            timeout_seconds=bench.settings.timeout_seconds,
            samples_path=bench.engine.samples_path(samples) if samples else None,
            region=bench.settings.region,
            dcgm_endpoint=bench.settings.dcgm_endpoint,
            gpus_at_rest=bench.resting.of(uuids),
            runs_beside=self._neighbours(),
            endpoint=bench.servers.new_endpoint(),
            serve_image_digest=bench.servers.image_digest(),
            from_cache=self._from_cache,
            log_file=self._log_name,
            launched_at=timestamp(),
        )

    def _neighbours(self) -> tuple[str, ...]:
        return tuple(sorted(self._beside))

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
        self._tell(last)

    def _begin(self, todo: Todo, stack: ExitStack) -> Handle | Ending:
        """Start it or take it over; `stack` removes what is left when it unwinds."""
        try:
            with self._folder(todo).disk_errors():
                order = self._serve(todo, stack)
        except Unserved as failure:
            return self._conclude(todo, failure.ended, failure.stopped)
        try:
            # A scheduler's runs go on without it, so nothing is gained by ending the sweep.
            waits = math.inf if self._bench.engine.places_gpus else AWAY_SECONDS
            handle = self._start(todo, order, waits)
        except BatchRunnerError as refusal:
            is_left = self._is_stopped or self._is_given_up(refusal)
            return self._refused(todo, refusal, "user" if is_left else None)
        stack.callback(handle.release)
        return handle

    def _refused(
        self, todo: Todo, refusal: BatchRunnerError, stopped: StopReason | None = None
    ) -> Ending:
        return self._conclude(todo, Exit("not_started", None, str(refusal)), stopped)

    def _serve(self, todo: Todo, stack: ExitStack) -> Order:
        """With the run's own server up, where it has one."""
        bench, order = self._bench, self._orders[todo.run.run_id]
        served = bench.servers.bring_up(order, todo.run.spec, bench.stop, stack)
        if served is not order:
            with self._guard:
                return self._relaunch(todo, served)
        return order

    def _start(self, todo: Todo, order: Order, away_seconds: float) -> Handle:
        """Bears an engine that is away, for so long and unless the user wants to stop."""
        engine, gives_up_at = self._bench.engine, time.monotonic() + away_seconds
        pause = SCHEDULER_POLL_SECONDS if engine.places_gpus else AWAY_POLL_SECONDS
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
            if not (self._report(todo) or self._report(self.unmade[0])):
                return ending
            self._tell(ending)
            self._announce(self.unmade[0])

    def _watch(self, handle: Handle, todo: Todo) -> tuple[Exit, StopReason | None]:
        """Until the run ends, or until time or the user says so."""
        begun_at: str | None = timestamp() if not self._is_alone else None
        patience: Patience | None = None
        pulse, next_pulse = PulseReader(self._folder(todo)), 0.0
        while True:
            if not self._is_alone and (report := self._report(todo)):
                return end_of_one(report), None
            if ended := handle.poll():
                # The exit code of a program of several runs is that of its worst.
                report = None if self._is_alone else self._report(todo)
                return (end_of_one(report) if report else ended), None
            if self._is_stopped:
                return handle.stop(), "user"
            if handle.waits():
                # No limit of time holds before it begins, whenever that is, or begins again.
                begun_at, patience = timestamp(), None
                pulse = PulseReader(self._folder(todo))
                time.sleep(POLL_SECONDS)
                continue
            patience = patience or self._patience(todo, begun_at)
            if time.monotonic() >= next_pulse:
                next_pulse = time.monotonic() + PULSE_SECONDS
                beat = pulse.read()
                patience.hear(beat.progress.done if beat.progress else self._log_bytes(todo))
                self._bench.display.run_progressed(todo.run, beat)
            if reason := patience.over():
                return self._stop_late(handle, reason), reason
            time.sleep(POLL_SECONDS)

    def _log_bytes(self, todo: Todo) -> int:
        """A run that downloads and loads has no samples yet, and says in its log how far it is."""
        try:
            return -self._orders[todo.run.run_id].log_path.stat().st_size
        except OSError:
            return 0

    def _patience(self, todo: Todo, begun_at: str | None) -> Patience:
        """Of a run that began then, or when it was launched."""
        settings, launch = self._bench.settings, self._orders[todo.run.run_id].launch
        hang_seconds = None if settings.measures_itself else settings.hang_seconds
        return Patience(settings.timeout_seconds, hang_seconds, begun_at or launch.launched_at)

    @property
    def _is_stopped(self) -> bool:
        return self._bench.stop.level == "now"

    @property
    def _is_alone(self) -> bool:
        return len(self.todos) == 1

    def _crashed(self, trace: str) -> Ending:
        """By a fault of ours; nothing of the run is left by now."""
        todo = self.unmade[0]
        log_path = self._orders[todo.run.run_id].log_path
        with suppress(OSError), log_path.open("a", encoding="utf-8") as log:
            log.write(trace)
        last = trace.strip().splitlines()[-1]
        ended = Exit("crashed", None, f"the batch runner itself failed: {last}. See the log.")
        return self._conclude(todo, ended, None)

    def _report(self, todo: Todo) -> RunReport | None:
        """Its last act, which is renamed into place; None before."""
        path = self._folder(todo).report_path
        return read_report(path).report if path.exists() else None

    def _stop_late(self, handle: Handle, reason: StopReason) -> Exit:
        if reason == "hang":
            handle.show_stacks()
            time.sleep(STACKS_SECONDS)
        return handle.stop()

    # ------------------------------------------------------------------ after

    def _conclude(self, todo: Todo, ended: Exit, stopped: StopReason | None) -> Ending:
        """The outcome is written before anything of the run is removed: a runner killed in between
        leaves a finished run, not a lost one."""
        folder, spec = self._folder(todo), todo.run.spec
        with folder.disk_errors(), self._guard:
            order = self._orders[spec.run_id]
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
        return Ending(todo, self.gpus, outcome, returned.report, ended, from_cache)

    def _draw(self) -> None:
        """While its GPUs are still held, so that no run is measured beside a busy processor."""
        for todo in self.todos:
            if todo not in self.unmade:
                with DRAWING:
                    notice = draw_if_possible(
                        self._folder(todo).path, self._reports.get(todo.run.run_id)
                    )
                if notice:
                    self._bench.display.notice(notice)

    def _announce(self, todo: Todo) -> None:
        launch = self._orders[todo.run.run_id].launch
        self._bench.display.run_started(todo.run, launch, adopted=todo.leftover is not None)

    def _relaunch(self, todo: Todo, order: Order) -> Order:
        """With all that is beside it by now; for the holder of the guard."""
        launch = order.launch.model_copy(update={"runs_beside": self._neighbours()})
        order = self._orders[order.run_id] = replace(order, launch=launch)
        folder = self._folder(todo)
        with folder.disk_errors():
            folder.relaunch(launch)
        return order

    def _folder(self, todo: Todo) -> RunFolder:
        return self._bench.directory.folder(todo.run.run_id)
