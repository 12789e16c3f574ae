"""Summarization: a text in; encoder-decoder models read it in one forward pass, or generate."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.forward_text import ForwardText
from benchmark_core.checkpoints.text_to_text import ONE_TEXT, TextToText, is_text_to_text
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    """Models that are told their task in words generate; all others are run forward once."""

    def choose(checkpoint: Checkpoint) -> Recipe:
        if is_text_to_text(checkpoint):
            return TextToText(checkpoint, "summarize: {text}", ONE_TEXT)
        return ForwardText(checkpoint, ("text",), ("AutoModelForSeq2SeqLM",))

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
