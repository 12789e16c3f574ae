"""A pipeline of several models that draws pictures, seen as one model."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.checkpoints.faults import told_as_model_faults
from benchmark_core.checkpoints.loading import check_quantization
from benchmark_core.faults import ModelFault


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

    def parameters(self) -> Iterator[Any]:
        """The weights of all its models."""
        for part in self._models():
            yield from part.parameters()

    def _models(self) -> Iterator[Any]:
        import torch

        parts = self._pipeline.components.values()
        return (part for part in parts if isinstance(part, torch.nn.Module))


def load_pipeline(checkpoint: Checkpoint, device: str) -> Pipeline:
    """By the class that diffusers has for text to image, else by the one the checkpoint names.

    Raises ModelFault.
    """
    import diffusers
    import torch

    by_task: Any = diffusers.AutoPipelineForText2Image
    by_name: Any = diffusers.DiffusionPipeline
    spec = checkpoint.spec
    several = spec.device.gpu_count > 1 and device != "cpu"
    settings: dict[str, Any] = {
        "revision": checkpoint.commit,
        "dtype": None if spec.precision == "auto" else getattr(torch, spec.precision),
        "trust_remote_code": spec.model.trust_remote_code,
        **({"device_map": "balanced"} if several else {}),
    }
    _refuse_single_model(checkpoint)
    with told_as_model_faults(checkpoint.name, "the pipeline"):
        try:
            pipeline = by_task.from_pretrained(checkpoint.id, **settings)
        except ValueError as error:
            if "AutoPipeline" not in str(error):
                raise
            pipeline = by_name.from_pretrained(checkpoint.id, **settings)
        if not several:
            pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    drawing = Pipeline(pipeline, checkpoint.id)
    check_quantization(spec.model, drawing.config)
    return drawing


def _refuse_single_model(checkpoint: Checkpoint) -> None:
    """Raises ModelFault: the repository holds no pipeline, as far as can be seen from here."""
    try:
        checkpoint.text_file("model_index.json")
    except ModelFault as fault:
        raise ModelFault(
            f"{fault.message}; without it, a model is none for image generation",
            f"Correct the row's task, or choose a pipeline. {fault.remedy}",
        ) from fault
