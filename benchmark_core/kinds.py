"""The three ways in which a model is measured, and what each gives.

    generate   preprocess, prefill (one new token), generate (N)  ->  preprocess, prefill, decode
    forward    preprocess, forward                                ->  the same
    call       preprocess, call                                   ->  the same

The kind belongs to the checkpoint and not to the task: one summarizes by generating, another by a
single forward pass. So it is known once the model is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.contract import Kind, PassName, PhaseName, TokenLimits
from benchmark_core.faults import SpecFault
from benchmark_core.report.repetition import Phase, Window


@dataclass(frozen=True)
class MeasuredPass:
    """One walk over all samples.

    `limits` is None where nothing is generated, `steps` where nothing is drawn.
    """

    name: PassName
    limits: TokenLimits | None = None
    steps: int | None = None


PREPROCESS = MeasuredPass("preprocess")
ONE_TOKEN = TokenLimits(max_new_tokens=1, min_new_tokens=1)


def passes_of(
    kind: Kind, limits: TokenLimits | None, steps: int | None
) -> tuple[MeasuredPass, ...]:
    """The passes of a kind. `limits` are those of a generate pass, `steps` those of a call.

    Raises:
        SpecFault: the one that the kind needs is not there.
    """
    if kind == "forward":
        return (PREPROCESS, MeasuredPass("forward"))
    if kind == "call":
        if steps is None:
            raise SpecFault(
                "the checkpoint draws, and the spec has no steps",
                "Make the spec anew with the batch runner.",
            )
        return (PREPROCESS, MeasuredPass("call", steps=steps))
    if limits is None:
        raise SpecFault(
            "the checkpoint generates text, and the spec has no limits",
            "Make the spec anew with the batch runner.",
        )
    return (PREPROCESS, MeasuredPass("prefill", ONE_TOKEN), MeasuredPass("generate", limits))


def phases_of(kind: Kind, windows: Sequence[Window]) -> dict[PhaseName, Phase]:
    """The phases of a kind from its windows.

    Raises:
        ValueError: a pass of the kind has no window, or two.
    """
    found = {window.name: window for window in windows}
    wanted = _PASSES[kind]
    if len(windows) != len(found) or set(found) != set(wanted):
        names = ", ".join(window.name for window in windows) or "none"
        raise ValueError(f"the kind {kind} has the windows {', '.join(wanted)}; got {names}")
    preprocess = _phase(found["preprocess"])
    if kind == "generate":
        prefill = _phase(found["prefill"])
        decode = _difference(_phase(found["generate"]), prefill)
        return {"preprocess": preprocess, "prefill": prefill, "decode": decode}
    return {"preprocess": preprocess, kind: _phase(found[kind])}


_PASSES: dict[Kind, tuple[PassName, ...]] = {
    "generate": ("preprocess", "prefill", "generate"),
    "forward": ("preprocess", "forward"),
    "call": ("preprocess", "call"),
}


def _phase(window: Window) -> Phase:
    return Phase(
        duration_seconds=window.duration_seconds,
        gpu_joules=window.reading.gpu_joules,
        cpu_joules=window.reading.cpu_joules,
        ram_joules=window.reading.ram_joules,
    )


def _difference(whole: Phase, part: Phase) -> Phase:
    return Phase(
        duration_seconds=whole.duration_seconds - part.duration_seconds,
        gpu_joules=_minus(whole.gpu_joules, part.gpu_joules),
        cpu_joules=_minus(whole.cpu_joules, part.cpu_joules),
        ram_joules=_minus(whole.ram_joules, part.ram_joules),
    )


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part
