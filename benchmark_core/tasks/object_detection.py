"""Object detection: a picture in, boxes and their classes out."""

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.forward_image import ForwardImage
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe
from benchmark_core.tasks.base import Prompts, Task


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    return ForwardImage(Checkpoint(spec), "AutoModelForObjectDetection")


TASK = Task(
    name="object_detection",
    spellings=("object_detection",),
    pipeline_tag="object-detection",
    dataset_id="AIEnergyScore/object_detection",
    columns=(Column("image", "image"),),
    kinds=("forward",),
    recipe=make_recipe,
)
