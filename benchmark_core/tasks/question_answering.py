"""Extractive question answering: a question and a context in, where the answer stands out."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.choice import ChosenRecipe
from benchmark_core.checkpoints.forward_text import ForwardText
from benchmark_core.checkpoints.text_to_text import TWO_TEXTS, TextToText, is_text_to_text
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task

WORDS = "question: {question} context: {context}"


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    def choose(checkpoint: Checkpoint) -> Recipe:
        if is_text_to_text(checkpoint):
            return TextToText(checkpoint, WORDS, TWO_TEXTS)
        columns = ("question", "context")
        return ForwardText(checkpoint, columns, ("AutoModelForQuestionAnswering",))

    return ChosenRecipe(spec, choose)


TASK = Task(
    name="question_answering",
    spellings=("question_answering", "extractive_qa"),
    pipeline_tag="question-answering",
    dataset_id="AIEnergyScore/extractive_qa",
    columns=(Column("question"), Column("context")),
    kinds=("forward", "generate"),
    recipe=make_recipe,
    # The published method states no number for this task, so its default holds.
    new_tokens=100,
)
