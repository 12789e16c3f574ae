"""Text generation: a prompt in, greedy tokens out.

How long a prompt may be:

- The user's text is cut to 2,048 tokens before it is rendered; the template is never cut.
- The whole prompt leaves room for the tokens that must follow, in the positions the model has: ten
  for a row that does not reason, one for a row that does. Where the template pushes the prompt
  over that, the user's text is cut further. A config without max_position_embeddings at its top
  level counts as one of 512 positions for rows that do not reason, as in the published method; a
  row that reasons has no such bound then.
- A prompt that was cut either way is counted as cut.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from benchmark_core.backends.base import Encoded, LoadedModel, MeasuredPass, Recipe, Sample
from benchmark_core.contract import (
    PhaseName,
    Precision,
    RunSpec,
    TaskName,
    TokenLimits,
)
from benchmark_core.faults import SampleFault
from benchmark_core.hub import repository_text, resolved_commit
from benchmark_core.report import Phase, Window
from benchmark_core.tasks.base import Kind, Prompts, RenderedPrompt, passes_of, phases_of
from benchmark_core.tasks.model_faults import told_as_model_faults
from benchmark_core.tasks.model_loading import (
    check_loaded,
    check_quantization,
    check_still_quantized,
    chosen_dtype,
    placement,
    quantization_method,
    runs_own_code,
    template_sha256,
    weights_device,
    weights_dtype,
)

USER_TEXT_TOKENS = 2048
POSITIONS_WHEN_UNSTATED = 512

_REASONING = TokenLimits(max_new_tokens=8192, min_new_tokens=1)
_PLAIN = TokenLimits(max_new_tokens=10, min_new_tokens=10)


class TextGeneration:
    name: TaskName = "text_generation"
    kind: Kind = "generate"
    dataset_id = "AIEnergyScore/text_generation"
    columns = ("text",)
    precision: Precision = "float16"

    def limits(self, reasons: bool) -> TokenLimits:
        return _REASONING if reasons else _PLAIN

    def passes(self, limits: TokenLimits | None) -> tuple[MeasuredPass, ...]:
        return passes_of(self.kind, limits)

    def phases(self, windows: Sequence[Window]) -> dict[PhaseName, Phase]:
        return phases_of(self.kind, windows)

    def recipe(self, spec: RunSpec, prompts: Prompts) -> Recipe:
        return TextGenerationRecipe(spec, prompts)


class TextGenerationRecipe:
    """Loads a causal language model and its tokenizer, all files from one commit."""

    def __init__(self, spec: RunSpec, prompts: Prompts) -> None:
        self._spec = spec
        self._model = spec.model
        self._prompts = prompts

    def load_processor(self) -> Any:
        """The tokenizer, which pads with its end-of-text token when it has none for padding.

        The prompts are settled with it, before the weights are fetched.
        """
        from transformers import AutoTokenizer

        other = self._model.processor
        with told_as_model_faults(other or self._name(), "the tokenizer"):
            tokenizer = AutoTokenizer.from_pretrained(
                other or self._model.id,
                revision=None if other else self._commit,
                trust_remote_code=self._model.trust_remote_code,
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._prompts.settle(tokenizer, self._read_file)
        return tokenizer

    def load_model(self, device: str) -> Any:
        config = self._checkpoint_config()
        check_quantization(self._model, config)
        method = quantization_method(config)
        with told_as_model_faults(self._name(), "the model"):
            model, loading = _model_class(config).from_pretrained(
                self._model.id,
                config=config,
                revision=self._commit,
                trust_remote_code=self._model.trust_remote_code,
                dtype=chosen_dtype(self._spec.precision, config),
                output_loading_info=True,
                **placement(self._spec.device.gpu_count, device),
            )
        check_loaded(self._name(), model, loading)
        check_still_quantized(self._name(), model, method)
        return model.eval()

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        """The prompt as token ids, shape (1, prompt tokens). Raises SampleFault."""
        text, cut = cut_text(processor, str(sample["text"]), USER_TEXT_TOKENS)
        room = self._room(model.config)
        prompt, inputs = self._tokenised(processor, text)
        while room is not None and _length(inputs) > room:
            own_tokens = len(_token_ids(processor, text))
            text, cut = cut_text(processor, text, own_tokens - (_length(inputs) - room))
            if not text:
                raise SampleFault(
                    f"the chat template alone is longer than the {room} tokens of prompt that"
                    f" {self._model.id} takes",
                    "Leave this row out: the model is too small for its own template.",
                )
            prompt, inputs = self._tokenised(processor, text)
        return Encoded(
            inputs=inputs,
            prompt_tokens=_length(inputs),
            cut=cut,
            form=prompt.form,
            template_kwargs=prompt.template_kwargs,
        )

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        return LoadedModel(
            model_id=model.name_or_path,
            commit=self._commit,
            processor=processor.name_or_path,
            dtype=weights_dtype(model),
            quantization=quantization_method(model.config),
            attention=getattr(model.config, "_attn_implementation", None),
            ran_own_code=runs_own_code(model, model.config, processor),
            device=weights_device(model),
            template_sha256=template_sha256(processor),
        )

    def _name(self) -> str:
        revision = self._model.revision
        return self._model.id if revision is None else f"{self._model.id} at revision {revision}"

    @cached_property
    def _commit(self) -> str | None:
        """The commit to take every file from, so that a branch that moves is never mixed."""
        with told_as_model_faults(self._name(), "its revision"):
            return resolved_commit(self._model.id, self._model.revision, "model")

    def _checkpoint_config(self) -> Any:
        from transformers import AutoConfig

        with told_as_model_faults(self._name(), "its config.json"):
            return AutoConfig.from_pretrained(
                self._model.id,
                revision=self._commit,
                trust_remote_code=self._model.trust_remote_code,
            )

    def _read_file(self, name: str) -> str:
        with told_as_model_faults(f"{self._name()} ({name})", "the file"):
            return repository_text(self._model.id, name, self._commit)

    def _room(self, config: Any) -> int | None:
        """The longest prompt in tokens, None when the model sets no bound."""
        limits = self._spec.limits or _PLAIN
        reasons = limits.max_new_tokens > _PLAIN.max_new_tokens
        unstated = None if reasons else POSITIONS_WHEN_UNSTATED
        positions = getattr(config, "max_position_embeddings", None) or unstated
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
                f"a prompt has no tokens for the tokenizer of {self._model.id}: {text[:60]!r}",
                "Take it out of the prompts.",
            )
        return prompt, dict(encoded)


def cut_text(tokenizer: Any, text: str, tokens: int) -> tuple[str, bool]:
    """The beginning of `text` that is at most `tokens` tokens long, and whether that cut it."""
    ids = _token_ids(tokenizer, text)
    if len(ids) <= tokens:
        return text, False
    if tokens <= 0:
        return "", True
    if not getattr(tokenizer, "is_fast", False):
        kept = tokenizer.decode(ids[:tokens], clean_up_tokenization_spaces=False)
        return kept, True
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    # A character can be spread over several tokens; one that is not kept whole is dropped.
    return text[: min(spans[tokens - 1][1], spans[tokens][0])], True


def _token_ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _length(inputs: dict[str, Any]) -> int:
    return int(inputs["input_ids"].shape[-1])


def _model_class(config: Any) -> Any:
    """The Auto class that takes this config: some text models exist only as image-and-text ones."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    kind = type(config)
    if kind in AutoModelForCausalLM._model_mapping:
        return AutoModelForCausalLM
    if kind in AutoModelForImageTextToText._model_mapping:
        return AutoModelForImageTextToText
    return AutoModelForCausalLM
