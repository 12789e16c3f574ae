"""What is wanted becomes the spec of a run, or a list of everything that is in the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark_core.backend_facts import BACKEND_FACTS, usual_meters
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    Launch,
    ModelSpec,
    RunSpec,
    SampleSource,
    Simulation,
    TokenLimits,
)
from benchmark_core.direct.values import ALL
from benchmark_core.direct.wishes import ENDPOINT_VARIABLE, Wishes
from benchmark_core.faults import RunFault, SampleFault, SpecFault
from benchmark_core.meter_facts import usual_idle_seconds
from benchmark_core.optimum.objection import refuse_impossible
from benchmark_core.protocol import (
    level_objection,
    not_served,
    protocol_spec,
    run_id,
    usual_samples,
)
from benchmark_core.reasoning.resolution import reasons
from benchmark_core.samples import check_samples, refuse_lone_table
from benchmark_core.serving.address import FORM, parse_address
from benchmark_core.tasks.base import Task

ENGINE = "direct"
SERVER_UNMETERED = (
    "the vllm backend asks a server, whose GPU energy a direct run does not measure;"
    " batch_runner.py does, with --meters"
)
REPETITIONS = 1
"""The original's commands measure once; the protocol's ten have to be asked for."""
FORMER_ORGANISATION, ORGANISATION = "EnergyStarAI/", "AIEnergyScore/"
"""The datasets' organisation was renamed; it is the same one."""


@dataclass(frozen=True)
class DirectPlan:
    """`notes` are what the user is to know before it starts."""

    spec: RunSpec
    samples_path: Path | None
    notes: tuple[str, ...]

    @property
    def wants_gpus(self) -> bool:
        return self.spec.device.kind == "cuda" and self.spec.device.gpu_count > 0

    @property
    def asks_hub(self) -> bool:
        model_id = self.spec.model.id
        return not self.spec.backend.is_simulated and not Path(model_id).is_dir()

    def launch(self, gpu_uuids: tuple[str, ...]) -> Launch:
        return Launch(
            engine=ENGINE,
            gpu_uuids=gpu_uuids,
            samples_path=None if self.samples_path is None else str(self.samples_path),
            launched_at=datetime.now(UTC).isoformat(),
        )


def make_plan(wishes: Wishes, task: Task) -> tuple[DirectPlan | None, list[RunFault]]:
    """The run, or why there cannot be one."""
    faults: list[RunFault] = list(_contradictions(wishes, task))
    notes = [SERVER_UNMETERED] if wishes.backend == "vllm" else []
    samples: SampleSource | None = None
    try:
        samples = _samples(wishes, task, notes)
    except SampleFault as fault:
        faults.append(fault)
    if faults or samples is None or wishes.model is None:
        return None, faults
    backend = wishes.backend
    facts, meters = BACKEND_FACTS[backend], usual_meters(backend, wishes.device or "cuda")
    model, reasoning = _model(wishes), wishes.reasoning
    spec = protocol_spec(
        run_id=run_id(model, task.name, reasoning.state if reasoning else None, backend),
        model=model,
        task=task,
        reasoning=reasoning,
        samples=samples,
        backend=BackendSpec(
            name=backend,
            endpoint=parse_address(wishes.endpoint).root if wishes.endpoint else None,
            simulation=Simulation() if facts.is_simulated else None,
        ),
        device=_device(wishes),
        meters=meters,
        repetitions=wishes.repetitions or REPETITIONS,
        idle_seconds=usual_idle_seconds(meters),
    )
    asked = {"precision": wishes.precision, "steps": wishes.steps, "limits": _limits(wishes, spec)}
    stated = {name: value for name, value in asked.items() if value is not None}
    own = wishes.prompts_file or wishes.dataset_dir
    spec = spec.model_copy(update=stated)
    if facts.measures_itself:
        try:
            refuse_impossible(spec)
        except SpecFault as fault:
            return None, [fault]
    return DirectPlan(spec, own.absolute() if own else None, tuple(notes)), []


def _model(wishes: Wishes) -> ModelSpec:
    return ModelSpec(
        id=wishes.model or "",
        revision=wishes.revision,
        processor=wishes.processor,
        trust_remote_code=bool(wishes.trust_remote_code),
    )


def _device(wishes: Wishes) -> DeviceSpec:
    facts = BACKEND_FACTS[wishes.backend]
    if facts.is_simulated:
        return DeviceSpec(kind="simulated", gpu_count=1)
    if facts.is_served:
        return DeviceSpec(kind="cuda", gpu_count=0)
    if wishes.device == "cpu":
        return DeviceSpec(kind="cpu", gpu_count=0)
    return DeviceSpec(kind="cuda", gpu_count=len(wishes.device_ids or ("first",)))


def _limits(wishes: Wishes, spec: RunSpec) -> TokenLimits | None:
    """The protocol's limits, with what is asked in their place."""
    most, least = wishes.max_new_tokens, wishes.min_new_tokens
    if spec.limits is None or (most is None and least is None):
        return None
    return TokenLimits(
        max_new_tokens=most or spec.limits.max_new_tokens,
        min_new_tokens=least or spec.limits.min_new_tokens,
    )


def _samples(wishes: Wishes, task: Task, notes: list[str]) -> SampleSource:
    """Raises SampleFault: the user's own cannot be used."""
    own = wishes.prompts_file or wishes.dataset_dir
    count = None if wishes.num_samples == ALL else wishes.num_samples
    if own is None:
        return _of_dataset(wishes, usual_samples(task, wishes.backend, count), notes)
    are_prompts = wishes.prompts_file is not None
    check = check_samples(own, task.columns, are_prompts, count)
    refuse_lone_table(own, check)
    notes.extend(f"{own}: {doubt}" for doubt in (check.shortage, check.bad_rows) if doubt)
    if are_prompts:
        return SampleSource(prompts_sha256=check.sha256, count=count)
    return SampleSource(folder_sha256=check.sha256, count=count)


def _of_dataset(wishes: Wishes, usual: SampleSource, notes: list[str]) -> SampleSource:
    name, revision = wishes.dataset_name, wishes.dataset_revision
    if name is None and revision is None:
        return usual
    name = name or usual.dataset_id
    if name and name.startswith(FORMER_ORGANISATION):
        name = ORGANISATION + name.removeprefix(FORMER_ORGANISATION)
        notes.append(f"the dataset {wishes.dataset_name} is called {name} today")
    if name == usual.dataset_id and revision is None:
        return usual
    changes: dict[str, Any] = {"dataset_id": name, "dataset_revision": revision, "synthetic": False}
    return SampleSource(**{**usual.model_dump(), **changes})


def _contradictions(wishes: Wishes, task: Task) -> Iterator[RunFault]:
    yield from _about_backend(wishes, task)
    yield from _about_samples(wishes)
    yield from _about_generation(wishes, task)
    if wishes.reasoning is not None and not task.can_reason:
        what = f"models of {task.name} are not told to reason"
        yield SpecFault(what, "Leave scenario.reasoning and its parameters out.")
    objection = level_objection(wishes.model or "", wishes.reasoning)
    if objection:
        yield SpecFault(f"{wishes.model}: {objection}", "Write scenario.reasoning=True alone.")


def _about_backend(wishes: Wishes, task: Task) -> Iterator[SpecFault]:
    backend, by_hand = wishes.backend, wishes.by_hand
    facts = BACKEND_FACTS[backend]
    if facts.is_served:
        yield from _about_server(wishes, task)
    elif wishes.endpoint:
        what = f"backend.endpoint: the {backend} backend asks no server"
        yield SpecFault(what, "Add backend.name=vllm, or leave it out.")
    if "device" in by_hand and wishes.device and facts.has_own_device:
        yield SpecFault(f"backend.device: the {backend} backend has its own", "Leave it out.")
    if facts.is_served and wishes.precision not in (None, "auto"):
        what = "backend.torch_dtype: a server does not tell in which precision it computes"
        yield SpecFault(what, "Leave it out.")
    if "device_ids" in by_hand and wishes.device_ids and not _device_uses_gpus(wishes):
        yield SpecFault("backend.device_ids: the run takes no GPU", "Leave it out.")


def _device_uses_gpus(wishes: Wishes) -> bool:
    device = _device(wishes)
    return device.kind == "cuda" and device.gpu_count > 0


def _about_server(wishes: Wishes, task: Task) -> Iterator[SpecFault]:
    if not wishes.endpoint:
        what = "the vllm backend is not told where its server answers"
        yield SpecFault(what, f"Add backend.endpoint={FORM}, or set {ENDPOINT_VARIABLE}.")
    else:
        try:
            parse_address(wishes.endpoint)
        except ValueError as error:
            yield SpecFault(f"backend.endpoint: the URL {error}", f"Write it as {FORM}.")
    objection = not_served(_model(wishes), task)
    if objection:
        yield SpecFault(objection, "Measure it with backend.name=pytorch.")


def _about_samples(wishes: Wishes) -> Iterator[SpecFault]:
    own = [name for name in ("prompts_file", "dataset_dir") if getattr(wishes, name)]
    if len(own) > 1:
        what = "scenario.prompts_file and scenario.dataset_dir are both given"
        yield SpecFault(what, "Leave one of them out.")
    if own and {"dataset_name", "dataset_revision"} & wishes.by_hand:
        what = f"scenario.{own[0]} goes instead of a dataset of the hub"
        yield SpecFault(what, "Leave scenario.dataset_name and its revision out.")


def _about_generation(wishes: Wishes, task: Task) -> Iterator[SpecFault]:
    most, least = wishes.max_new_tokens, wishes.min_new_tokens
    usual = task.limits(reasons(wishes.model or "", wishes.reasoning))
    if (most or least) and usual is None:
        what = f"models of {task.name} generate no tokens"
        yield SpecFault(what, "Leave scenario.generate_kwargs out.")
    elif usual is not None:
        most, least = most or usual.max_new_tokens, least or usual.min_new_tokens
        if least > most:
            yield SpecFault(
                f"min_new_tokens is {least} and max_new_tokens {most}",
                "Give both: scenario.generate_kwargs.max_new_tokens=N and .min_new_tokens=N.",
            )
    if wishes.steps and task.steps is None:
        what = f"models of {task.name} draw in no steps"
        yield SpecFault(what, "Leave scenario.call_kwargs.num_inference_steps out.")
