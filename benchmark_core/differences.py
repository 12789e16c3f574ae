"""What a run applied otherwise than it was asked."""

from dataclasses import replace

from pydantic import BaseModel

from benchmark_core.contract import FEWEST_REPETITIONS_TO_STOP, RunSpec
from benchmark_core.hub import pinned_commit
from benchmark_core.reasoning.families import Instruction, family_of
from benchmark_core.reasoning.raw_text import planned
from benchmark_core.report.applied import Applied
from benchmark_core.report.outline import ReportOutline
from benchmark_core.tasks import registry as tasks

Pair = tuple[str, object, object]


def differences(spec: RunSpec, report: ReportOutline) -> list[str]:
    """What a finished report applied otherwise than the spec asked, one phrase per setting."""
    if report.spec_hash != spec.spec_hash():
        return ["spec_hash: the report belongs to another spec"]
    if report.applied is None:
        return []
    pairs: list[Pair] = [
        ("run_id", spec.run_id, report.run_id),
        ("repetitions", _repetitions(spec, report), len(report.repetitions)),
        *_model(spec, report.applied),
        *_samples(spec, report.applied),
        *_reasoning(spec, report, report.applied),
    ]
    return [
        f"{name}: asked for {_show(asked)}, applied {_show(done)}"
        for name, asked, done in pairs
        if asked != done
    ]


def _repetitions(spec: RunSpec, report: ReportOutline) -> int:
    """How many the spec asks for, seeing how narrow the report says the interval had become."""
    done, target, reached = len(report.repetitions), spec.stop_at_ci, report.stopped_at_ci
    if target is None or reached is None or reached > target:
        return spec.repetitions
    may_end_there = FEWEST_REPETITIONS_TO_STOP <= done <= spec.repetitions
    return done if may_end_there else spec.repetitions


# Where a spec leaves something open ("or"), whatever was applied is what it asks for.


def _model(spec: RunSpec, applied: Applied) -> list[Pair]:
    model = spec.model
    commit, precision = applied.model_commit, spec.precision
    kinds = tasks.get(spec.task).kinds
    open_precision = precision == "auto" or applied.quantization is not None
    device = spec.device.used_by_model() if applied.device else None
    return [
        ("model", model.id, applied.model_id),
        ("revision", pinned_commit(model.revision) or commit, commit),
        ("processor", model.processor or model.id, applied.processor),
        ("precision", applied.dtype if open_precision else precision, applied.dtype),
        (
            "quantization",
            _folded(model.quantization or applied.quantization),
            _folded(applied.quantization),
        ),
        (
            "trust_remote_code",
            model.trust_remote_code,
            model.trust_remote_code or applied.ran_own_code,
        ),
        ("device", device, applied.device),
        ("kind", applied.kind if applied.kind in kinds else kinds[0], applied.kind),
        ("limits", spec.limits if applied.kind == "generate" else None, applied.limits),
        ("steps", spec.steps if applied.kind == "call" else None, applied.steps),
        ("batch_size", spec.batch_size, applied.batch_size),
        ("concurrency", spec.backend.concurrency or 1, applied.concurrency),
        ("meters", tuple(sorted(spec.meters)), tuple(sorted(applied.meters))),
    ]


def _samples(spec: RunSpec, applied: Applied) -> list[Pair]:
    source, commit = spec.samples, applied.dataset_commit
    there = applied.samples_available
    return [
        ("dataset", source.dataset_id, applied.dataset_id),
        ("dataset_revision", pinned_commit(source.dataset_revision) or commit, commit),
        ("prompts_sha256", source.prompts_sha256, applied.prompts_sha256),
        ("folder_sha256", source.folder_sha256, applied.folder_sha256),
        ("samples", min(source.count or there, there), applied.samples_used),
    ]


def _reasoning(spec: RunSpec, report: ReportOutline, applied: Applied) -> list[Pair]:
    """Whether the request is what the report speaks of, and reached the prompts that were run.

    What the table says of the model is not up to the run; of other models its probe has the word.
    """
    request, facts = spec.reasoning, report.reasoning
    family, form = family_of(spec.model.id), applied.prompt_form
    raw = spec.backend.gives_raw_text or (family is not None and family.raw)
    pairs: list[Pair] = [("reasoning", request and request.state, facts and facts.requested)]
    # A rehearsal makes no prompts, so none of them can have been made otherwise.
    if form is not None:
        pairs.append(("template variables", facts.kwargs if facts else {}, applied.template_kwargs))
    if form is not None and family is not None:
        pairs.append(("prompt form", "raw" if raw else "chat", form))
    known = planned(spec)
    if known is None or facts is None:
        return pairs
    told = Instruction(facts.kwargs, facts.system_message, user_prefix=facts.user_prefix)
    is_known = any(_is_told(asked, told, form is not None) for asked in known.instructions)
    return [
        *pairs,
        ("effective reasoning", known.effective, facts.effective),
        ("enforced reasoning", known.enforced, facts.enforced),
        ("instruction", told if is_known else known.instructions[0], told),
    ]


def _is_told(asked: Instruction, told: Instruction, with_files: bool) -> bool:
    """Whether it is the same; the text of a file beside the weights is not known here.

    `with_files`: such files were read, so there has to be a text.
    """
    if asked.system_file is None:
        return told == asked
    has_text = bool(told.system) or not with_files
    return has_text and told == replace(told, kwargs=asked.kwargs, user_prefix=asked.user_prefix)


def _folded(text: str | None) -> str | None:
    return text and text.casefold()


def _show(value: object) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_none=True)
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "nothing" if value is None else str(value)
