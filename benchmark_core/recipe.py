"""What a task makes for a backend that runs the model itself: inputs, and a loaded model."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from benchmark_core.contract import DeviceSpec, Kind, PromptForm

Sample = dict[str, Any]


@dataclass(frozen=True)
class Encoded:
    """One sample as the model takes it: keyword arguments, and how they were made.

    `prompt_tokens` is None where the input is no text. The first `echoed_tokens` of a generated
    sequence are no new ones: the prompt, or what starts a decoder. `cut` says whether the input was
    shortened. `form` is None for a task without prompts; `template_kwargs` are the switches that
    the chat template was given. `text` and `messages` are for a server that renders and reads the
    prompt itself: the messages of a chat, None where there is none, and the prompt as a text.
    With `own_format` some servers render it in a way of their own. `template_day` is the day that
    the chat template took for today, None where it asks for none.
    """

    inputs: dict[str, Any]
    prompt_tokens: int | None = None
    echoed_tokens: int = 0
    cut: bool = False
    form: PromptForm | None = None
    template_kwargs: dict[str, bool | str] = field(default_factory=dict)
    text: str | None = None
    messages: tuple[dict[str, Any], ...] | None = None
    own_format: bool = False
    template_day: date | None = None


@dataclass(frozen=True)
class LoadedModel:
    """What was really loaded, read from the loaded objects wherever they tell.

    `kind` is how this checkpoint is run. `processor` is whose tokenizer or processor it is,
    `device` what the weights lie on, `quantization` the method in force, and `ran_own_code` whether
    code from the model's repository was run. `gpu_uuids` are those of its GPUs, empty where the
    framework does not tell; `seed` is that of every random number. Of a model that a server runs,
    named in `server`, nothing is known but its name: `dtype` and `device` are None then.
    `server_processes` are how many processes of that server compute on each GPU, by UUID, where
    that can be seen.
    """

    model_id: str
    commit: str | None
    kind: Kind
    processor: str
    processor_commit: str | None
    dtype: str | None
    quantization: str | None
    attention: str | None
    ran_own_code: bool
    device: DeviceSpec | None
    gpu_uuids: tuple[str, ...] = ()
    template_sha256: str | None = None
    seed: int | None = None
    server: str | None = None
    server_processes: dict[str, int] = field(default_factory=dict)


class Recipe(Protocol):
    """A task on one checkpoint, as a backend that runs the model itself needs it.

    `kept_settings` are those of the checkpoint's own generation settings without which it would not
    work; all others are set aside.
    """

    @property
    def kept_settings(self) -> tuple[str, ...]: ...

    def load_processor(self) -> Any:
        """The tokenizer or processor. Raises ModelFault."""

    def load_model(self, device: str) -> Any:
        """The model in evaluation mode on `device` (a torch device name). Raises ModelFault."""

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        """One sample as model inputs, batch of one, on the CPU. Raises SampleFault."""

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        """The facts of what was loaded."""
