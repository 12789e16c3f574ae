"""Image captioning: a picture in, 100 tokens out."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.contract import RunSpec
from benchmark_core.media import Column, read_image
from benchmark_core.recipe import Encoded, Recipe, Sample
from benchmark_core.tasks.base import Prompts, Task


class Captioning(PlainRecipe):
    kind = "generate"
    processor_class = "AutoProcessor"
    model_classes = ("AutoModelForImageTextToText",)

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        inputs = dict(processor(images=read_image(sample["image"]), return_tensors="pt"))
        # What starts the decoder, or the words that the processor puts before the caption.
        echoed = int(inputs["input_ids"].shape[-1]) if "input_ids" in inputs else 1
        return Encoded(inputs=inputs, echoed_tokens=echoed)


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    return Captioning(Checkpoint(spec))


TASK = Task(
    name="image_captioning",
    spellings=("image_captioning", "image_caption", "image_to_text"),
    pipeline_tag="image-to-text",
    dataset_id="AIEnergyScore/image_captioning",
    columns=(Column("image", "image"),),
    kinds=("generate",),
    recipe=make_recipe,
    # The published method states no number for this task, so its default holds.
    new_tokens=100,
)
