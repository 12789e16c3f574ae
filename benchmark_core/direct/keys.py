"""The keys that users of the original write, and what each means for a run. Data.

A key of `SETTINGS` changes the run. One of `FIXED` stands in the original's config files and cannot
be changed here: it is taken where it says what holds anyway, and refused where it does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from benchmark_core.contract import BackendName, Effort, Precision
from benchmark_core.direct.values import (
    Reader,
    choice,
    read_count,
    read_devices,
    read_name,
    read_path,
    read_positive,
    read_text,
    read_truth,
)
from benchmark_core.tasks.base import Task


@dataclass(frozen=True)
class Key:
    """`field` is the wish of a run (`wishes.Wishes`) that it states; several keys may state one."""

    field: str
    read: Reader


@dataclass(frozen=True)
class Fixed:
    """`allowed` are the values that hold for a task, beside null, which means just those."""

    because: str
    allowed: Callable[[Task], tuple[object, ...]]


def _always(because: str, *values: object) -> Fixed:
    return Fixed(because, lambda task: values)


def _library(task: Task) -> tuple[object, ...]:
    return ("diffusers" if "call" in task.kinds else "transformers",)


def _columns(task: Task) -> tuple[object, ...]:
    return tuple(column.name for column in task.columns)


_EFFORT: Final = choice(*get_args(Effort), word="is no level")
_BACKEND: Final = choice(*get_args(BackendName))
_PRECISION: Final = choice(*get_args(Precision), word="is no precision that a run here can have")

REASONING: Final = {
    "scenario.reasoning": Key("thinking", read_truth),
    "scenario.reasoning_params.enable_thinking": Key("thinking", read_truth),
    "scenario.reasoning_params.thinking": Key("thinking", read_truth),
    "scenario.reasoning_params.reasoning_effort": Key("effort", _EFFORT),
}

SETTINGS: Final = {
    "backend.model": Key("model", read_name),
    "backend.processor": Key("processor", read_name),
    "backend.revision": Key("revision", read_text),
    "backend.model_kwargs.revision": Key("revision", read_text),
    "backend.trust_remote_code": Key("trust_remote_code", read_truth),
    "backend.model_kwargs.trust_remote_code": Key("trust_remote_code", read_truth),
    "backend.torch_dtype": Key("precision", _PRECISION),
    "backend.dtype": Key("precision", _PRECISION),
    "backend.name": Key("backend", _BACKEND),
    "backend.type": Key("backend", _BACKEND),
    "backend": Key("backend", _BACKEND),
    "backend.endpoint": Key("endpoint", read_text),
    "backend.device": Key("device", choice("cuda", "cpu")),
    "backend.device_ids": Key("device_ids", read_devices),
    "backend.task": Key("task", read_text),
    "scenario.task": Key("task", read_text),
    "scenario.num_samples": Key("num_samples", read_count),
    "scenario.prompts_file": Key("prompts_file", read_path),
    "scenario.dataset_dir": Key("dataset_dir", read_path),
    "scenario.dataset_name": Key("dataset_name", read_text),
    "scenario.dataset_revision": Key("dataset_revision", read_text),
    "scenario.generate_kwargs.max_new_tokens": Key("max_new_tokens", read_positive),
    "scenario.generate_kwargs.min_new_tokens": Key("min_new_tokens", read_positive),
    "scenario.call_kwargs.num_inference_steps": Key("steps", read_positive),
    **REASONING,
    "scenario.repetitions": Key("repetitions", read_positive),
    "scenario.iterations": Key("repetitions", read_positive),
}

_GREEDY: Final = "every token is the likeliest one"
_COLUMN: Final = "the columns are those of the task"
_ISOLATION: Final = "foreign programs on the GPUs are looked for in any case, and flag the run"

FIXED: Final = {
    "backend.library": Fixed("the task says which library runs it", _library),
    "backend.no_weights": _always("the model's own weights are run", False),
    "backend.device_map": _always("a model takes the GPUs of its run, and all of them", "auto"),
    "scenario": _always("there is one scenario", "energy_star"),
    "scenario.name": _always("there is one scenario", "energy_star"),
    "scenario.energy": _always("the energy is what is measured", True),
    "scenario.latency": _always("times are always taken", True),
    "scenario.memory": _always("memory is not measured", False),
    "scenario.warmup_runs": _always("the protocol warms up with ten runs", 10),
    "scenario.truncation": _always("what is too long for the model is cut", True),
    "scenario.input_shapes.batch_size": _always("one sample is run at a time", 1),
    "scenario.dataset_config": _always("each dataset has one config", "default"),
    "scenario.dataset_split": _always("each dataset has one split", "train"),
    "scenario.generate_kwargs.do_sample": _always(_GREEDY, False),
    "scenario.generate_kwargs.temperature": _always(_GREEDY, None),
    "scenario.generate_kwargs.top_p": _always(_GREEDY, None),
    "scenario.generate_kwargs.num_beams": _always("there is one beam", 1),
    "scenario.generate_kwargs.use_cache": _always("the cache is used", True),
    "scenario.call_kwargs.num_images_per_prompt": _always("each prompt gives one image", 1),
    "scenario.reasoning_params.use_prompt_based_reasoning": _always(
        "reasoning is asked for by the model's own means", False
    ),
    "scenario.text_column_name": Fixed(_COLUMN, _columns),
    "scenario.question_column_name": Fixed(_COLUMN, _columns),
    "scenario.context_column_name": Fixed(_COLUMN, _columns),
    "scenario.sentence1_column_name": Fixed(_COLUMN, _columns),
    "scenario.sentence2_column_name": Fixed(_COLUMN, _columns),
    "scenario.image_column_name": Fixed(_COLUMN, _columns),
    "scenario.audio_column_name": Fixed(_COLUMN, _columns),
    "scenario.prompt_column_name": Fixed(_COLUMN, _columns),
    "launcher": _always("a run is one process", "process", "inline"),
    "launcher.name": _always("a run is one process", "process", "inline"),
    "launcher.device_isolation": _always(_ISOLATION, True, False),
    "launcher.device_isolation_action": _always(_ISOLATION, "warn"),
}

LABELS: Final = ("name", "log_report", "print_report")
"""Names and printing, which measure nothing; any value will do."""

KNOWN: Final = (*SETTINGS, *FIXED, *LABELS)
