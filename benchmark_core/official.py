"""Whether a run kept to the official protocol, and everything in which it did not. Pure.

This says nothing about whether its figures are true, which is the verdict's part: a valid run on
other hardware is valid and not official.
"""

from collections.abc import Iterator, Sequence

from benchmark_core.contract import RunSpec
from benchmark_core.evidence import Evidence
from benchmark_core.meter_facts import GPU_COUNTERS
from benchmark_core.reasoning.resolution import reasons
from benchmark_core.report.applied import Applied
from benchmark_core.report.energy import EnergySources
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.judgement import Official
from benchmark_core.report.summary import Summary
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task

HARDWARE = "H100"
MEMORY_BYTES = (79e9, 87e9)
"""What the drivers call the memory of an 80 GB card."""
POWER_LIMITS_WATTS = {"HBM3": 700.0, "PCIe": 350.0}
"""Of the two kinds of 80 GB card, by what stands in their names."""
LIMIT_TOLERANCE_WATTS = 1.0

SAMPLES = 1000
REPETITIONS = 10
BATCH_SIZE = 1
CONCURRENCY = 1
BACKEND = "pytorch"

CODES = (
    "hardware",
    "gpu_count",
    "device",
    "gpu_energy",
    "simulated",
    "samples",
    "failed_samples",
    "repetitions",
    "batch_size",
    "concurrency",
    "token_limits",
    "steps",
    "precision",
    "backend",
    "model_revision",
    "dataset_revision",
)
"""Every deviation begins with one of these words."""

UNKNOWN = "unknown"


def examine(evidence: Evidence) -> Official:
    """Every deviation as `code: asked A vs found B`. What is not known is a deviation.

    Raises:
        SpecFault: this version does not run the task.
    """
    spec, applied, summary = evidence.spec, evidence.applied, evidence.summary
    task = tasks.get(spec.task)
    deviations = (
        *hardware_deviations(evidence.gpus),
        *_of_device(spec, task, applied),
        *_of_energy(summary, evidence.sources, evidence.rehearsal),
        *_of_samples(spec, task, summary),
        *_of_repetitions(spec, len(evidence.repetitions)),
        *_of_settings(spec, task, applied),
        *_of_revisions(applied),
    )
    return Official(official=not deviations, deviations=deviations)


def _deviation(code: str, asked: object, found: object) -> str:
    # Without commas and semicolons: in a table cell these part one deviation from the next.
    return f"{code}: asked {asked} vs found {UNKNOWN if found is None else found}"


def hardware_deviations(gpus: Sequence[GpuFacts]) -> Iterator[str]:
    """What the GPUs are otherwise than one H100 with 80 GB at its own power limit; each once."""
    if not gpus:
        yield _deviation("hardware", f"{HARDWARE} 80 GB", "no metered GPU")
    found = (deviation for gpu in gpus for deviation in _of_gpu(gpu))
    yield from dict.fromkeys(found)


def _of_gpu(gpu: GpuFacts) -> Iterator[str]:
    if HARDWARE not in gpu.name:
        yield _deviation("hardware", HARDWARE, gpu.name)
    memory = gpu.memory_bytes
    if memory is None or not MEMORY_BYTES[0] <= memory <= MEMORY_BYTES[1]:
        shown = f"memory of {UNKNOWN} size" if memory is None else f"{memory / 1e9:.1f} GB"
        yield _deviation("hardware", "80 GB of memory", shown)
    wanted = {watts for part, watts in POWER_LIMITS_WATTS.items() if part in gpu.name}
    wanted.add(gpu.default_power_limit_watts or 0.0)
    for watts in sorted(wanted):
        shown = f"a limit of {watts:g} W" if watts else "the card's default power limit"
        limit = gpu.power_limit_watts
        if not watts:
            yield _deviation("hardware", shown, "a default that is not known")
        elif limit is None or abs(limit - watts) > LIMIT_TOLERANCE_WATTS:
            yield _deviation("hardware", shown, UNKNOWN if limit is None else f"{limit:g} W")


def _of_device(spec: RunSpec, task: Task, applied: Applied) -> Iterator[str]:
    found = applied.device
    if found is None:
        yield _deviation("device", "cuda", UNKNOWN)
        return
    if found.kind != "cuda":
        yield _deviation("device", "cuda", found.kind)
    several = task.has_classes and spec.model.model_class == "C"
    if found.gpu_count != 1 and not (several and found.gpu_count > 1):
        yield _deviation("gpu_count", "at least 1" if several else 1, found.gpu_count)


def _of_energy(summary: Summary, sources: EnergySources, rehearsal: bool) -> Iterator[str]:
    source = sources.gpu
    if source is None or summary.gpu_energy_wh is None:
        yield _deviation("gpu_energy", "the GPU's energy counter", "no GPU energy")
    elif source.meter not in GPU_COUNTERS or source.kind == "estimated" or source.integrated:
        shown = source.method.replace(",", "").replace(";", "")
        yield _deviation("gpu_energy", "the GPU's energy counter", f"{source.meter} ({shown})")
    if rehearsal:
        yield _deviation("simulated", "nothing simulated", "a simulated part")


def _of_samples(spec: RunSpec, task: Task, summary: Summary) -> Iterator[str]:
    source = spec.samples
    if source.dataset_id != task.dataset_id:
        own = "a prompts file" if source.prompts_sha256 else "samples of the user's"
        other = "made-up samples" if source.synthetic else own
        shown = f"dataset {source.dataset_id}" if source.dataset_id else other
        yield _deviation("samples", f"dataset {task.dataset_id}", shown)
    if summary.total_prompts != SAMPLES:
        yield _deviation("samples", SAMPLES, summary.total_prompts)
    if summary.failed_prompts:
        yield _deviation("failed_samples", 0, summary.failed_prompts)


def _of_repetitions(spec: RunSpec, count: int) -> Iterator[str]:
    if count != REPETITIONS:
        yield _deviation("repetitions", REPETITIONS, count)
    if count < spec.repetitions:
        yield _deviation("repetitions", f"all {spec.repetitions}", f"an early stop after {count}")


def _of_settings(spec: RunSpec, task: Task, applied: Applied) -> Iterator[str]:
    if applied.batch_size != BATCH_SIZE:
        yield _deviation("batch_size", BATCH_SIZE, applied.batch_size)
    if applied.concurrency != CONCURRENCY:
        yield _deviation("concurrency", CONCURRENCY, applied.concurrency)
    generates = applied.kind == "generate"
    limits = task.limits(reasons(spec.model.id, spec.reasoning)) if generates else None
    if applied.limits != limits:
        shown = [
            f"{which.max_new_tokens}/{which.min_new_tokens} new tokens" if which else "no limit"
            for which in (limits, applied.limits)
        ]
        yield _deviation("token_limits", *shown)
    steps = task.steps if applied.kind == "call" else None
    if applied.steps != steps:
        yield _deviation("steps", steps or "none", applied.steps or "none")
    if applied.quantization is None and applied.dtype != task.precision:
        yield _deviation("precision", task.precision, applied.dtype or UNKNOWN)
    if spec.backend.name != BACKEND:
        yield _deviation("backend", BACKEND, spec.backend.name)


def _of_revisions(applied: Applied) -> Iterator[str]:
    if applied.model_commit is None:
        yield _deviation("model_revision", "a commit", None)
    if applied.dataset_commit is None:
        yield _deviation("dataset_revision", "a commit", None)
