"""Models that read a text, or a pair of texts as one sequence, in a single forward pass."""

from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.plain_recipe import PlainRecipe
from benchmark_core.checkpoints.texts import (
    encoded_texts,
    most_tokens,
    padded_with_end,
    reserved_positions,
)
from benchmark_core.recipe import Encoded, Sample


class ForwardText(PlainRecipe):
    """`columns` are one text or two; what is over the positions of the model is cut."""

    kind = "forward"
    processor_class = "AutoTokenizer"

    def __init__(
        self, checkpoint: Checkpoint, columns: tuple[str, ...], model_classes: tuple[str, ...]
    ) -> None:
        super().__init__(checkpoint)
        self._columns = columns
        self.model_classes = model_classes
        self._reserved = 0

    def load_processor(self) -> Any:
        return padded_with_end(super().load_processor())

    def load_model(self, device: str) -> Any:
        model = super().load_model(device)
        self._reserved = reserved_positions(model)
        return model

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        texts = tuple(str(sample[column]) for column in self._columns)
        return encoded_texts(processor, texts, most_tokens(model.config) - self._reserved)
