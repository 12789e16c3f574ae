"""Encoder-decoder models that are told their task by a few words before the text."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.checkpoints.texts import encoded_texts
from benchmark_core.recipe import Encoded, Sample

MODEL_TYPES = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers"})
"""The models that were trained on such words, as their configs spell them."""

ONE_TEXT, TWO_TEXTS, PLAIN_TEXT = 510, 508, 502
"""Tokens that an input may have: 512 less two for each text, or less ten that must follow it."""


class TextToText(PlainRecipe):
    """`template` puts the columns of a sample into the words; what is over `limit` is cut."""

    kind = "generate"
    processor_class = "AutoTokenizer"
    model_classes = ("AutoModelForSeq2SeqLM",)

    def __init__(self, checkpoint: Checkpoint, template: str, limit: int) -> None:
        super().__init__(checkpoint)
        self._template = template
        self._limit = limit

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        text = self._template.format_map(sample)
        return encoded_texts(processor, (text,), self._limit, echoed_tokens=1)


def is_text_to_text(checkpoint: Checkpoint) -> bool:
    return checkpoint.config.model_type in MODEL_TYPES
