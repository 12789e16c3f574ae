"""How a task's recipe asks transformers for a model, and what it finds in what it got."""

import hashlib
import json
from collections import Counter
from typing import Any

from benchmark_core.contract import DeviceKind, DeviceSpec, ModelSpec, Precision
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
    lacking = lacking_weights(model, loading)
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


def lacking_weights(model: Any, loading: dict[str, Any]) -> list[str]:
    """The weights that the checkpoint should have and has not, by what was told while loading.

    Weights that share another's numbers, and those that the library itself calculates, are not
    told as missing.
    """
    missing = sorted(str(key) for key in loading.get("missing_keys") or ())
    return [key for key in missing if not _made_without_loss(model, key)]


def _made_without_loss(model: Any, key: str) -> bool:
    """Whether published checkpoints lack this weight rightly.

    It is used in training alone, calculated and not learned, or what a bare model makes of its
    output for a task that is not ours.
    """
    place, _, name = key.rpartition(".")
    # Models put together of two hold a bare one as their encoder, of which they read the features.
    of_two = getattr(model.config, "model_type", "").endswith("encoder-decoder")
    bare = place.removeprefix("encoder.") if of_two else place
    if name == "masked_spec_embed" or bare.partition(".")[0] == "pooler":
        return True
    # Not every weight lies in a module of its own name: a quantized one has parts.
    return "Sinusoidal" in type(dict(model.named_modules()).get(place)).__name__


def refuse_wordless(name: str, processor: Any) -> None:
    """Refuses a tokenizer that knows nothing but its marks.

    Raises:
        ModelFault: transformers makes such a one where a repository has no files of a tokenizer.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    if not hasattr(tokenizer, "get_vocab"):
        return
    # Some put the mark of a word's beginning into every vocabulary.
    if len(set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)) < 2:
        raise ModelFault(
            f"model {name}: the tokenizer is missing or damaged: it knows no words",
            "Name another model's tokenizer in the catalog's Processor column.",
        )


def check_still_quantized(name: str, model: Any, method: str | None) -> None:
    """Refuses a model whose quantization, `method` in the checkpoint, was undone while loading.

    Raises:
        ModelFault: transformers does that where it lacks a package or the device a feature.
    """
    if method is not None and quantization_method(model.config) is None:
        raise ModelFault(
            f"model {name} is quantized ({method}), and was unpacked to {weights_dtype(model)}"
            " while it was loaded: other energy than that of the quantized model",
            "See the log for what is missing: a package in the image, or a newer GPU.",
        )


def weights_device(model: Any) -> DeviceSpec:
    """What the weights lie on. Weights partly outside GPUs are on the CPU, however many GPUs."""
    devices = {weight.device for weight in model.parameters()}
    on_gpus = {device for device in devices if device.type == "cuda"}
    kind: DeviceKind = "cuda" if on_gpus == devices else "cpu"
    return DeviceSpec(kind=kind, gpu_count=len(on_gpus))


def weights_dtype(model: Any) -> str:
    """The floating-point type of most weights; some models keep a few of theirs in another."""
    sizes: Counter[str] = Counter()
    for weight in model.parameters():
        if weight.is_floating_point():
            sizes[str(weight.dtype).removeprefix("torch.")] += weight.numel()
    return max(sizes, key=sizes.__getitem__, default="unknown")


# Under these names transformers and diffusers import the program code of repositories.
OWN_CODE = ("transformers_modules", "diffusers_modules")


def runs_own_code(*parts: Any) -> bool:
    """Whether any of them is made by program code from a model's repository."""
    return any(type(part).__module__.partition(".")[0] in OWN_CODE for part in parts)


def template_sha256(processor: Any) -> str | None:
    """Of the chat template as the tokenizer holds it; None where it has none."""
    template = getattr(processor, "chat_template", None)
    if not template:
        return None
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
