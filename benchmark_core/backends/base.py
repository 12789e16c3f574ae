"""What every backend offers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Protocol, TypeVar

from benchmark_core.contract import FinishReason, PromptForm, TokenLimits
from benchmark_core.faults import RunFault, SampleFault
from benchmark_core.kinds import MeasuredPass
from benchmark_core.recipe import LoadedModel, Sample

Prepared = Any
Made = TypeVar("Made")


@dataclass(frozen=True)
class Unusable:
    """A sample that could not be prepared, and why; it takes part in no pass."""

    because: str


@dataclass(frozen=True)
class Conditions:
    """Under which settings samples were really run: the last `preprocess` and the last `run`.

    `limits` is None where nothing was generated, `steps` where nothing was drawn. `concurrency` is
    how many samples may be under way at a time, each by itself. `template_day` is the day that the
    chat template took for today, None where it asks for none, or nobody knows.
    """

    batch_size: int
    limits: TokenLimits | None
    steps: int | None
    prompt_form: PromptForm | None
    template_kwargs: dict[str, bool | str]
    prompts_cut: int
    concurrency: int = 1
    template_day: date | None = None


class SampleResult(NamedTuple):
    """What came of one sample.

    `first_token_at` is when the model had worked through the prompt, on the monotonic clock; None
    where the backend does not know, and in passes that generate one token only. `token_ids` is what
    was generated, None where the backend does not see it; it is looked into after the window only.
    """

    prompt_tokens: int | None
    completion_tokens: int
    finish_reason: FinishReason
    first_token_at: float | None = None
    token_ids: Sequence[int] | None = None


class TriedSample(NamedTuple):
    """One sample of a pass, numbered from 1, with its times on the monotonic clock.

    Without a result it failed, and `error` says why; `memory_remedy` is given where it was too
    large for the device.
    """

    number: int
    started_at: float
    ended_at: float
    result: SampleResult | None
    error: str = ""
    memory_remedy: str | None = None


class Backend(Protocol):
    """Runs the samples of one task on one model."""

    def load(self) -> LoadedModel:
        """Bring the model up. Raises ModelFault or MemoryFault."""

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Prepared | Unusable]:
        """Every sample as the model takes it; measured as a phase of its own."""

    def warm_up(self, prepared: Prepared, passes: Sequence[MeasuredPass]) -> None:
        """Run one sample until times are steady; never counted."""

    def run(self, prepared: Prepared, step: MeasuredPass) -> SampleResult:
        """One sample of one pass. A RunFault other than MemoryFault ends the run.

        Everything else fails that sample alone.
        """

    def run_all(
        self, prepared: Sequence[Prepared | Unusable], step: MeasuredPass
    ) -> Iterator[TriedSample]:
        """All samples of a pass, each as it ends: `walks.one_by_one`, or several at a time."""

    def walking(self) -> AbstractContextManager[object]:
        """Entered around all samples of a pass: what would cost more if each sample did it."""

    def synchronise(self) -> None:
        """Return when the device has finished all work given to it."""

    def conditions(self) -> Conditions:
        """The settings of the samples just run. Valid after the first `run`."""

    def take_over(self, earlier: "Backend") -> LoadedModel | None:
        """Use the model of a backend that kept it, in place of `load`; `earlier` has it no more.

        None where that is not what this one would load; `earlier` has it still. Raises RunFault
        where the model can be used, and not for this run; `earlier` has it still.
        """

    def keep_model(self) -> bool:
        """Give everything back but the model, which a later backend may take over.

        False where there is none, or none to be relied on; nothing was done then.
        """

    def close(self) -> None:
        """Give the device back."""


def refuse_other_length(tokens: int, limits: TokenLimits) -> None:
    """Raises ValueError: the output is not what was asked for, or more was taken for it."""
    if not limits.min_new_tokens <= tokens <= limits.max_new_tokens:
        raise ValueError(
            f"{tokens} new tokens, and at least {limits.min_new_tokens} and at most"
            f" {limits.max_new_tokens} were asked for"
        )


def prepared_alone(prepare: Callable[[Sample], Made], sample: Sample) -> Made | Unusable:
    """What `prepare` makes of one sample; a bad sample fails alone. Raises RunFault otherwise."""
    try:
        return prepare(sample)
    except SampleFault as fault:
        return Unusable(fault.message)
    except RunFault:
        raise
    except Exception as problem:  # noqa: BLE001 - one bad sample fails that sample alone
        return Unusable(f"{type(problem).__name__}: {problem}")
