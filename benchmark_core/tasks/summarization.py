"""Summarization: a text in; encoder-decoder models read it in one forward pass, or generate."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.forward_text import ForwardText
from benchmark_core.checkpoints.text_to_text import ONE_TEXT, TextToText, is_text_to_text
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Encoded, Recipe, Sample
from benchmark_core.tasks.base import Prompts, Task


class ReadText(ForwardText):
    """The decoder reads the text too, shifted by one: what BART does itself, Pegasus wants told."""

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        encoded = super().encode(sample, processor, model)
        shifted = getattr(model, "prepare_decoder_input_ids_from_labels", None)
        if shifted is not None:
            encoded.inputs["decoder_input_ids"] = shifted(labels=encoded.inputs["input_ids"])
        return encoded


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    """Models that are told their task in words generate; all others are run forward once."""

    def choose(checkpoint: Checkpoint) -> Recipe:
        if is_text_to_text(checkpoint):
            return TextToText(checkpoint, "summarize: {text}", ONE_TEXT)
        return ReadText(checkpoint, ("text",), ("AutoModelForSeq2SeqLM",))

    return ChosenRecipe(spec, choose)


TASK = Task(
    name="summarization",
    spellings=("summarization",),
    pipeline_tag="summarization",
    dataset_id="AIEnergyScore/summarization",
    columns=(Column("text"),),
    kinds=("forward", "generate"),
    recipe=make_recipe,
    new_tokens=10,
)
