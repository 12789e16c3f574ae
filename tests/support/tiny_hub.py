"""The demo's models as fixtures, and damaged or altered copies of them."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.backends.pytorch import PyTorchBackend
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    ModelSpec,
    RunSpec,
    SampleSource,
    TokenLimits,
)
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning.resolution import reasons
from benchmark_core.reasoning.states import parse_state
from benchmark_core.recipe import Recipe
from benchmark_core.tasks import registry as tasks
from demo.tiny_models import build_hub

LLAMA = "demo/tiny-llama-reasoner"
GPT2 = "demo/tiny-gpt2-reasoner"
ALTERED = "demo/altered"


@pytest.fixture(scope="session")
def built_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.getbasetemp() / "tiny_hub"
    build_hub(directory)
    return directory


@pytest.fixture
def tiny_hub(built_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache of the test's own, in force for this process, with the hub itself shut off."""
    from huggingface_hub import constants

    directory = tmp_path / "hub"
    shutil.copytree(built_hub, directory)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(directory))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return directory


def snapshot(hub: Path, model_id: str) -> Path:
    home = hub / f"models--{model_id.replace('/', '--')}"
    return home / "snapshots" / (home / "refs" / "main").read_text()


def altered_copy(hub: Path, of: str, alter: Callable[[Path], None], model_id: str = ALTERED) -> str:
    """A copy of a model under another id, its files changed by `alter`. Gives the id back."""
    source = hub / f"models--{of.replace('/', '--')}"
    shutil.copytree(source, hub / f"models--{model_id.replace('/', '--')}")
    alter(snapshot(hub, model_id))
    return model_id


def with_file(name: str, text: str) -> Callable[[Path], None]:
    """An alteration: a file with that text beside the weights."""

    def alter(files: Path) -> None:
        (files / name).write_text(text, encoding="utf-8")

    return alter


def with_template(template: str) -> Callable[[Path], None]:
    return with_file("chat_template.jinja", template)


def rewrite_json(path: Path, **settings: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def make_spec(
    model: str | ModelSpec = LLAMA,
    state: str | None = "On",
    limits: TokenLimits | None = None,
    **fields: Any,
) -> RunSpec:
    reasoning = parse_state(state) if state else None
    spec_of_model = ModelSpec(id=model) if isinstance(model, str) else model
    settings: dict[str, Any] = {
        "run_id": "tiny",
        "model": spec_of_model,
        "task": "text_generation",
        "reasoning": reasoning,
        "samples": SampleSource(dataset_id="org/data"),
        "limits": limits
        or tasks.get("text_generation").limits(reasons(spec_of_model.id, reasoning)),
        "precision": "float16",
        "backend": BackendSpec(name="pytorch"),
        "device": DeviceSpec(kind="cpu", gpu_count=0),
        "meters": (),
    }
    return RunSpec(**{**settings, **fields})


def make_recipe(spec: RunSpec) -> Recipe:
    return tasks.get(spec.task).recipe(spec, Prompts(spec.model.id, spec.reasoning))


def make_backend(spec: RunSpec) -> PyTorchBackend:
    return PyTorchBackend(spec, make_recipe(spec), Path(tempfile.gettempdir()))
