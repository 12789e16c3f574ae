"""The loop: planned runs in, outcomes out. It knows no engine and no display by name."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmark_core.contract import Launch
from benchmark_core.documents import ContractError, timestamp
from orchestrator.display.base import Display
from orchestrator.engines.base import Engine, Exit, Handle, Order
from orchestrator.errors import BatchRunnerError, HostError, Problem, UsageError
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpus import Gpu
from orchestrator.host_runs import runs_beside
from orchestrator.master_table import MasterTable
from orchestrator.model_server import asks_this_machine
from orchestrator.outcome import Outcome, StopReason, conclude, read_report
from orchestrator.own_server import OwnServers, Unserved, find_own_server_problems
from orchestrator.progress import SampleTail
from orchestrator.recovery import discard, take_stock
from orchestrator.run_directory import RunDirectory, RunFolder
from orchestrator.run_planner import Plan, PlannedRun
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest
from orchestrator.sweep_result import SweepResult
from orchestrator.todo import Todo, decide
from orchestrator.trace_plot import draw_if_possible

POLL_SECONDS = 0.05


class Sweep:
    """One walk through a plan, over one output directory that the caller has locked."""

    def __init__(
        self,
        settings: Settings,
        directory: RunDirectory,
        engine: Engine,
        gpus: Sequence[Gpu],
        display: Display,
        stop: StopRequest,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._engine = engine
        self._gpus = gpus
        self._display = display
        self._stop = stop
        self._table = MasterTable(directory)
        self._servers = OwnServers(settings, directory)
        self._resting = RestingGpus(gpu.uuid for gpu in gpus)

    def run(self, plan: Plan) -> SweepResult:
        """Measure what is open of the plan; every outcome reaches the table as it happens.

        Raises:
            UsageError: a finished run stands in the directory with other settings.
            HostError: the engine or the disk stopped working; finished runs are intact.
        """
        todos = self._decide(plan)
        self._table.write()
        self._display.sweep_started(
            [todo.run for todo in todos if not todo.skip_because],
            {todo.run.run_id: todo.skip_because for todo in todos if todo.skip_because},
        )
        names: list[str] = []
        for todo in todos:
            if todo.skip_because:
                names.append(self._directory.folder(todo.run.run_id).state().name)
            elif self._stop.level == "go_on":
                names.append(self._measure(todo).outcome)
            else:
                names.append("not_started")
        skipped = sum(1 for todo in todos if todo.skip_because)
        return SweepResult(
            finished=names.count("finished"),
            skipped=skipped,
            failed=names.count("failed"),
            interrupted=names.count("interrupted"),
            not_started=names.count("not_started"),
        )

    def _decide(self, plan: Plan) -> list[Todo]:
        """What to do with each run, after what a killed runner left behind is sorted out."""
        alive = take_stock(self._directory, self._engine, self._servers, self._display)
        unbelieved = self._table.read_folders()
        decision = decide(plan, self._directory, self._settings, unbelieved, alive)
        if decision.conflicts:
            raise UsageError(*decision.conflicts)
        for problem in unbelieved.values():
            self._display.notice(str(problem))
        taken_over = {todo.leftover for todo in decision.todos}
        unwanted = [leftover for leftover in alive if leftover not in taken_over]
        discard(self._engine, unwanted, self._display)
        return decision.todos

    def _measure(self, todo: Todo) -> Outcome:
        """One run from its spec to its line in the table."""
        folder = self._directory.folder(todo.run.run_id)
        self._display.run_started(todo.run, adopted=todo.leftover is not None)
        with folder.disk_errors():
            order = self._prepare(todo, folder)
        with folder.lock(), ExitStack() as stack:
            try:
                with folder.disk_errors():
                    order = self._servers.bring_up(order, todo.run.spec, self._stop, stack)
                ended, stopped = self._live(todo, order, folder, stack)
            except Unserved as failure:
                ended, stopped = failure.ended, failure.stopped
            # The outcome is written before anything of the run is removed: a runner killed in
            # between leaves a finished run, not a lost one.
            with folder.disk_errors():
                spec, launch = todo.run.spec, order.launch
                returned = read_report(folder.report_path)
                outcome = conclude(
                    spec, launch, returned, order.log_path, ended, stopped, timestamp()
                )
                folder.record(spec, launch, outcome)
        self._resting.learn(returned.report)
        self._enter(folder)
        self._display.run_ended(todo.run, outcome)
        if notice := draw_if_possible(folder.path, returned.report):
            self._display.notice(notice)
        if ended.cause in ("not_started", "vanished"):
            self._refuse_unsafe_engine(todo.run, ended)
        return outcome

    def _prepare(self, todo: Todo, folder: RunFolder) -> Order:
        """What the engine needs; for a fresh run the folder is made ready with it."""
        spec = todo.run.spec
        log_name = self._directory.new_log_name(spec.run_id)
        launch = folder.launch() if todo.leftover else None
        if launch is None:
            launch = self._launch(todo.run, log_name)
            folder.prepare(spec, launch)
        launch = launch.model_copy(update={"timeout_seconds": self._settings.timeout_seconds})
        # The run can write into its folder, so a name from there may not lead out of the logs.
        log_name = Path(launch.log_file or log_name).name
        return Order(
            run_id=spec.run_id,
            spec_hash=spec.spec_hash(),
            folder=folder.path,
            log_path=self._directory.logs_path / log_name,
            launch=launch,
            wants_gpus=self._settings.computes_on_gpus,
            host_network=asks_this_machine(self._settings),
            offline=self._settings.offline or spec.backend.is_simulated,
            samples=todo.run.samples_path,
        )

    def _launch(self, run: PlannedRun, log_name: str) -> Launch:
        uuids = tuple(gpu.uuid for gpu in self._gpus[: run.spec.device.gpu_count])
        return Launch(
            engine=self._engine.name,
            image=self._engine.image_name(),
            image_digest=self._engine.image_digest(),
            gpu_uuids=uuids,
            timeout_seconds=self._settings.timeout_seconds,
            samples_path=self._engine.samples_path(run.samples_path) if run.samples_path else None,
            region=self._settings.region,
            dcgm_endpoint=self._settings.dcgm_endpoint,
            gpus_at_rest=self._resting.of(uuids),
            runs_beside=runs_beside(),
            endpoint=self._servers.new_endpoint(),
            serve_image_digest=self._servers.image_digest(),
            log_file=log_name,
            launched_at=timestamp(),
        )

    def _live(
        self, todo: Todo, order: Order, folder: RunFolder, stack: ExitStack
    ) -> tuple[Exit, StopReason | None]:
        """Start or take over, and watch; `stack` removes what is left when it unwinds."""
        try:
            handle = (
                self._engine.adopt(todo.leftover, order)
                if todo.leftover
                else self._engine.start(order)
            )
        except BatchRunnerError as error:
            return Exit(cause="not_started", code=None, detail=str(error)), None
        stack.callback(handle.release)
        return self._watch(handle, todo.run, order, SampleTail(folder.journal_path))

    def _watch(
        self, handle: Handle, run: PlannedRun, order: Order, tail: SampleTail
    ) -> tuple[Exit, StopReason | None]:
        """Until it ends, or until time or the user says so."""
        deadline = self._deadline(order)
        while (ended := handle.poll()) is None:
            if self._stop.level == "now":
                return handle.stop(), "user"
            if deadline is not None and time.monotonic() > deadline:
                return handle.stop(), "timeout"
            if self._stop.take_news():
                self._display.notice("finishing this run first; Ctrl-C again stops it now")
            progress = tail.read()
            if progress:
                self._display.run_progressed(run, progress)
            time.sleep(POLL_SECONDS)
        return ended, None

    def _deadline(self, order: Order) -> float | None:
        """On the monotonic clock; a run that was taken over has used some of its time."""
        limit = self._settings.timeout_seconds
        if limit is None:
            return None
        launched_at = datetime.fromisoformat(order.launch.launched_at)
        used = (datetime.now(UTC) - launched_at).total_seconds()
        return time.monotonic() + limit - min(max(used, 0.0), limit)

    def _enter(self, folder: RunFolder) -> None:
        try:
            self._table.update(folder)
        except ContractError as error:
            self._display.notice(f"{folder.path} is left out of the table: {error}")
        self._table.write()

    def _refuse_unsafe_engine(self, run: PlannedRun, ended: Exit) -> None:
        """Go on only while the engine answers and nothing can still be running on the GPUs."""
        problems = tuple(self._engine.problems(self._settings.computes_on_gpus))
        problems += tuple(find_own_server_problems(self._settings))
        if ended.cause == "vanished":
            problems += (
                Problem(
                    run.run_id,
                    f"was lost sight of ({ended.detail}) and may still be running",
                    "Start again: what it left is then found and removed before anything starts.",
                ),
            )
        if problems:
            raise HostError(*problems)
