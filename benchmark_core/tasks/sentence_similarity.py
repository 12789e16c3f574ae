"""Sentence similarity: two sentences as one sequence in, their features out."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.forward_text import ForwardText
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    return ForwardText(Checkpoint(spec), ("sentence1", "sentence2"), ("AutoModel",))


TASK = Task(
    name="sentence_similarity",
    spellings=("sentence_similarity",),
    pipeline_tag="sentence-similarity",
    dataset_id="AIEnergyScore/sentence_similarity",
    columns=(Column("sentence1"), Column("sentence2")),
    kinds=("forward",),
    recipe=make_recipe,
)
