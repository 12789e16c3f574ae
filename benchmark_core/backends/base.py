"""What every backend offers, and what it may ask of a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmark_core.contract import DeviceSpec, FinishReason, PassName, PromptForm, TokenLimits

Sample = dict[str, Any]
Prepared = Any


@dataclass(frozen=True)
class Encoded:
    """One sample as the model takes it: keyword arguments, the prompt's length, how it was made.

    `form` is None for a task without prompts; `template_kwargs` are the switches that the chat
    template was given.
    """

    inputs: dict[str, Any]
    prompt_tokens: int
    cut: bool
    form: PromptForm | None
    template_kwargs: dict[str, bool | str]


@dataclass(frozen=True)
class LoadedModel:
    """What was really loaded, read from the loaded objects wherever they tell.

    `processor` is whose tokenizer it is, `device` what the weights lie on, `quantization` the
    method in force, and `ran_own_code` whether code from the model's repository was run.
    `gpu_uuids` are those of its GPUs, empty where the framework does not tell; `seed` is that of
    every random number.
    """

    model_id: str
    commit: str | None
    processor: str
    dtype: str
    quantization: str | None
    attention: str | None
    ran_own_code: bool
    device: DeviceSpec
    gpu_uuids: tuple[str, ...] = ()
    template_sha256: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Conditions:
    """Under which settings samples were really run: the last `preprocess` and the last `run`."""

    batch_size: int
    limits: TokenLimits | None
    prompt_form: PromptForm | None
    template_kwargs: dict[str, bool | str]
    prompts_cut: int


@dataclass(frozen=True)
class MeasuredPass:
    """One walk over all samples. `limits` is None where nothing is generated."""

    name: PassName
    limits: TokenLimits | None


@dataclass(frozen=True)
class SampleResult:
    """What came of one sample.

    `first_token_at` is when the model had worked through the prompt, on the monotonic clock; None
    where the backend does not know, and in passes that generate one token only. `token_ids` is what
    was generated, None where the backend does not see it; it is looked into after the window only.
    """

    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
    first_token_at: float | None = None
    token_ids: Sequence[int] | None = None


class Recipe(Protocol):
    """A task, as a backend that runs the model itself needs it."""

    def load_processor(self) -> Any:
        """The tokenizer or processor. Raises ModelFault."""

    def load_model(self, device: str) -> Any:
        """The model in evaluation mode on `device` (a torch device name). Raises ModelFault."""

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        """One sample as model inputs, batch of one, on the CPU. Raises SampleFault."""

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        """The facts of what was loaded."""


class Backend(Protocol):
    """Runs the samples of one task on one model."""

    def load(self) -> LoadedModel:
        """Bring the model up. Raises ModelFault or MemoryFault."""

    def preprocess(self, samples: Sequence[Sample]) -> Sequence[Prepared]:
        """Every sample as the model takes it; measured as a phase of its own."""

    def warm_up(self, prepared: Prepared, passes: Sequence[MeasuredPass]) -> None:
        """Run the first sample until times are steady; never counted."""

    def run(self, prepared: Prepared, step: MeasuredPass) -> SampleResult:
        """One sample of one pass. An exception other than RunFault fails that sample alone."""

    def synchronise(self) -> None:
        """Return when the device has finished all work given to it."""

    def conditions(self) -> Conditions:
        """The settings of the samples just run. Valid after the first `run`."""

    def close(self) -> None:
        """Give the device back."""
