"""What the recipes of most tasks share: a checkpoint, the class of its weights, its processor."""

from typing import Any, ClassVar

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.contract import Kind
from benchmark_core.recipe import LoadedModel


class PlainRecipe:
    """A recipe without `encode`. Subclasses name classes of transformers, by their names."""

    kind: ClassVar[Kind]
    processor_class: ClassVar[str]
    model_classes: tuple[str, ...]
    kept_settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._spec = checkpoint.spec

    def load_processor(self) -> Any:
        self._checkpoint.refuse_other_kind(self.model_classes)
        return self._checkpoint.processor(self.processor_class)

    def load_model(self, device: str) -> Any:
        return self._checkpoint.model(self.model_classes, device)

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        return self._checkpoint.describe(processor, model, self.kind)
