"""The walk of a command: catalog, filters, plan, preflight, sweep, exit code."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from orchestrator.bench import Bench
from orchestrator.budget import too_small
from orchestrator.cached_runs import CachedRuns
from orchestrator.catalog_file import read_catalog
from orchestrator.display import collection_view, plan_view, registry as displays, results_view
from orchestrator.display.base import Display
from orchestrator.engines.base import CachingEngine
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.gpu_occupants import occupants
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpu_slots import GpuSlots
from orchestrator.lost_nodes import LostNodes
from orchestrator.master_table import MasterTable
from orchestrator.notification import notifying
from orchestrator.own_server import OwnServers
from orchestrator.prefetch import BackgroundPrefetch, fetch_before
from orchestrator.preflight.examination import examine, problems_of, warnings_of
from orchestrator.preparation import Preparation, prepare, refuse_contradictions
from orchestrator.retries import Retries
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest
from orchestrator.submission import submit
from orchestrator.sweep import Sweep
from orchestrator.sweep_record import SweepLog
from orchestrator.sweep_result import SweepResult
from orchestrator.todo import decide

FINISHED, SOME_FAILED, INTERRUPTED = 0, 1, 130


def run_batch(settings: Settings, dry_run: bool, as_json: bool, command: Sequence[str] = ()) -> int:
    """Everything that `batch_runner.py` does; returns its exit code.

    `command` is what the user typed, for those who look on.

    Raises:
        BatchRunnerError: wrong flags, catalog or host.
    """
    if as_json and not dry_run:
        raise UsageError(Problem("--json", "goes with --dry-run only", "Add --dry-run."))
    refuse_contradictions(settings)
    prepared = prepare(settings, read_catalog(settings.csv))
    examined = examine(prepared)
    problems, warnings = list(problems_of(examined)), list(warnings_of(examined))
    if dry_run:
        return _show_plan(prepared, problems, warnings, as_json)
    if prepared.nothing_fits:
        raise too_small(settings)
    if problems:
        raise HostError(*problems)
    return _sweep(prepared, [*prepared.plan.skipped, *warnings], command)


def _show_plan(
    prepared: Preparation,
    problems: Sequence[Problem],
    warnings: Sequence[Problem],
    as_json: bool,
) -> int:
    plan, directory = prepared.plan, prepared.directory
    unbelieved = MasterTable(directory).read_folders()
    decision = decide(plan, directory, prepared.settings, prepared.gpus, unbelieved)
    preview = plan_view.Preview(
        todos=decision.todos,
        expected=prepared.forecast,
        skipped=plan.skipped,
        warnings=warnings,
        problems=[*problems, *decision.conflicts],
    )
    with suppress(BrokenPipeError):
        plan_view.show(preview, as_json)
    return FINISHED


def _sweep(prepared: Preparation, warnings: Sequence[Problem], command: Sequence[str]) -> int:
    directory = prepared.directory
    directory.create()
    display = displays.choose()
    stop = StopRequest()
    log = SweepLog(directory, prepared.engine.name, command)
    try:
        with directory.lock(), stop.listening():
            directory.recover()
            display.warn(warnings)
            bench = _bench(prepared, display, stop)
            run_ids = [run.run_id for run in prepared.plan.runs]
            with (
                notifying(prepared.settings, directory, run_ids, display),
                _fetched(prepared, bench) as bench,
            ):
                if prepared.settings.detach:
                    return _submit(prepared, bench, log)
                result = _make(prepared, bench, log)
    finally:
        display.close()
    # A reader of our output that has left changes nothing of what was measured.
    with suppress(OSError):
        results_view.show(directory.master_path, run_ids, result, prepared.impossible)
    return _exit_code(result, prepared.impossible)


def _bench(prepared: Preparation, display: Display, stop: StopRequest) -> Bench:
    settings, directory = prepared.settings, prepared.directory
    return Bench(
        settings=settings,
        directory=directory,
        engine=prepared.engine,
        servers=OwnServers(settings, directory),
        resting=RestingGpus(gpu.uuid for gpu in prepared.gpus),
        display=display,
        stop=stop,
        forecasts=prepared.forecast.runs,
        lost_nodes=LostNodes.of(prepared.engine),
        cached=CachedRuns(prepared.inventory, settings, directory).has,
    )


def _submit(prepared: Preparation, bench: Bench, log: SweepLog) -> int:
    submission = submit(bench, prepared.plan, log)
    bench.display.close()
    with suppress(OSError):
        place = prepared.settings.output_dir
        collection_view.show_submission(submission, place, prepared.impossible)
    if submission.not_submitted:
        return INTERRUPTED
    return SOME_FAILED if submission.failed or prepared.impossible else FINISHED


def _make(prepared: Preparation, bench: Bench, log: SweepLog) -> SweepResult:
    settings, gpus = prepared.settings, prepared.gpus
    slots = GpuSlots(gpus, lambda: occupants(gpus), exclusive=not settings.is_served_elsewhere)
    retries = Retries(settings.retries, settings.offline, hides_gpus=settings.hides_gpus)
    return Sweep(bench, slots, retries, log).run(prepared.plan)


@contextmanager
def _fetched(prepared: Preparation, bench: Bench) -> Iterator[Bench]:
    """With what the runs need of the hub, as far as it is to be fetched by then.

    Nobody waits for downloads who stops: what is there stays, and the rest comes next time.
    """
    settings, engine, notify = prepared.settings, prepared.engine, bench.display.notice
    if settings.prefetch == "off":
        yield bench
        return
    if prepared.inventory.missing and isinstance(engine, CachingEngine):
        with suppress(OSError):  # which the downloads meet too, and tell
            engine.make_caches()
    if settings.prefetch == "before":
        fetch_before(prepared.inventory, settings, notify, lambda: bench.stop.level == "go_on")
        yield bench
        return
    background = BackgroundPrefetch(prepared.inventory, settings, notify)
    background.start()
    try:
        yield replace(bench, undisturbed=background.paused, lacks=background.lacks)
    finally:
        background.close()


def _exit_code(result: SweepResult, impossible: int) -> int:
    if result.interrupted or result.not_started or result.to_be_tried_again:
        return INTERRUPTED
    return SOME_FAILED if result.failed or result.unplaced or impossible else FINISHED
