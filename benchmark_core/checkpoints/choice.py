"""A recipe that is chosen once the checkpoint's config is known: some tasks have two."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.contract import RunSpec
from benchmark_core.recipe import Encoded, LoadedModel, Recipe, Sample


class ChosenRecipe:
    """Asks nothing of the hub before the processor is loaded."""

    def __init__(self, spec: RunSpec, choose: Callable[[Checkpoint], Recipe]) -> None:
        self._spec = spec
        self._choose = choose

    @cached_property
    def _chosen(self) -> Recipe:
        return self._choose(Checkpoint(self._spec))

    @property
    def kept_settings(self) -> tuple[str, ...]:
        return self._chosen.kept_settings

    def load_processor(self) -> Any:
        return self._chosen.load_processor()

    def load_model(self, device: str) -> Any:
        return self._chosen.load_model(device)

    def encode(self, sample: Sample, processor: Any, model: Any) -> Encoded:
        return self._chosen.encode(sample, processor, model)

    def describe(self, processor: Any, model: Any) -> LoadedModel:
        return self._chosen.describe(processor, model)
