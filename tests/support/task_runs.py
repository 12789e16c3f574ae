"""The demo's models of all tasks as fixtures, altered copies of them, and runs of one through its
task's own recipe."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.backends import registry as backends
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    Kind,
    Launch,
    ModelSpec,
    RunSpec,
    SampleSource,
    TaskName,
)
from benchmark_core.kinds import MeasuredPass, passes_of
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning.states import parse_state
from benchmark_core.recipe import Encoded, Recipe, Sample
from benchmark_core.sample_folder import samples_sha256
from benchmark_core.samples import load_samples
from benchmark_core.tasks import registry as tasks
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support.builders import NOW, launch

T5 = "demo/tiny-t5"


@dataclass(frozen=True)
class Variant:
    """A model of the zoo in one task, and what the method asks of it."""

    task: TaskName
    model: str
    kind: Kind
    new_tokens: int = 0
    precision: str = "float32"
    reads_text: bool = True

    @property
    def name(self) -> str:
        return f"{self.task} {self.model.removeprefix('demo/')}"


FP16 = "float16"
VARIANTS = (
    Variant("text_generation", "demo/tiny-llama-reasoner", "generate", 10, FP16),
    Variant("text_generation", "demo/tiny-gpt2-reasoner", "generate", 10, FP16),
    Variant("text_generation", T5, "generate", 10, FP16),
    Variant("summarization", "demo/tiny-bart", "forward"),
    Variant("summarization", T5, "generate", 10),
    Variant("question_answering", "demo/tiny-bert-qa", "forward"),
    Variant("question_answering", T5, "generate", 100),
    Variant("text_classification", "demo/tiny-distilbert-classifier", "forward"),
    Variant("text_classification", "demo/tiny-bert-classifier", "forward"),
    Variant("text_classification", T5, "generate", 10),
    Variant("sentence_similarity", "demo/tiny-bert-similarity", "forward"),
    Variant("image_classification", "demo/tiny-vit", "forward", reads_text=False),
    Variant("image_classification", "demo/tiny-resnet", "forward", reads_text=False),
    Variant("object_detection", "demo/tiny-yolos", "forward", reads_text=False),
    Variant("object_detection", "demo/tiny-detr", "forward", reads_text=False),
    Variant("automatic_speech_recognition", "demo/tiny-whisper", "generate", 100, reads_text=False),
    Variant("automatic_speech_recognition", "demo/tiny-wav2vec2", "forward", reads_text=False),
    Variant("image_captioning", "demo/tiny-blip", "generate", 100, reads_text=False),
    Variant("image_captioning", "demo/tiny-git", "generate", 100, reads_text=False),
    Variant("image_generation", "demo/tiny-stable-diffusion", "call", reads_text=False),
)
"""Every model of the zoo, and each task that some of them are told in words."""


def variant(task: TaskName, model: str) -> Variant:
    return next(one for one in VARIANTS if (one.task, one.model) == (task, model))


@pytest.fixture(scope="session")
def built_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.getbasetemp() / "task_zoo"
    build_zoo(directory)
    return directory


@pytest.fixture
def zoo(built_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache of the test's own, in force for this process, with the hub itself shut off."""
    from huggingface_hub import constants

    directory = tmp_path / "hub"
    shutil.copytree(built_zoo, directory)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(directory))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return directory


@pytest.fixture(scope="session")
def own_samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return dict(build_samples(tmp_path_factory.getbasetemp() / "task_samples"))


def read_samples(task: TaskName, path: Path) -> list[Sample]:
    """The samples in a file or folder, as a run of the task gets them."""
    source = SampleSource(folder_sha256=samples_sha256(path))
    launch = Launch(engine="none", launched_at=NOW, samples_path=str(path))
    spec = task_spec(task, "demo/any", samples=source)
    return list(load_samples(spec, launch, tasks.get(task).columns).samples)


def task_spec(task: TaskName, model: str | ModelSpec, **changes: Any) -> RunSpec:
    """What a row of the task asks for, on the CPU; text is generated in the state Off."""
    facts = tasks.get(task)
    fields: dict[str, Any] = {
        "run_id": "tiny",
        "model": ModelSpec(id=model) if isinstance(model, str) else model,
        "task": task,
        "reasoning": parse_state("Off") if facts.can_reason else None,
        "samples": SampleSource(dataset_id=facts.dataset_id),
        "limits": facts.limits(False),
        "steps": facts.steps,
        "precision": facts.precision,
        "backend": BackendSpec(name="pytorch"),
        "device": DeviceSpec(kind="cpu", gpu_count=0),
        "meters": (),
    }
    return RunSpec(**(fields | changes))


def recipe_of(spec: RunSpec) -> Recipe:
    return tasks.get(spec.task).recipe(spec, Prompts(spec.model.id, spec.reasoning))


class Encoder:
    """A task's recipe on one model with both loaded."""

    def __init__(self, task: TaskName, model: str) -> None:
        recipe = recipe_of(task_spec(task, model))
        self._recipe = recipe
        self.processor = recipe.load_processor()
        self.model = recipe.load_model("cpu")

    def __call__(self, **sample: Any) -> Encoded:
        return self._recipe.encode(sample, self.processor, self.model)

    def text(self, encoded: Encoded) -> str:
        """The tokens as words again."""
        return str(self.processor.decode(encoded.inputs["input_ids"][0]))


class Bench:
    """One spec's backend with its model loaded."""

    def __init__(self, spec: RunSpec, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        kind = tasks.get(spec.task).kinds[0]
        self.backend: Any = backends.create(spec, launch(), recipe_of(spec), kind, folder)
        self.loaded = self.backend.load()
        self.passes = passes_of(self.loaded.kind, spec.limits, spec.steps)

    @property
    def model(self) -> Any:
        """What the backend runs."""
        return self.backend._model

    @property
    def longest(self) -> MeasuredPass:
        return self.passes[-1]


def altered_copy(zoo: Path, of: str, alter: Callable[[Path], None], model_id: str = "") -> str:
    """A copy of a model under another id, its files changed by `alter`. Gives the id back."""
    model_id = model_id or f"demo/altered-{of.removeprefix('demo/')}"
    home = zoo / f"models--{model_id.replace('/', '--')}"
    shutil.copytree(zoo / f"models--{of.replace('/', '--')}", home)
    alter(home / "snapshots" / (home / "refs" / "main").read_text())
    return model_id


def halve(files: Path) -> None:
    """An alteration: every weight in half precision, as if it had been saved so."""
    import torch
    from safetensors.torch import load_file, save_file

    from demo.hub_layout import rewrite_json

    for path in sorted(files.rglob("*.safetensors")):
        weights = load_file(path)
        halves = {
            name: weight.half() if weight.dtype == torch.float32 else weight
            for name, weight in weights.items()
        }
        save_file(halves, path, metadata={"format": "pt"})
    if (files / "config.json").exists():
        rewrite_json(files / "config.json", dtype="float16")


def remove(*names: str) -> Callable[[Path], None]:
    """An alteration: these files, named by patterns, are gone."""

    def alter(files: Path) -> None:
        for name in names:
            found = list(files.rglob(name))
            assert found, f"{files} has no {name}"
            for path in found:
                path.unlink()

    return alter


Benches = Callable[..., tuple[Bench, list[Any]]]


@pytest.fixture
def bench_of(
    tmp_path: Path,
    own_samples: dict[str, Path],
) -> Benches:
    """Loads a variant, or another checkpoint in its place, and prepares two of its samples."""

    def make(one: Variant, model: str = "", **changes: Any) -> tuple[Bench, list[Any]]:
        bench = Bench(task_spec(one.task, model or one.model, **changes), tmp_path / "run")
        samples = read_samples(one.task, own_samples[one.task])[:2]
        return bench, list(bench.backend.preprocess(samples))

    return make
