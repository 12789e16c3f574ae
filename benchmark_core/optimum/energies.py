"""The report that optimum-benchmark writes -> windows and phases in our words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark_core.contract import Kind, PassName
from benchmark_core.documents import ContractError, one_line
from benchmark_core.kinds import phases_of
from benchmark_core.report.energy import Reading
from benchmark_core.report.repetition import Repetition, Window
from benchmark_core.report.token_counts import TokenCounts

JOULES_PER_KWH = 3.6e6
PREPROCESS_KEYS = ("preprocess_dataset", "preprocess")
"""As it calls the phase now, and as it did in 2024."""


class _Known(BaseModel):
    """Of a foreign file only what is read here is looked at; a NaN in it is an error."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Energy(_Known):
    unit: Literal["kWh"]
    cpu: float
    ram: float
    gpu: float


class Latency(_Known):
    unit: Literal["s"]
    total: float


class PhaseReport(_Known):
    energy: Energy
    latency: Latency


class OptimumReport(_Known):
    """Loading is measured there too, and never counted, so it is not read."""

    preprocess_dataset: PhaseReport | None = None
    preprocess: PhaseReport | None = None
    prefill: PhaseReport | None = None
    decode: PhaseReport | None = None
    forward: PhaseReport | None = None
    call: PhaseReport | None = None


@dataclass(frozen=True)
class Part:
    """Joules and seconds of one window, every quantity as it was told."""

    seconds: float
    gpu: float
    cpu: float
    ram: float


@dataclass(frozen=True)
class Counts:
    """What is known of the samples run.

    `prompt` tokens are those of all samples, None where inputs are no texts; `new_tokens` those of
    one sample, 0 where none are generated.
    """

    samples: int
    prompt: int | None
    new_tokens: int


def read_repetition(content: bytes, counts: Counts, gpus_tracked: bool) -> Repetition:
    """One report as one repetition.

    Without `gpus_tracked` the GPU energy is not measured, whatever number stands there.

    Raises:
        ContractError: it is no report, or has not the phases of any kind.
    """
    try:
        report = OptimumReport.model_validate_json(content)
    except ValidationError as error:
        raise ContractError(f"is not valid: {one_line(error)}") from error
    kind, parts = _parts(report)
    windows = tuple(_window(name, part, counts, gpus_tracked) for name, part in parts.items())
    return Repetition(windows=windows, phases=phases_of(kind, windows))


def kind_of(repetition: Repetition) -> Kind:
    names = {window.name for window in repetition.windows}
    if "generate" in names:
        return "generate"
    return "call" if "call" in names else "forward"


def _parts(report: OptimumReport) -> tuple[Kind, Mapping[PassName, Part]]:
    preprocess = report.preprocess_dataset or report.preprocess
    if preprocess is None:
        raise ContractError(f"has no {PREPROCESS_KEYS[0]}")
    first: dict[PassName, Part] = {"preprocess": _part(preprocess)}
    if report.prefill and report.decode:
        prefill = _part(report.prefill)
        # It gives the difference of two passes as decode, so the whole pass is the sum.
        generate = _sum(prefill, _part(report.decode))
        return "generate", first | {"prefill": prefill, "generate": generate}
    if report.forward:
        return "forward", first | {"forward": _part(report.forward)}
    if report.call:
        return "call", first | {"call": _part(report.call)}
    raise ContractError("has neither prefill and decode, nor forward, nor call")


def _part(phase: PhaseReport) -> Part:
    energy = phase.energy
    return Part(
        seconds=phase.latency.total,
        gpu=energy.gpu * JOULES_PER_KWH,
        cpu=energy.cpu * JOULES_PER_KWH,
        ram=energy.ram * JOULES_PER_KWH,
    )


def _sum(one: Part, other: Part) -> Part:
    return Part(
        seconds=one.seconds + other.seconds,
        gpu=one.gpu + other.gpu,
        cpu=one.cpu + other.cpu,
        ram=one.ram + other.ram,
    )


def _window(name: PassName, part: Part, counts: Counts, gpus_tracked: bool) -> Window:
    preprocesses = name == "preprocess"
    new_tokens = {"prefill": 1, "generate": counts.new_tokens}.get(name, 0)
    return Window(
        name=name,
        duration_seconds=part.seconds,
        # CodeCarbon gives 0 for what it could not measure, and for what was too short.
        reading=Reading(
            gpu_joules=part.gpu or None if gpus_tracked else None,
            cpu_joules=part.cpu or None,
            ram_joules=part.ram or None,
        ),
        tokens=TokenCounts(
            prompt=0 if preprocesses else counts.prompt,
            completion=new_tokens * counts.samples,
        ),
        successful=counts.samples,
        failed=0,
    )
