"""How a task's recipe asks transformers for a model, and what it checks of what it got."""

from typing import Any

from benchmark_core.contract import ModelSpec, Precision
from benchmark_core.faults import MemoryFault, ModelFault


def quantization_method(config: Any) -> str | None:
    """The method of the checkpoint's own quantization, None when it is not quantized."""
    found = getattr(config, "quantization_config", None)
    if found is None:
        return None
    settings = found if isinstance(found, dict) else found.to_dict()
    method = settings.get("quant_method", "unnamed")
    return str(getattr(method, "value", method))


def check_quantization(model: ModelSpec, config: Any) -> None:
    """Raises ModelFault when the row names a quantization the checkpoint does not have."""
    method = quantization_method(config)
    if model.quantization is None or model.quantization.casefold() == (method or "").casefold():
        return
    raise ModelFault(
        f"model {model.id}: quantization {model.quantization} was asked for, the checkpoint has"
        f" {method or 'none'}",
        "Name a checkpoint that is quantized that way, or empty the row's Quantization.",
    )


def chosen_dtype(precision: Precision, config: Any) -> Any:
    """The dtype to load with. A quantized checkpoint keeps its own, whatever was asked."""
    import torch

    if precision == "auto" or quantization_method(config) is not None:
        return "auto"
    return {"float16": torch.float16, "float32": torch.float32}[precision]


def placement(gpu_count: int, device: str) -> dict[str, Any]:
    """Where the weights go: all on `device`, or spread over the first `gpu_count` GPUs alone."""
    import torch

    if device == "cpu":
        return {}
    if gpu_count <= 1:
        return {"device_map": {"": device}}
    free_bytes = {index: torch.cuda.mem_get_info(index)[0] for index in range(gpu_count)}
    return {"device_map": "auto", "max_memory": free_bytes}


def check_loaded(name: str, model: Any, loading: dict[str, Any]) -> None:
    """Refuses a model that is not whole on the GPUs, or whose weights were partly made up.

    Raises:
        ModelFault: the checkpoint lacks weights, which transformers fills with random numbers.
        MemoryFault: parts of the model were left in main memory or on disk.
    """
    lacking = sorted(str(key) for key in loading.get("missing_keys") or ())
    if lacking:
        raise ModelFault(
            f"model {name}: the checkpoint lacks {len(lacking)} of the model's weights,"
            f" {lacking[0]} among them",
            "Use a checkpoint made for this task.",
        )
    places = set(getattr(model, "hf_device_map", {}).values())
    if len(places) > 1 and places & {"cpu", "disk"}:
        raise MemoryFault(
            f"model {name} does not fit into the memory of the GPUs of this run",
            "Give it more GPUs (--gpus-per-run, or the catalog's GPUs column).",
        )
