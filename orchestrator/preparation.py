"""What is known before anything starts: rows, plan, engine, GPUs, and what the hub says."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmark_core.collector import without_collector
from orchestrator.budget import within_budget
from orchestrator.catalog import ModelConfig, filter_configs
from orchestrator.catalog_file import CatalogFile
from orchestrator.catalog_lint import lint_configs
from orchestrator.contradictions import find_contradictions
from orchestrator.downloads.inventory import Inventory, take_inventory
from orchestrator.downloads.wanted import wanted_by
from orchestrator.engines import registry as engines
from orchestrator.engines.base import Engine, Nodes, PlacingEngine
from orchestrator.errors import HostError, Problem, UsageError
from orchestrator.forecast import Forecast, forecast
from orchestrator.gpus import Gpu, check_form, choose_gpus, find_gpus, named_gpus
from orchestrator.model_access import Access, ask_access
from orchestrator.own_samples import find_own_samples
from orchestrator.rerun import restrict
from orchestrator.revision_lock import pinned, read_lock, renew_lock, unlocked
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import REFERENCE_GPUS, GpuSet, Plan, make_plan
from orchestrator.settings import Settings
from orchestrator.simulation_file import Simulations, read_simulations

NOTHING_EXPECTED = Forecast({}, 0, 1)


@dataclass(frozen=True)
class Preparation:
    """`doubts` are about rows that can be run; `gpu_problems` say why there is no GPU.

    Rows that the budget leaves out are not in the plan. `nothing_fits`: it leaves all of them out.
    `impossible` is how many of the rows that were asked for cannot be run here.
    """

    settings: Settings
    plan: Plan
    engine: Engine
    gpus: Sequence[Gpu] = ()
    gpu_problems: Sequence[Problem] = ()
    doubts: Sequence[Problem] = ()
    forecast: Forecast = NOTHING_EXPECTED
    nothing_fits: bool = False
    impossible: int = 0

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(self.settings.output_dir)

    @cached_property
    def access(self) -> Access:
        return ask_access(self.plan, self.settings)

    @cached_property
    def inventory(self) -> Inventory:
        """What is to be downloaded for runs that are still open, of what this user may read."""
        refused = self.access.troubles
        if self.settings.prefetch == "off" or self.access.hub_trouble is not None:
            return Inventory()
        expected = self.forecast.runs
        is_open = (run for run in self.plan.runs if run.run_id in expected)
        wanted = wanted_by(is_open, self.settings)
        return take_inventory([one for one in wanted if one.id not in refused], self.settings)


def refuse_contradictions(settings: Settings) -> None:
    """Raises UsageError: flags that cannot be meant together."""
    if contradictions := tuple(find_contradictions(settings)):
        raise UsageError(*contradictions)


@without_collector()
def prepare(settings: Settings, catalog: CatalogFile) -> Preparation:
    """The plan of the rows that the settings choose, on what this machine has.

    Raises:
        UsageError: no row is chosen, a flag is for none of them, or samples, lock or rows cannot
            be used.
        HostError: the hub has to be asked (--lock) and does not answer.
    """
    configs = _chosen(catalog.configs, settings)
    _refuse_unused(settings, configs)
    gpus, gpu_problems = _gpus(settings)
    engine = _engine(settings)
    nodes = engine.nodes() if isinstance(engine, PlacingEngine) else None
    own = find_own_samples({config.task for config in configs}, settings)
    plan = make_plan(configs, settings, _gpu_set(gpus, nodes), own, _simulations(settings))
    plan, left_out = restrict(plan, settings)
    lock = renew_lock(plan, settings) if settings.lock else read_lock(settings.csv)
    doubts = [
        *catalog.ignored_columns,
        *left_out,
        *lint_configs([run.config for run in plan.runs], catalog.name),
        *unlocked(plan, lock, settings.csv),
        *(own.warnings if own else ()),
    ]
    plan = pinned(plan, lock)
    expected = forecast(plan, settings, gpus, RunDirectory(settings.output_dir), nodes)
    chosen = within_budget(plan, expected, settings)
    return Preparation(
        settings=settings,
        plan=chosen.plan,
        forecast=chosen.forecast,
        engine=engine,
        gpus=gpus,
        gpu_problems=gpu_problems,
        doubts=doubts,
        nothing_fits=chosen.nothing_fits,
        impossible=len(plan.skipped),
    )


def prepare_without_rows(settings: Settings) -> Preparation:
    """What can be said of this machine alone."""
    gpus, problems = _gpus(settings)
    return Preparation(settings, Plan((), ()), _engine(settings), gpus, problems)


def _chosen(configs: Sequence[ModelConfig], settings: Settings) -> list[ModelConfig]:
    return filter_configs(
        configs,
        model_name=settings.model_name,
        model_class=settings.model_class,
        task=settings.task,
        reasoning_state=settings.reasoning_state,
    )


def _refuse_unused(settings: Settings, configs: Sequence[ModelConfig]) -> None:
    """Of all rows chosen, also those that a rerun leaves out: its flags are those of the sweep."""
    asked = settings.gpus_per_run
    if asked and not any(row.model_class == "C" and row.gpus in (None, asked) for row in configs):
        what = "is for class C rows without GPUs in the catalog, and none is chosen"
        remedy = "Leave the flag out, or choose such rows."
        raise UsageError(Problem(f"--gpus-per-run {asked}", what, remedy))


def _engine(settings: Settings) -> Engine:
    create = engines.ENGINES[settings.engine].create
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
            slurm_profile=settings.slurm_profile,
            token_stays_here=settings.token_stays_here,
        )
    )


def _gpus(settings: Settings) -> tuple[list[Gpu], list[Problem]]:
    """The GPUs that may be used, or why there are none; a plan can be made without them."""
    check_form(settings.gpus)
    if settings.is_scheduled:
        return [], []
    if settings.names_remote_gpus:
        return named_gpus(settings.gpus), []
    if settings.takes_no_gpus:
        return [], []
    try:
        return choose_gpus(settings.gpus, find_gpus()), []
    except HostError as error:
        return [], list(error.problems)


def _gpu_set(gpus: Sequence[Gpu], nodes: Nodes | None) -> GpuSet:
    """What one run can have: of a cluster, the GPUs of one node."""
    if nodes:
        return GpuSet(count=nodes.gpus_each, memory_bytes=REFERENCE_GPUS.memory_bytes)
    if not gpus:
        return REFERENCE_GPUS
    known = [gpu.memory_bytes for gpu in gpus if gpu.memory_bytes]
    smallest = min(known, default=REFERENCE_GPUS.memory_bytes)
    return GpuSet(count=len(gpus), memory_bytes=smallest)


def _simulations(settings: Settings) -> Simulations:
    return read_simulations(settings.simulation) if settings.simulation else Simulations()
