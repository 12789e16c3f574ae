"""The walk of a command: catalog, filters, plan, preflight, sweep, exit code."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from orchestrator.attempt import Bench
from orchestrator.budget import refuse_nothing, within_budget
from orchestrator.catalog import ModelConfig, filter_configs
from orchestrator.catalog_file import read_catalog
from orchestrator.catalog_lint import lint_configs
from orchestrator.contradictions import find_contradictions
from orchestrator.display import plan_view, registry as displays, results_view
from orchestrator.engines import registry as engines
from orchestrator.engines.base import Engine
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.forecast import find_forecast_warnings, forecast
from orchestrator.gpu_occupants import find_occupied, occupants
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpu_slots import GpuSlots
from orchestrator.gpus import Gpu, check_form, choose_gpus, find_gpus, named_gpus
from orchestrator.master_table import MasterTable
from orchestrator.own_samples import find_own_samples
from orchestrator.own_server import OwnServers
from orchestrator.preflight import host_problems, host_warnings
from orchestrator.retries import Retries
from orchestrator.revision_lock import pinned, read_lock, renew_lock, unlocked
from orchestrator.run_directory import RunDirectory
from orchestrator.run_forecast import RunForecast
from orchestrator.run_planner import REFERENCE_GPUS, GpuSet, Plan, make_plan
from orchestrator.settings import Settings
from orchestrator.simulation_file import Simulations, read_simulations
from orchestrator.stop_request import StopRequest
from orchestrator.sweep import Sweep
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
    contradictions = tuple(find_contradictions(settings))
    if contradictions:
        raise UsageError(*contradictions)
    catalog = read_catalog(settings.csv)
    configs = _chosen(catalog.configs, settings)
    gpus, gpu_problems = _gpus(settings)
    own = find_own_samples({config.task for config in configs}, settings)
    plan = make_plan(configs, settings, _gpu_set(gpus), own, _simulations(settings))
    lock = renew_lock(plan, settings) if settings.lock else read_lock(settings.csv)
    not_locked = unlocked(plan, lock, settings.csv)
    plan = pinned(plan, lock)
    engine = _engine(settings)
    directory = RunDirectory(settings.output_dir)
    chosen = within_budget(plan, forecast(plan, settings, gpus, directory), settings)
    plan, expected = chosen.plan, chosen.forecast
    problems = [*gpu_problems, *host_problems(plan, settings, engine, gpus)]
    if not settings.is_served_elsewhere:
        problems += find_occupied(gpus)
    warnings = [
        *catalog.ignored_columns,
        *lint_configs([run.config for run in plan.runs], catalog.name),
        *not_locked,
        *(own.warnings if own else ()),
        *host_warnings(plan, settings, engine, gpus),
        *find_forecast_warnings(expected, plan, settings),
    ]
    if dry_run:
        unbelieved = MasterTable(directory).read_folders()
        decision = decide(plan, directory, settings, unbelieved)
        problems += decision.conflicts
        preview = plan_view.Preview(decision.todos, expected, plan.skipped, warnings, problems)
        with suppress(BrokenPipeError):
            plan_view.show(preview, as_json)
        return FINISHED
    refuse_nothing(chosen, settings)
    if problems:
        raise HostError(*problems)
    return _sweep(plan, settings, engine, gpus, [*plan.skipped, *warnings], expected.runs, command)


def _chosen(configs: Sequence[ModelConfig], settings: Settings) -> list[ModelConfig]:
    return filter_configs(
        configs,
        model_name=settings.model_name,
        model_class=settings.model_class,
        task=settings.task,
        reasoning_state=settings.reasoning_state,
    )


def _engine(settings: Settings) -> Engine:
    create = engines.ENGINES[settings.engine]
    return create(
        engines.EngineSettings(
            image=settings.image,
            output_dir=settings.output_dir.absolute(),
            hub_cache=settings.hub_cache,
            datasets_cache=settings.datasets_cache,
            token=settings.token,
            needs_model=not settings.is_simulated,
            environment=settings.passed_environment,
            optimum_python=settings.optimum_python,
        )
    )


def _sweep(
    plan: Plan,
    settings: Settings,
    engine: Engine,
    gpus: Sequence[Gpu],
    warnings: Sequence[Problem],
    forecasts: Mapping[str, RunForecast],
    command: Sequence[str],
) -> int:
    directory = RunDirectory(settings.output_dir)
    directory.create()
    display = displays.choose()
    stop = StopRequest()
    try:
        with directory.lock(), stop.listening():
            directory.recover()
            display.warn(warnings)
            servers = OwnServers(settings, directory)
            resting = RestingGpus(gpu.uuid for gpu in gpus)
            bench = Bench(settings, directory, engine, servers, resting, display, stop)
            slots = GpuSlots(gpus, lambda: occupants(gpus), not settings.is_served_elsewhere)
            retries = Retries(settings.retries, settings.offline)
            result = Sweep(bench, slots, retries, forecasts, command).run(plan)
    finally:
        display.close()
    # A reader of our output that has left changes nothing of what was measured.
    with suppress(OSError):
        results_view.show(directory.master_path, [run.run_id for run in plan.runs], result)
    return _exit_code(result)


def _exit_code(result: SweepResult) -> int:
    if result.interrupted or result.not_started:
        return INTERRUPTED
    return SOME_FAILED if result.failed or result.unplaced else FINISHED


def _gpus(settings: Settings) -> tuple[list[Gpu], list[Problem]]:
    """The GPUs that may be used, or why there are none; a plan can be made without them."""
    check_form(settings.gpus)
    if settings.names_remote_gpus:
        return named_gpus(settings.gpus), []
    if settings.takes_no_gpus:
        return [], []
    try:
        return choose_gpus(settings.gpus, find_gpus()), []
    except HostError as error:
        return [], list(error.problems)


def _gpu_set(gpus: Sequence[Gpu]) -> GpuSet:
    if not gpus:
        return REFERENCE_GPUS
    known = [gpu.memory_bytes for gpu in gpus if gpu.memory_bytes]
    smallest = min(known, default=REFERENCE_GPUS.memory_bytes)
    return GpuSet(count=len(gpus), memory_bytes=smallest)


def _simulations(settings: Settings) -> Simulations:
    return read_simulations(settings.simulation) if settings.simulation else Simulations()
