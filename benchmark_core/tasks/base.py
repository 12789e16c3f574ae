"""What every task offers, and the three ways in which a task is measured.

A task is one of three kinds; its kind alone decides which passes run over the samples and which
phases they give:

    generate   preprocess, prefill (one new token), generate (N)  ->  preprocess, prefill, decode
    forward    preprocess, forward                                ->  the same
    call       preprocess, call                                   ->  the same
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from benchmark_core.backends.base import MeasuredPass, Recipe
from benchmark_core.contract import (
    PassName,
    PhaseName,
    Precision,
    PromptForm,
    RunSpec,
    TaskName,
    TokenLimits,
)
from benchmark_core.report import Phase, Window

Kind = Literal["generate", "forward", "call"]


class RenderedPrompt(Protocol):
    """A prompt as it comes from the chat template, or unchanged."""

    @property
    def text(self) -> str: ...

    @property
    def form(self) -> PromptForm: ...

    @property
    def template_kwargs(self) -> dict[str, bool | str]: ...


class Prompts(Protocol):
    """Makes the prompts of a run, with its reasoning settled beforehand."""

    def settle(self, tokenizer: Any, read_file: Callable[[str], str]) -> None:
        """Take the tokenizer; `read_file` reads a text file beside the weights. Raises RunFault."""

    def make(self, text: str) -> RenderedPrompt:
        """The prompt of a user's text. Raises RunFault."""


class Task(Protocol):
    """One of the ten tasks. Importing a task loads no model library."""

    @property
    def name(self) -> TaskName: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def dataset_id(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a sample consists of; a sample with an empty one is dropped."""

    @property
    def precision(self) -> Precision: ...

    def limits(self, reasons: bool) -> TokenLimits | None:
        """How many tokens a sample may generate, None where nothing is generated.

        `reasons`: the run is to have the limits of one that reasons.
        """

    def passes(self, limits: TokenLimits | None) -> tuple[MeasuredPass, ...]:
        """The walks over all samples, in order."""

    def phases(self, windows: Sequence[Window]) -> dict[PhaseName, Phase]:
        """The phases of the methodology, from the windows of one repetition."""

    def recipe(self, spec: RunSpec, prompts: Prompts) -> Recipe:
        """What a backend needs to run this task on this model."""


def passes_of(kind: Kind, limits: TokenLimits | None) -> tuple[MeasuredPass, ...]:
    """The passes of a kind. `limits` are those of the generate pass; other kinds have none."""
    preprocess = MeasuredPass("preprocess", None)
    if kind != "generate":
        return (preprocess, MeasuredPass(kind, None))
    if limits is None:
        raise ValueError("a task that generates needs token limits")
    one_token = TokenLimits(max_new_tokens=1, min_new_tokens=1)
    return (preprocess, MeasuredPass("prefill", one_token), MeasuredPass("generate", limits))


def phases_of(kind: Kind, windows: Sequence[Window]) -> dict[PhaseName, Phase]:
    """The phases of a kind from its windows.

    Raises:
        ValueError: a pass of the kind has no window, or two.
    """
    found = {window.name: window for window in windows}
    wanted = _PASSES[kind]
    if len(windows) != len(found) or set(found) != set(wanted):
        names = ", ".join(window.name for window in windows) or "none"
        raise ValueError(f"a {kind} task has the windows {', '.join(wanted)}; got {names}")
    if kind == "generate":
        prefill = _phase(found["prefill"])
        return {
            "preprocess": _phase(found["preprocess"]),
            "prefill": prefill,
            "decode": _difference(_phase(found["generate"]), prefill),
        }
    return {"preprocess": _phase(found["preprocess"]), kind: _phase(found[kind])}


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
