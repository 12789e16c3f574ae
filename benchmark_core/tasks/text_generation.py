"""Text generation: a prompt in, greedy tokens out.

How long a prompt may be:

- In a row that reasons, the user's text is cut to 2,048 tokens; the template is never cut.
- The whole prompt leaves room for the tokens that must follow, in the positions the model has: ten
  for a row that does not reason, one for a row that does. Where the template pushes the prompt
  over that, the user's text is cut further. A config without max_position_embeddings at its top
  level counts as one of 512 positions for rows that do not reason, as in the published method; a
  row that reasons has no such bound then.
- A prompt that was cut either way is counted as cut.
"""

from functools import cached_property
from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.checkpoints.text_to_text import PLAIN_TEXT, TextToText, is_text_to_text
from benchmark_core.checkpoints.texts import (
    POSITIONS_WHEN_UNSTATED,
    padded_with_end,
    stated_positions,
)
from benchmark_core.contract import RunSpec
from benchmark_core.faults import SampleFault
from benchmark_core.media import Column
from benchmark_core.recipe import Encoded, Recipe, Sample
from benchmark_core.tasks.base import Prompts, RenderedPrompt, Task

USER_TEXT_TOKENS = 2048
NEW_TOKENS = 10


class CausalText(PlainRecipe):
    """Loads a causal language model and its tokenizer."""

    kind = "generate"
    processor_class = "AutoTokenizer"
    # Some text models exist only as image-and-text ones.
    model_classes = ("AutoModelForCausalLM", "AutoModelForImageTextToText")

    def __init__(self, checkpoint: Checkpoint, prompts: Prompts) -> None:
        super().__init__(checkpoint)
        self._prompts = prompts

    def load_processor(self) -> Any:
        """The tokenizer. The prompts are settled with it, before the weights are fetched."""
        self._checkpoint.refuse_encoder()
        tokenizer = padded_with_end(super().load_processor())
        self._prompts.settle(tokenizer, self._checkpoint.text_file)
        return tokenizer

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        """The prompt as token ids, shape (1, prompt tokens). Raises SampleFault."""
        text, cut = str(sample["text"]), False
        prompt, inputs = self._tokenised(processor, text)
        # A prompt of no more tokens than that holds no longer text.
        if self._reasons and _length(inputs) > USER_TEXT_TOKENS:
            text, cut = cut_text(processor, text, USER_TEXT_TOKENS)
            if cut:
                prompt, inputs = self._tokenised(processor, text)
        room = self._room
        while room is not None and _length(inputs) > room:
            text, cut = cut_text(processor, text, room - _length(inputs))
            if not text:
                raise SampleFault(
                    f"the chat template alone is longer than the {room} tokens of prompt that"
                    f" {self._checkpoint.id} takes",
                    "Leave this row out: the model is too small for its own template.",
                )
            prompt, inputs = self._tokenised(processor, text)
        return Encoded(
            inputs=inputs,
            prompt_tokens=_length(inputs),
            echoed_tokens=_length(inputs),
            cut=cut,
            form=prompt.form,
            template_kwargs=prompt.template_kwargs,
            text=prompt.text,
            messages=prompt.messages,
            own_format=prompt.own_format,
            template_day=prompt.template_day,
        )

    @property
    def _reasons(self) -> bool:
        """Whether the row has the limits of one that reasons."""
        limits = self._spec.limits
        return limits is not None and limits.max_new_tokens > limits.min_new_tokens

    @cached_property
    def _room(self) -> int | None:
        """The longest prompt in tokens, None when the model sets no bound.

        By the checkpoint's own config: of some with several parts the text part alone is loaded,
        and would state positions that the published method does not see.
        """
        limits = self._spec.limits
        if limits is None:
            return None
        unstated = None if self._reasons else POSITIONS_WHEN_UNSTATED
        positions = stated_positions(self._checkpoint.config) or unstated
        return None if positions is None else positions - limits.min_new_tokens

    def _tokenised(self, tokenizer: Any, text: str) -> tuple[RenderedPrompt, dict[str, Any]]:
        prompt = self._prompts.make(text)
        encoded = tokenizer(
            prompt.text,
            add_special_tokens=prompt.form == "raw",
            return_tensors="pt",
            return_token_type_ids=False,
        )
        if encoded["input_ids"].shape[-1] == 0:
            raise SampleFault(
                f"a prompt has no tokens for the tokenizer of {self._checkpoint.id}: {text[:60]!r}",
                "Take it out of the prompts.",
            )
        return prompt, dict(encoded)


class ContinuedText(TextToText):
    """An encoder-decoder model that goes on without being told a task; it has no chat."""

    def __init__(self, checkpoint: Checkpoint, prompts: Prompts) -> None:
        super().__init__(checkpoint, "{text}", PLAIN_TEXT)
        self._prompts = prompts

    def load_processor(self) -> Any:
        tokenizer = super().load_processor()
        self._prompts.settle(tokenizer, self._checkpoint.text_file)
        return tokenizer


def cut_text(tokenizer: Any, text: str, tokens: int) -> tuple[str, bool]:
    """The beginning of `text` that is at most `tokens` tokens long, and whether that cut it.

    Below zero, `tokens` is how many fewer it shall have than it has.
    """
    is_fast = getattr(tokenizer, "is_fast", False)
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=is_fast, verbose=False
    )
    ids = encoded["input_ids"]
    kept = tokens if tokens >= 0 else max(len(ids) + tokens, 0)
    if len(ids) <= kept:
        return text, False
    if kept == 0:
        return "", True
    if not is_fast:
        return tokenizer.decode(ids[:kept], clean_up_tokenization_spaces=False), True
    spans = encoded["offset_mapping"]
    # A character can be spread over several tokens; one that is not kept whole is dropped.
    return text[: min(spans[kept - 1][1], spans[kept][0])], True


def _length(inputs: dict[str, Any]) -> int:
    return int(inputs["input_ids"].shape[-1])


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    def choose(checkpoint: Checkpoint) -> Recipe:
        if is_text_to_text(checkpoint):
            return ContinuedText(checkpoint, prompts)
        return CausalText(checkpoint, prompts)

    return ChosenRecipe(spec, choose)


TASK = Task(
    name="text_generation",
    spellings=("text_gen", "text_generation"),
    pipeline_tag="text-generation",
    dataset_id="AIEnergyScore/text_generation",
    columns=(Column("text"),),
    kinds=("generate",),
    recipe=make_recipe,
    precision="float16",
    new_tokens=NEW_TOKENS,
    has_classes=True,
    can_reason=True,
)
