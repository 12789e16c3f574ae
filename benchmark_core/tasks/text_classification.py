"""Text classification: a text in, a score for each class out."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.forward_text import ForwardText
from benchmark_core.checkpoints.text_to_text import ONE_TEXT, TextToText, is_text_to_text
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    def choose(checkpoint: Checkpoint) -> Recipe:
        if is_text_to_text(checkpoint):
            return TextToText(checkpoint, "sst2 sentence: {text}", ONE_TEXT)
        return ForwardText(checkpoint, ("text",), ("AutoModelForSequenceClassification",))

    return ChosenRecipe(spec, choose)


TASK = Task(
    name="text_classification",
    spellings=("text_classification",),
    pipeline_tag="text-classification",
    dataset_id="AIEnergyScore/text_classification",
    columns=(Column("text"),),
    kinds=("forward", "generate"),
    recipe=make_recipe,
    new_tokens=10,
)
