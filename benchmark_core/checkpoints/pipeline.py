"""A pipeline of several models that draws pictures, seen as one model."""

import inspect
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.faults import FETCH_AGAIN, LEAVE_OUT, told_as_model_faults
from benchmark_core.checkpoints.loading import check_quantization, lacking_weights
from benchmark_core.faults import HubFault, ModelFault

# A model that was loaded, and what its library tells of that.
Told = tuple[Any, dict[str, Any]]


class Pipeline:
    """Called with the inputs of a sample, it draws one picture."""

    def __init__(self, pipeline: Any, name: str) -> None:
        self._pipeline = pipeline
        self.name_or_path = name
        # Its models have configs of their own; the first quantized one speaks for all.
        settings = (
            getattr(getattr(part, "config", None), "quantization_config", None)
            for part in self._models()
        )
        self.config = SimpleNamespace(
            quantization_config=next((found for found in settings if found is not None), None)
        )

    def __call__(self, *, num_inference_steps: int, **inputs: Any) -> Any:
        return self._pipeline(
            **inputs, num_inference_steps=num_inference_steps, num_images_per_prompt=1
        )

    @property
    def parts(self) -> tuple[Any, ...]:
        """The pipeline inside, and all it is made of: models, tokenizers, a scheduler."""
        return (self._pipeline, *self._pipeline.components.values())

    def parameters(self) -> Iterator[Any]:
        """The weights of all its models."""
        for part in self._models():
            yield from part.parameters()

    def _models(self) -> Iterator[Any]:
        import torch

        return (part for part in self.parts if isinstance(part, torch.nn.Module))


def load_pipeline(checkpoint: Checkpoint, device: str) -> Pipeline:
    """By the class that diffusers has for text to image, else by the one the checkpoint names.

    Raises ModelFault.
    """
    import torch

    spec = checkpoint.spec
    several = spec.device.gpu_count > 1 and device != "cpu"
    settings: dict[str, Any] = {
        "revision": checkpoint.commit,
        "dtype": None if spec.precision == "auto" else getattr(torch, spec.precision),
        "trust_remote_code": spec.model.trust_remote_code,
        **({"device_map": "balanced"} if several else {}),
    }
    _refuse_missing_parts(checkpoint.name, _index(checkpoint))
    with told_as_model_faults(checkpoint.name, "the pipeline"):
        with _listening() as told:
            pipeline = _from_pretrained(checkpoint.id, settings)
        _refuse_made_up_weights(checkpoint.name, pipeline, told)
        if not several:
            pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    drawing = Pipeline(pipeline, checkpoint.id)
    check_quantization(spec.model, drawing.config)
    return drawing


def _from_pretrained(model_id: str, settings: dict[str, Any]) -> Any:
    import diffusers

    by_task: Any = diffusers.AutoPipelineForText2Image
    by_name: Any = diffusers.DiffusionPipeline
    try:
        return by_task.from_pretrained(model_id, **settings)
    except ValueError as error:
        if "AutoPipeline" not in str(error):
            raise
    return by_name.from_pretrained(model_id, **settings)


def _index(checkpoint: Checkpoint) -> dict[str, Any]:
    """Which class and which parts the checkpoint names.

    Raises ModelFault or HubFault: there is no pipeline, as far as can be seen from here.
    """
    try:
        text = checkpoint.text_file("model_index.json")
    except (ModelFault, HubFault) as fault:
        raise type(fault)(
            f"{fault.message}; without it, a model is none for image generation",
            f"Correct the row's task, or choose a pipeline. {fault.remedy}",
        ) from fault
    with told_as_model_faults(checkpoint.name, "its model_index.json"):
        return dict(json.loads(text))


def _refuse_missing_parts(name: str, index: dict[str, Any]) -> None:
    """Before any weights are fetched. Classes that diffusers does not know are left to it.

    Raises:
        ModelFault: the pipeline needs a further model, which is not in the repository.
    """
    import diffusers

    pipeline = str(index.get("_class_name"))
    own: Any = getattr(diffusers, pipeline, None)
    if not hasattr(own, "_optional_components"):
        return
    # A part that is left empty stands there as [null, null].
    present = {part for part, value in index.items() if value not in (None, [None, None])}
    needed = [
        parameter.name
        for parameter in inspect.signature(own.__init__).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    missing = [
        part for part in needed[1:] if part not in present and part not in own._optional_components
    ]
    if missing:
        raise ModelFault(
            f"model {name}: a {pipeline} needs parts that the repository does not have:"
            f" {', '.join(missing)}",
            LEAVE_OUT,
        )


@contextmanager
def _listening() -> Iterator[list[Told]]:
    """Collects what the libraries tell of every model that is loaded meanwhile.

    A pipeline loads its models without asking for it, so their loading is wrapped for that time.
    """
    import diffusers
    import transformers

    told: list[Told] = []
    with ExitStack() as stack:
        for base in (diffusers.ModelMixin, transformers.PreTrainedModel):
            stack.enter_context(_wrapped(base, told))
        yield told


@contextmanager
def _wrapped(base: Any, told: list[Told]) -> Iterator[None]:
    original = vars(base)["from_pretrained"]

    def from_pretrained(cls: Any, *arguments: Any, **settings: Any) -> Any:
        asked = settings.pop("output_loading_info", False)
        found = original.__func__(cls, *arguments, output_loading_info=True, **settings)
        told.append(found)
        return found if asked else found[0]

    base.from_pretrained = classmethod(from_pretrained)
    try:
        yield
    finally:
        base.from_pretrained = original


def _refuse_made_up_weights(name: str, pipeline: Any, told: list[Told]) -> None:
    """Raises ModelFault: a model of the pipeline lacks weights, and would run on random numbers."""
    names = {id(part): part_name for part_name, part in pipeline.components.items()}
    for model, loading in told:
        lacking = lacking_weights(model, loading)
        if lacking:
            part = names.get(id(model), type(model).__name__)
            raise ModelFault(
                f"model {name}: the checkpoint lacks {len(lacking)} of the weights of its {part},"
                f" {lacking[0]} among them",
                FETCH_AGAIN,
            )
