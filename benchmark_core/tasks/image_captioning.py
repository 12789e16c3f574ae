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

    def load_processor(self) -> Any:
        processor = super().load_processor()
        # Of a repository that names no class for both, AutoProcessor gives the tokenizer alone.
        if hasattr(processor, "get_vocab"):
            return self._checkpoint.processor("AutoImageProcessor")
        return processor

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        inputs = dict(processor(images=read_image(sample["image"]), return_tensors="pt"))
        return Encoded(inputs=inputs, echoed_tokens=_echoed_tokens(inputs, model))


def _echoed_tokens(inputs: dict[str, Any], model: Any) -> int:
    """What stands before a caption: the start of the decoder, words of the processor, or a picture.

    BLIP-2 puts the picture's tokens before the start of a decoder that has no encoder.
    """
    if model.config.get_text_config().is_encoder_decoder:
        return 1
    if "input_ids" in inputs:
        return int(inputs["input_ids"].shape[-1])
    return 1 + getattr(model.config, "num_query_tokens", 0)


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
