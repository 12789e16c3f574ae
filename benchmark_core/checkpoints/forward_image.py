"""Models that look at a picture in a single forward pass."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.media import read_image
from benchmark_core.recipe import Encoded, Sample


class ForwardImage(PlainRecipe):
    """The picture stands in the column `image`; it is converted to RGB first."""

    kind = "forward"
    processor_class = "AutoImageProcessor"

    def __init__(self, checkpoint: Checkpoint, model_class: str) -> None:
        super().__init__(checkpoint)
        self.model_classes = (model_class,)

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        return Encoded(inputs=dict(processor(read_image(sample["image"]), return_tensors="pt")))
