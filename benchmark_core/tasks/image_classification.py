"""Image classification: a picture in, a score for each class out."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.forward_image import ForwardImage
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    return ForwardImage(Checkpoint(spec), "AutoModelForImageClassification")


TASK = Task(
    name="image_classification",
    spellings=("image_classification",),
    pipeline_tag="image-classification",
    dataset_id="AIEnergyScore/image_classification",
    columns=(Column("image", "image"),),
    kinds=("forward",),
    recipe=make_recipe,
)
