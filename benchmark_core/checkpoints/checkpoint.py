"""One model at one commit: its processor, its weights, and the facts of what was loaded."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from benchmark_core.checkpoints.faults import told_as_model_faults
from benchmark_core.checkpoints.loading import (
    check_loaded,
    check_quantization,
    check_still_quantized,
    chosen_dtype,
    placement,
    quantization_method,
    refuse_wordless,
    runs_own_code,
    template_sha256,
    weights_device,
    weights_dtype,
)
from benchmark_core.contract import Kind, RunSpec
from benchmark_core.faults import ModelFault
from benchmark_core.hub import repository_text, resolved_commit
from benchmark_core.recipe import LoadedModel


class Checkpoint:
    """All files come from one commit, so that a branch that moves is never mixed.

    Everything raises ModelFault for a model that cannot be used, with the remedy.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self._model = spec.model
        self._precision = spec.precision
        self._gpu_count = spec.device.gpu_count

    @property
    def id(self) -> str:
        return self._model.id

    @property
    def name(self) -> str:
        """As messages name it."""
        revision = self._model.revision
        return self._model.id if revision is None else f"{self._model.id} at revision {revision}"

    @cached_property
    def commit(self) -> str | None:
        with told_as_model_faults(self.name, "its revision"):
            return resolved_commit(self._model.id, self._model.revision, "model")

    @cached_property
    def processor_commit(self) -> str | None:
        """That of the processor's own repository, where it is another model's."""
        other = self._model.processor
        if other is None:
            return self.commit
        with told_as_model_faults(other, "its revision"):
            return resolved_commit(other, None, "model")

    @cached_property
    def config(self) -> Any:
        from transformers import AutoConfig

        with told_as_model_faults(self.name, "its config.json"):
            return AutoConfig.from_pretrained(
                self._model.id,
                revision=self.commit,
                trust_remote_code=self._model.trust_remote_code,
            )

    def processor(self, auto_class: str) -> Any:
        """The tokenizer or processor, by the name of a class such as AutoTokenizer."""
        import transformers

        name = self._model.processor or self.name
        with told_as_model_faults(name, PROCESSORS[auto_class]):
            processor = getattr(transformers, auto_class).from_pretrained(
                self._model.processor or self._model.id,
                revision=self.processor_commit,
                trust_remote_code=self._model.trust_remote_code,
                **BACKENDS.get(auto_class, {}),
            )
        refuse_wordless(name, processor)
        return processor

    def model(self, auto_classes: Sequence[str], device: str) -> Any:
        """The weights, by the first of the classes that takes the checkpoint's config."""
        config = self.config
        check_quantization(self._model, config)
        method = quantization_method(config)
        with told_as_model_faults(self.name, "the model"):
            model, loading = _fitting(auto_classes, config).from_pretrained(
                self._model.id,
                config=config,
                revision=self.commit,
                trust_remote_code=self._model.trust_remote_code,
                dtype=chosen_dtype(self._precision, config),
                output_loading_info=True,
                **placement(self._gpu_count, device),
            )
        check_loaded(self.name, model, loading)
        check_still_quantized(self.name, model, method)
        return model.eval()

    @property
    def _task(self) -> str:
        return self.spec.task.replace("_", " ")

    def is_of(self, auto_class: str) -> bool:
        """Whether the class takes the checkpoint's config."""
        import transformers

        return type(self.config) in getattr(transformers, auto_class)._model_mapping

    def refuse_other_kind(self, auto_classes: Sequence[str]) -> None:
        """Raises ModelFault where none of the classes takes the checkpoint's config."""
        own_code = getattr(self.config, "auto_map", None) or {}
        if any(self.is_of(name) or name in own_code for name in auto_classes):
            return
        raise ModelFault(
            f"model {self.name}: it is no model for this task, {self._task}: its config.json says"
            f" {self.config.model_type}",
            f"Correct the row's task, or choose a model made for {self._task}.",
        )

    def refuse_encoder(self) -> None:
        """Raises ModelFault for one that fills gaps; it would be made to write, without sense."""
        if self.is_of("AutoModelForMaskedLM") and not getattr(self.config, "is_decoder", False):
            raise ModelFault(
                f"model {self.name}: it is no model for this task, {self._task}: a"
                f" {self.config.model_type} model reads a whole text and fills its gaps",
                f"Correct the row's task, or choose a model made for {self._task}.",
            )

    def text_file(self, file_name: str) -> str:
        """A small text file that lies beside the weights."""
        with told_as_model_faults(f"{self.name} ({file_name})", "the file"):
            return repository_text(self._model.id, file_name, self.commit)

    def describe(
        self, processor: Any, model: Any, kind: Kind, parts: Sequence[Any] = ()
    ) -> LoadedModel:
        """The facts of what was loaded. `parts` are those of a pipeline."""
        return LoadedModel(
            model_id=model.name_or_path,
            commit=self.commit,
            kind=kind,
            processor=_origin(processor) or self._model.processor or self._model.id,
            processor_commit=self.processor_commit,
            dtype=weights_dtype(model),
            quantization=quantization_method(model.config),
            attention=getattr(model.config, "_attn_implementation", None),
            ran_own_code=runs_own_code(model, model.config, processor, *parts),
            device=weights_device(model),
            template_sha256=template_sha256(processor),
        )


PROCESSORS = {
    "AutoTokenizer": "the tokenizer",
    "AutoFeatureExtractor": "the feature extractor",
    "AutoImageProcessor": "the image processor",
    "AutoProcessor": "the processor",
}

# Pillow prepares pictures everywhere. Left alone, the library takes torchvision where the image
# happens to bring it, and the same model costs something else there.
BACKENDS = {"AutoImageProcessor": {"backend": "pil"}, "AutoProcessor": {"backend": "pil"}}


def _fitting(auto_classes: Sequence[str], config: Any) -> Any:
    """The first class whose models the config describes; the first of all for one of its own code.

    Some text models exist only as image-and-text ones.
    """
    import transformers

    classes = [getattr(transformers, name) for name in auto_classes]
    return next((one for one in classes if type(config) in one._model_mapping), classes[0])


def _origin(processor: Any) -> str | None:
    """Whose processor it is, where it tells; one of several parts is told by its tokenizer."""
    parts = (processor, getattr(processor, "tokenizer", None))
    names = (getattr(part, "name_or_path", None) for part in parts)
    return next((name for name in names if name), None)
