"""One run of optimum-benchmark's energy_star scenario. The Python that has it runs this file.

    worker.py ORDER PARENT

ORDER is a JSON file (`order.py`), PARENT the process without which nobody wants the figures. In the
present folder it leaves `benchmark_report.json`, as optimum-benchmark writes it, `findings.json`,
what was really loaded and run, read from the objects once all is measured, and CodeCarbon's files;
or `failure.json`. It imports nothing of this program, which that Python cannot see.
"""

import ctypes
import hashlib
import json
import logging
import os
import platform
import re
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

REPORT_FILE = "benchmark_report.json"
FINDINGS_FILE = "findings.json"
FAILURE_FILE = "failure.json"
PACKAGES = (
    *("accelerate", "codecarbon", "datasets", "diffusers", "nvidia-ml-py", "optimum-benchmark"),
    *("pillow", "torch", "transformers"),
)
OWN_CODE = ("transformers_modules", "diffusers_modules")
PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl."""


def main(arguments: Sequence[str]) -> int:
    order_path, parent = arguments
    _die_with(int(parent))
    try:
        findings = _measure(json.loads(Path(order_path).read_text(encoding="utf-8")))
    except BaseException as error:  # noqa: BLE001 - whatever came, the run is to be told
        traceback.print_exc()
        _write(FAILURE_FILE, {"type": type(error).__name__, "message": str(error)[:2000]})
        return 1
    _write(FINDINGS_FILE, findings)
    return 0


def _die_with(parent: int) -> None:
    """A worker whose run was killed would measure on for nobody, on GPUs that others get."""
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the run that asked for this is gone")


def _measure(order: dict[str, Any]) -> dict[str, Any]:
    logging.basicConfig(level=logging.INFO)
    _ignore_ambient_settings()
    _stay_offline(order["country"])
    from optimum_benchmark import EnergyStarConfig, PyTorchConfig
    from optimum_benchmark.backends.pytorch.backend import PyTorchBackend
    from optimum_benchmark.scenarios.energy_star.scenario import EnergyStarScenario

    asked, settings, words = order["backend"], order["scenario"], order["told_in_words"]
    model_type = _model_type(asked)
    told_in_words = words is not None and model_type in words["model_types"]
    if told_in_words:
        asked = asked | {"task": words["task"]}
        settings = settings | words["scenario"]
    backend = PyTorchBackend(PyTorchConfig(**asked, model_type=model_type))
    scenario = EnergyStarScenario(EnergyStarConfig(**settings))
    scenario.run(backend).save_json(REPORT_FILE)
    return {
        "model": _model_facts(backend),
        "processor": _processor_facts(backend),
        "ran": _ran(scenario, backend),
        "prompts": _prompts(scenario, backend, order["text_columns"], told_in_words),
        "tracker": _tracker(scenario.energy_tracker.emission_tracker),
        "packages": _packages(),
        "python_version": platform.python_version(),
    }


def _ignore_ambient_settings() -> None:
    """CodeCarbon's own files and variables would decide the figures without a word in a report."""
    from codecarbon import emissions_tracker

    module: Any = emissions_tracker
    module.get_hierarchical_config = dict


def _stay_offline(country: str | None) -> None:
    """Lead optimum-benchmark to its own fallback, CodeCarbon's offline tracker.

    The other one tells two web services where the machine is, for a CO2 figure that nobody reads.
    The energy is the same. Without a country the fallback takes its own, the USA.
    """
    from optimum_benchmark.trackers import energy

    def refuse(**settings: object) -> None:
        raise RuntimeError("this run asks no web service where it is")

    module: Any = energy
    module.EmissionsTracker = refuse
    if country is not None:
        os.environ["COUNTRY_ISO_CODE"] = country


def _model_type(asked: dict[str, Any]) -> str:
    """By the checkpoint's config; of a pipeline nothing depends on it."""
    if asked["library"] == "diffusers":
        return "pipeline"
    from transformers import AutoConfig

    return str(AutoConfig.from_pretrained(asked["model"], **asked["model_kwargs"]).model_type)


def _parts(model: Any) -> Iterator[Any]:
    """The modules with weights: the model itself, or those of a pipeline."""
    if hasattr(model, "parameters"):
        yield model
        return
    yield from (part for part in model.components.values() if hasattr(part, "parameters"))


def _model_facts(backend: Any) -> dict[str, Any]:
    import torch

    model = backend.pretrained_model
    weights = [weight for part in _parts(model) for weight in part.parameters()]
    sizes: Counter[str] = Counter()
    for weight in weights:
        if weight.is_floating_point():
            sizes[str(weight.dtype).removeprefix("torch.")] += weight.numel()
    devices = {weight.device for weight in weights}
    gpus = sorted(device.index or 0 for device in devices if device.type == "cuda")
    return {
        "name": str(getattr(model, "name_or_path", backend.config.model)),
        "commit": _commit(model),
        "dtype": max(sizes, key=sizes.__getitem__, default="unknown"),
        "device": "cuda" if gpus and len(gpus) == len(devices) else "cpu",
        "gpu_uuids": [f"GPU-{torch.cuda.get_device_properties(index).uuid}" for index in gpus],
        "attention": getattr(getattr(model, "config", None), "_attn_implementation", None),
        "quantization": _quantization(model),
        "ran_own_code": any(
            type(part).__module__.partition(".")[0] in OWN_CODE
            for part in (model, *_parts(model), backend.pretrained_processor)
        ),
        "seed": backend.config.seed,
    }


def _commit(model: Any) -> str | None:
    """As transformers notes it, or by the folder of the cache that a pipeline's part is from."""
    for part in _parts(model):
        config = part.config
        noted = getattr(config, "_commit_hash", None)
        if noted:
            return str(noted)
        origin = config.get("_name_or_path", "") if hasattr(config, "get") else ""
        found = re.search(r"/snapshots/([0-9a-f]{40})(/|$)", str(origin))
        if found:
            return found[1]
    return None


def _quantization(model: Any) -> str | None:
    found = getattr(getattr(model, "config", None), "quantization_config", None)
    if found is None:
        return None
    settings = found if isinstance(found, dict) else found.to_dict()
    method = settings.get("quant_method", "unnamed")
    return str(getattr(method, "value", method))


def _processor_facts(backend: Any) -> dict[str, Any]:
    processor = backend.pretrained_processor
    parts = (processor, getattr(processor, "tokenizer", None))
    names = (getattr(part, "name_or_path", None) for part in parts)
    template = getattr(processor, "chat_template", None)
    if template and not isinstance(template, str):
        template = json.dumps(template, sort_keys=True)
    return {
        "name": next((name for name in names if name), backend.config.processor),
        "template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else None,
    }


def _ran(scenario: Any, backend: Any) -> dict[str, Any]:
    """The settings in force, with optimum-benchmark's own defaults filled in."""
    config = scenario.config
    return {
        "task": backend.config.task,
        "samples": min(len(scenario.dataset), config.num_samples),
        "batch_size": config.input_shapes["batch_size"],
        "max_new_tokens": config.generate_kwargs.get("max_new_tokens"),
        "min_new_tokens": config.generate_kwargs.get("min_new_tokens"),
        "steps": config.call_kwargs.get("num_inference_steps"),
    }


def _prompts(
    scenario: Any, backend: Any, columns: Sequence[str], told_in_words: bool
) -> dict[str, Any]:
    """Tokens of the prompts as they were run, and how many of them had been cut."""
    if not columns:
        return {"tokens": None, "cut": 0}
    from datasets import load_dataset

    config = scenario.config
    lengths = [len(ids) for ids in scenario.dataset.with_format(None)["input_ids"]]
    rows = load_dataset(config.dataset_name, config.dataset_config, split=config.dataset_split)
    prefixes = (config.dataset_prefix1, config.dataset_prefix2)
    cut = 0
    for length, row in zip(lengths, rows, strict=True):
        texts = [row[column] for column in columns]
        if told_in_words:
            texts = ["".join(part for pair in zip(prefixes, texts) for part in pair)]  # noqa: B905
        whole = backend.pretrained_processor(*texts, truncation=False, verbose=False)
        cut += len(whole["input_ids"]) > length
    return {"tokens": sum(lengths), "cut": cut}


def _tracker(tracker: Any) -> dict[str, Any]:
    """What CodeCarbon tracks; it has no public way to tell."""
    parts = {type(part).__name__: part for part in tracker._hardware}
    cpu, gpu = parts.get("CPU"), parts.get("GPU")
    return {
        "cpu_mode": getattr(cpu, "_mode", None),
        "cpu_tdp_watts": getattr(cpu, "_tdp", None),
        "tracks_ram": "RAM" in parts,
        "gpus": len(getattr(gpu, "gpu_ids", None) or ()),
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _write(name: str, content: dict[str, Any]) -> None:
    Path(name).write_text(json.dumps(content, indent=2), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
