"""Image generation: a prompt in, one picture out, drawn in 30 steps."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.pipeline import load_pipeline
from benchmark_core.contract import RunSpec
from benchmark_core.faults import ModelFault
from benchmark_core.media import Column
from benchmark_core.recipe import Encoded, LoadedModel, Recipe, Sample
from benchmark_core.tasks.base import Prompts, Task


class Drawing:
    """The pipeline has its own tokenizers and encoders, so there is no processor."""

    kept_settings: tuple[str, ...] = ()

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def load_processor(self) -> None:
        """There is none to load. Raises ModelFault where the row names one all the same."""
        if self._checkpoint.spec.model.processor:
            raise ModelFault(
                f"model {self._checkpoint.name}: a pipeline takes no processor but its own",
                "Empty the row's column Processor.",
            )

    def load_model(self, device: str) -> Any:
        return load_pipeline(self._checkpoint, device)

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        return Encoded(inputs={"prompt": str(sample["prompt"])})

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        return self._checkpoint.describe(processor, model, "call", model.parts)


def make_recipe(spec: RunSpec, prompts: Prompts) -> Recipe:
    return Drawing(Checkpoint(spec))


TASK = Task(
    name="image_generation",
    spellings=("image_gen", "image_generation", "text_to_image"),
    pipeline_tag="text-to-image",
    dataset_id="AIEnergyScore/image_generation",
    columns=(Column("prompt", aliases=("text",)),),
    kinds=("call",),
    recipe=make_recipe,
    steps=30,
)
