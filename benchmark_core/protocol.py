"""What the protocol makes of a model and a task, whoever asks: a catalog row or a command line."""

import hashlib
import re

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import (
    BackendName,
    BackendSpec,
    DeviceSpec,
    MeterName,
    ModelSpec,
    ReasoningRequest,
    RunSpec,
    SampleSource,
)
from benchmark_core.reasoning.families import family_of
from benchmark_core.reasoning.resolution import missing_level, reasons
from benchmark_core.samples import SYNTHETIC_SAMPLES
from benchmark_core.tasks.base import Task

USUAL_TASK = "text_generation"
LONGEST_RUN_ID = 120


def protocol_spec(
    *,
    run_id: str,
    model: ModelSpec,
    task: Task,
    reasoning: ReasoningRequest | None,
    samples: SampleSource,
    backend: BackendSpec,
    device: DeviceSpec,
    meters: tuple[MeterName, ...],
    repetitions: int,
    idle_seconds: float | None,
    stop_at_ci: float | None = None,
) -> RunSpec:
    """The spec, its token limits, steps and precision being those of the protocol.

    A server does not tell in which precision it computes, so none is asked of it.
    """
    return RunSpec(
        run_id=run_id,
        model=model,
        task=task.name,
        reasoning=reasoning,
        samples=samples,
        limits=task.limits(reasons(model.id, reasoning)),
        steps=task.steps,
        precision="auto" if backend.is_served else task.precision,
        repetitions=repetitions,
        backend=backend,
        device=device,
        meters=meters,
        idle_seconds=idle_seconds,
        stop_at_ci=stop_at_ci,
    )


def run_id(model: ModelSpec, task: str, state: str | None, backend: BackendName) -> str:
    """A name that depends on what is asked alone, safe as a file name, and unique.

    `org_name_state`, then task, revision and quantization where they are not the default. A short
    hash of exactly what is asked is added where writing it this way lost something. The backend
    comes last, so that one row can be in one directory on several.
    """
    organisation, _, name = model.id.partition("/")
    parts = [organisation, name, state_in_names(state)]
    if task != USUAL_TASK:
        parts.append(task)
    parts += [part for part in (model.revision, model.quantization) if part]
    plain = "_".join(part for part in parts if part)
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", plain)
    ambiguous = "_" in organisation or bool(model.revision or model.quantization)
    if ambiguous or safe != plain or len(safe) > LONGEST_RUN_ID:
        exact = "\0".join(map(str, (*parts[:3], task, model.revision, model.quantization)))
        digest = hashlib.sha256(exact.encode()).hexdigest()[:8]
        safe = f"{safe[:LONGEST_RUN_ID]}_{digest}"
    return f"{safe}_{backend}" if BACKEND_FACTS[backend].named_in_run_id else safe


def state_in_names(state: str | None) -> str:
    """A reasoning state as it stands in names of folders; empty for none."""
    return re.sub(r"[^A-Za-z0-9]+", "_", (state or "").replace("N/A", "NA")).strip("_")


def usual_samples(
    task: Task, backend: BackendName, count: int | None, seed: int | None = None
) -> SampleSource:
    """Those of the task's own dataset; made up ones for a rehearsal."""
    if BACKEND_FACTS[backend].is_simulated:
        return SampleSource(synthetic=True, count=count or SYNTHETIC_SAMPLES)
    return SampleSource(
        dataset_id=task.dataset_id,
        dataset_revision=task.dataset_revision,
        count=count,
        seed=seed,
    )


def not_served(model: ModelSpec, task: Task) -> str | None:
    """Why a server with OpenAI's interface cannot do what is asked; None where it can."""
    if not task.can_reason:
        return f"the vllm backend generates text, and the task is {task.name}"
    if model.revision:
        return "a server does not tell which revision it runs, and one is asked for"
    if model.quantization:
        return "a server does not tell how its weights are quantized, and that is asked for"
    return None


def level_objection(model_id: str, reasoning: ReasoningRequest | None) -> str | None:
    """What is wrong with a level of effort that the model's family is known not to have."""
    family = family_of(model_id)
    return missing_level(reasoning, family) if reasoning and family else None
