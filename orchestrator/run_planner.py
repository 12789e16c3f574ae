"""Catalog rows and settings become run specs. Pure: it reads no GPU, no network and no clock."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from benchmark_core import protocol
from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    MeterName,
    ModelSpec,
    RunSpec,
    SampleSource,
    Simulation,
)
from benchmark_core.named_size import LOADED_BYTES_PER_PARAMETER
from benchmark_core.optimum import objection as optimum
from benchmark_core.reasoning.states import parse_state
from benchmark_core.serving.address import parse_address
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task
from orchestrator.catalog import ModelConfig
from orchestrator.errors import Problem, UsageError
from orchestrator.own_samples import OwnSamples
from orchestrator.settings import REFERENCE_GPUS_PER_NODE, Settings
from orchestrator.simulation_file import Simulations

REFERENCE_GPU_BYTES = 80 * 10**9


@dataclass(frozen=True)
class GpuSet:
    """What the planner must know of the GPUs: how many may be used, and the smallest memory."""

    count: int
    memory_bytes: int


REFERENCE_GPUS = GpuSet(count=REFERENCE_GPUS_PER_NODE, memory_bytes=REFERENCE_GPU_BYTES)


@dataclass(frozen=True)
class PlannedRun:
    """A row and its spec.

    `samples_path` is where samples of the user's are on the host, `samples_there` how many.
    """

    config: ModelConfig
    spec: RunSpec
    samples_path: Path | None = None
    samples_there: int | None = None

    @property
    def run_id(self) -> str:
        return self.spec.run_id

    @cached_property
    def spec_hash(self) -> str:
        return self.spec.spec_hash()


@dataclass(frozen=True)
class SkippedRow(Problem):
    """Why a row is not run, though it is a good row."""

    config: ModelConfig


@dataclass(frozen=True)
class Plan:
    """`skipped` names the rows that cannot be run here, or that a budget leaves out."""

    runs: tuple[PlannedRun, ...]
    skipped: tuple[SkippedRow, ...]


def make_plan(
    configs: Sequence[ModelConfig],
    settings: Settings,
    gpus: GpuSet,
    own: OwnSamples | None,
    simulations: Simulations,
) -> Plan:
    """One run for each row that can be run, in catalog order.

    Raises:
        UsageError: rows that would share a folder.
    """
    runs: list[PlannedRun] = []
    skipped: list[SkippedRow] = []
    for config in configs:
        where = f"{settings.csv}, line {config.line}"
        # Without samples there is nothing to make a spec of.
        if own and (fault := own.obstacles.get(config.task)):
            what = f"{config.model_id}: {fault.message}"
            skipped.append(SkippedRow(where, what, f"The row is skipped. {fault.remedy}", config))
            continue
        spec = _spec(config, settings, gpus, own, simulations)
        if obstacle := _obstacle(spec, config, settings, gpus):
            what, remedy = obstacle
            what = f"{config.model_id}{what}"
            skipped.append(SkippedRow(where, what, f"The row is skipped; {remedy}.", config))
            continue
        path = own.paths[config.task] if own else None
        there = own.available.get(config.task) if own else None
        runs.append(PlannedRun(config, spec, samples_path=path, samples_there=there))
    problems = _shared_names(runs)
    if problems:
        raise UsageError(*problems)
    return Plan(runs=tuple(runs), skipped=tuple(skipped))


def _model(config: ModelConfig) -> ModelSpec:
    return ModelSpec(
        id=config.model_id,
        model_class=config.model_class,
        revision=config.revision,
        processor=config.processor,
        quantization=config.quantization,
        trust_remote_code=config.trust_remote_code,
    )


def _spec(
    config: ModelConfig,
    settings: Settings,
    gpus: GpuSet,
    own: OwnSamples | None,
    simulations: Simulations,
) -> RunSpec:
    task, model, state = tasks.get(config.task), _model(config), config.reasoning_state
    run_id = protocol.run_id(model, task.name, state, settings.backend)
    return protocol.protocol_spec(
        run_id=run_id,
        model=model,
        task=task,
        reasoning=parse_state(state) if state else None,
        samples=_samples(task, settings, own),
        backend=_backend(settings, simulations.of(run_id)),
        device=DeviceSpec(kind=settings.device, gpu_count=_gpu_count(config, settings, gpus)),
        meters=cast("tuple[MeterName, ...]", settings.meters),
        repetitions=settings.repetitions,
        idle_seconds=settings.idle_seconds,
        stop_at_ci=settings.stop_at_ci,
    )


def _samples(task: Task, settings: Settings, own: OwnSamples | None) -> SampleSource:
    count, seed = settings.num_prompts, settings.seed
    if own and own.are_prompts:
        return SampleSource(prompts_sha256=own.sha256[task.name], count=count)
    if own:
        return SampleSource(folder_sha256=own.sha256[task.name], count=count, seed=seed)
    return protocol.usual_samples(task, settings.backend, count, seed)


def _backend(settings: Settings, simulation: Simulation) -> BackendSpec:
    return BackendSpec(
        name=settings.backend,
        endpoint=parse_address(settings.endpoint).root if settings.endpoint else None,
        silence_seconds=settings.request_timeout_seconds,
        concurrency=settings.concurrency if settings.concurrency > 1 else None,
        serve_image=settings.serve_image,
        serve_args=tuple(shlex.split(settings.serve_args)) if settings.serve_args else None,
        simulation=simulation if settings.is_simulated else None,
    )


def _gpu_count(config: ModelConfig, settings: Settings, gpus: GpuSet) -> int:
    """One GPU, but for class C: the row's GPUs, else --gpus-per-run, else what its size needs.

    Of GPUs of a server, here or elsewhere, all that were named.
    """
    if settings.names_remote_gpus:
        return gpus.count
    if settings.takes_no_gpus:
        return 0
    if settings.is_served_elsewhere:
        return gpus.count
    if settings.device == "cpu":
        return 1
    if config.model_class != "C":
        return 1
    return config.gpus or settings.gpus_per_run or _fitting(config, gpus)


def _fitting(config: ModelConfig, gpus: GpuSet) -> int:
    if config.parameters_billion is None:
        return gpus.count
    needed = config.parameters_billion * 1e9 * LOADED_BYTES_PER_PARAMETER
    return max(1, math.ceil(needed / gpus.memory_bytes))


def _shared_names(runs: Sequence[PlannedRun]) -> list[Problem]:
    """Rows that would write into one folder. The parser refuses equal rows; this is the proof."""
    first: dict[str, PlannedRun] = {}
    problems = []
    for run in runs:
        other = first.setdefault(run.run_id, run)
        if other is not run:
            problems.append(
                Problem(
                    f"line {run.config.line}",
                    f"its run would share the folder {run.run_id} with line {other.config.line}",
                    "Keep one of the two rows.",
                )
            )
    return problems


def _obstacle(
    spec: RunSpec, config: ModelConfig, settings: Settings, gpus: GpuSet
) -> tuple[str, str] | None:
    """Why a row cannot be run here, said of its model, and what to do."""
    if impossible := _impossible(spec):
        return f": {impossible}", "measure it with the pytorch backend"
    if objection := protocol.level_objection(spec.model.id, spec.reasoning):
        return f": {objection}", "write On as its state"
    wanted = spec.device.gpu_count
    if wanted > gpus.count:
        what = f" needs {wanted} GPUs, and {gpus.count} may be used"
        is_by_flag = settings.gpus_per_run and not config.gpus
        cause = "lower --gpus-per-run" if is_by_flag else "set the row's GPUs column"
        more = "as gpus_per_node of the profile" if settings.is_scheduled else "with --gpus"
        return what, f"allow more {more}, or {cause}"
    return None


def _impossible(spec: RunSpec) -> str | None:
    """Why the backend cannot do what the row asks."""
    facts = BACKEND_FACTS[spec.backend.name]
    if facts.is_served:
        return protocol.not_served(spec.model, tasks.get(spec.task))
    if facts.measures_itself:
        return optimum.objection(spec.task, spec.limits, spec.model.quantization)
    return None
