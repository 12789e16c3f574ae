"""What the worker is told: a spec in the words of optimum-benchmark. Pure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_core.carbon import WORLD
from benchmark_core.checkpoints.text_to_text import MODEL_TYPES
from benchmark_core.contract import RunSpec, TaskName
from benchmark_core.tasks import registry as tasks

TASKS: dict[TaskName, str] = {
    "text_generation": "text-generation",
    "summarization": "summarization",
    "question_answering": "question-answering",
    "text_classification": "text-classification",
    "sentence_similarity": "sentence-similarity",
    "image_classification": "image-classification",
    "object_detection": "object-detection",
    "image_captioning": "image-to-text",
    "image_generation": "text-to-image",
}
TOLD_IN_WORDS = "text2text-generation"
WORDS: dict[TaskName, dict[str, str]] = {
    "text_generation": {"t5_task": "text_generation"},
    "summarization": {"t5_task": "summarization", "dataset_prefix1": "summarize: "},
    "text_classification": {
        "t5_task": "text_classification",
        "dataset_prefix1": "sst2 sentence: ",
    },
    "question_answering": {
        "t5_task": "question_answering",
        "dataset_prefix1": "question: ",
        "dataset_prefix2": " context: ",
    },
}
"""How models that are told their task in words are told it."""


@dataclass(frozen=True)
class Commits:
    """Of the model and of its processor; None for a local folder, which has none."""

    model: str | None
    processor: str | None


def worker_order(
    spec: RunSpec,
    commits: Commits,
    dataset: Path,
    samples: int,
    gpu_indices: tuple[int, ...],
    region: str,
) -> dict[str, Any]:
    """The order as JSON data. `dataset` is the folder with the `samples` samples.

    `gpu_indices` are the driver's numbers of the GPUs, because optimum-benchmark makes them
    CUDA_VISIBLE_DEVICES and gives them to CodeCarbon too; empty on the CPU.
    """
    words = WORDS.get(spec.task)
    columns = tasks.get(spec.task).columns
    return {
        "country": None if region == WORLD else region,
        "backend": _backend(spec, commits, gpu_indices),
        "scenario": _scenario(spec, dataset, samples),
        "text_columns": [column.name for column in columns if column.media == "text"]
        if spec.steps is None
        else [],
        "told_in_words": {
            "model_types": sorted(MODEL_TYPES),
            "task": TOLD_IN_WORDS,
            "scenario": words,
        }
        if words
        else None,
    }


def _backend(spec: RunSpec, commits: Commits, gpu_indices: tuple[int, ...]) -> dict[str, Any]:
    model = spec.model
    draws = spec.steps is not None
    asked: dict[str, Any] = {
        "model": model.id,
        "task": TASKS[spec.task],
        # Named, because it would ask the hub for them, which an offline run cannot.
        "library": "diffusers" if draws else "transformers",
        "device": spec.device.kind,
        "device_ids": ",".join(map(str, gpu_indices)) or None,
        "device_map": "auto" if len(gpu_indices) > 1 else None,
        "torch_dtype": spec.precision,
        "no_weights": False,
        "model_kwargs": _files(commits.model, model.trust_remote_code, draws),
    }
    if not draws:
        # Without any of its own, the processor of another model would get this one's commit.
        asked["processor"] = model.processor or model.id
        asked["processor_kwargs"] = _files(commits.processor, model.trust_remote_code, draws)
    return asked


def _files(commit: str | None, trust_remote_code: bool, draws: bool) -> dict[str, Any]:
    files: dict[str, Any] = {} if commit is None else {"revision": commit}
    # Left open, transformers asks the user about it; a pipeline passes it on to its parts.
    return (
        files
        if draws and not trust_remote_code
        else files | {"trust_remote_code": trust_remote_code}
    )


def _scenario(spec: RunSpec, dataset: Path, samples: int) -> dict[str, Any]:
    (first, *_) = tasks.get(spec.task).columns
    asked: dict[str, Any] = {
        "dataset_name": str(dataset),
        "dataset_config": "default",
        "dataset_split": "train",
        # Always a number: its -1 prepares all samples and measures none.
        "num_samples": samples,
        "input_shapes": {"batch_size": spec.batch_size},
        "energy": True,
        "latency": True,
        "memory": False,
    }
    if spec.steps is not None:
        return asked | {
            "text_column_name": first.name,
            "call_kwargs": {"num_inference_steps": spec.steps},
        }
    if spec.limits is not None:
        asked["generate_kwargs"] = spec.limits.model_dump()
    return asked
