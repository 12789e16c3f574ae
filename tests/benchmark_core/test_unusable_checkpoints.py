"""Models that cannot be used, in every task: what their run says of them."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark_core.contract import TaskName
from benchmark_core.faults import HubFault, ModelFault
from benchmark_core.tasks import registry as tasks
from demo.hub_layout import rewrite_json
from tests.support.task_runs import (  # noqa: F401
    T5,
    altered_copy,
    built_zoo,
    recipe_of,
    remove,
    task_spec,
    zoo,
)

BERT, VIT, BLIP = "demo/tiny-bert-classifier", "demo/tiny-vit", "demo/tiny-blip"
WHISPER, DRAWING = "demo/tiny-whisper", "demo/tiny-stable-diffusion"


def load(task: TaskName, model: str) -> None:
    recipe = recipe_of(task_spec(task, model))
    recipe.load_processor()
    recipe.load_model("cpu")


def become(model_type: str) -> Callable[[Path], None]:
    return lambda files: rewrite_json(files / "config.json", model_type=model_type)


def cut_in_half(pattern: str) -> Callable[[Path], None]:
    def alter(files: Path) -> None:
        for path in files.rglob(pattern):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return alter


def drop_class_head(files: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(files / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "classifier" not in name}
    assert len(kept) < len(weights)
    save_file(kept, files / "model.safetensors", metadata={"format": "pt"})


def drop_denoiser(files: Path) -> None:
    shutil.rmtree(files / "unet")


def name_an_unknown_pipeline(files: Path) -> None:
    rewrite_json(files / "model_index.json", _class_name="ZebraPipeline")


def refused(task: TaskName, model: str) -> ModelFault | HubFault:
    with pytest.raises((ModelFault, HubFault)) as caught:
        load(task, model)
    fault = caught.value
    assert model in fault.message
    assert "\n" not in fault.message
    assert len(fault.message) < 600
    assert fault.remedy
    return fault


WRONG_KIND: list[tuple[TaskName, str]] = [
    ("text_generation", VIT),
    ("summarization", BERT),
    ("question_answering", "demo/tiny-resnet"),
    ("text_classification", VIT),
    ("image_classification", BERT),
    ("image_classification", "demo/tiny-yolos"),
    ("object_detection", VIT),
    ("automatic_speech_recognition", BERT),
    ("image_captioning", VIT),
    ("image_captioning", BERT),
]


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(("task", "model"), WRONG_KIND)
def test_a_model_of_the_wrong_kind_is_refused_with_the_task(task: TaskName, model: str) -> None:
    fault = refused(task, model)
    said = f"{fault.message} {fault.remedy}".lower()
    assert task in said or task.replace("_", " ") in said
    assert "generates text" not in fault.remedy or task == "text_generation"


@pytest.mark.usefixtures("zoo")
def test_a_model_that_draws_nothing_is_refused_with_the_task() -> None:
    fault = refused("image_generation", BERT)
    assert "model_index.json" in fault.message
    assert "image" in f"{fault.message} {fault.remedy}"


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("text_generation", "demo/tiny-llama-reasoner"),
        ("summarization", T5),
        ("text_classification", BERT),
        ("image_classification", VIT),
        ("automatic_speech_recognition", WHISPER),
        ("image_captioning", BLIP),
        ("image_generation", DRAWING),
    ],
)
def test_a_checkpoint_without_weights_is_refused_with_the_file(
    zoo: Path,  # noqa: F811
    task: TaskName,
    model: str,
) -> None:
    fault = refused(task, altered_copy(zoo, model, remove("*.safetensors")))
    assert re.search(r"model\.(safetensors|bin)", fault.message)
    assert "file is missing" in fault.message


@pytest.mark.parametrize(
    ("task", "model"),
    [("text_classification", BERT), ("image_classification", VIT), ("image_generation", DRAWING)],
)
def test_damaged_weights_are_refused(
    zoo: Path,  # noqa: F811
    task: TaskName,
    model: str,
) -> None:
    fault = refused(task, altered_copy(zoo, model, cut_in_half("*.safetensors")))
    assert "weights file is damaged" in fault.message


def test_weights_that_would_be_made_up_are_refused(zoo: Path) -> None:  # noqa: F811
    fault = refused("text_classification", altered_copy(zoo, BERT, drop_class_head))
    assert "lacks 2 of the model's weights" in fault.message


@pytest.mark.parametrize(
    ("task", "model", "files", "part"),
    [
        ("text_generation", "demo/tiny-llama-reasoner", ("tokenizer*.json",), "tokenizer"),
        ("summarization", T5, ("tokenizer*.json",), "tokenizer"),
        ("text_classification", BERT, ("tokenizer*.json",), "tokenizer"),
        ("sentence_similarity", "demo/tiny-bert-similarity", ("tokenizer*.json",), "tokenizer"),
        ("image_classification", VIT, ("preprocessor_config.json",), "image processor"),
        ("object_detection", "demo/tiny-detr", ("preprocessor_config.json",), "image processor"),
        ("automatic_speech_recognition", WHISPER, ("processor_config.json",), "processor"),
        ("image_captioning", BLIP, ("processor_config.json",), "processor"),
    ],
)
def test_a_missing_processor_is_refused_with_its_remedy(
    zoo: Path,  # noqa: F811
    task: TaskName,
    model: str,
    files: tuple[str, ...],
    part: str,
) -> None:
    fault = refused(task, altered_copy(zoo, model, remove(*files)))
    assert f"the {part}" in fault.message
    assert "missing" in fault.message
    assert "Processor" in fault.remedy


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("text_generation", "demo/tiny-llama-reasoner"),
        ("summarization", T5),
        ("text_classification", BERT),
        ("image_classification", VIT),
        ("object_detection", "demo/tiny-detr"),
        ("automatic_speech_recognition", WHISPER),
        ("image_captioning", BLIP),
    ],
)
def test_an_unknown_model_type_is_refused(
    zoo: Path,  # noqa: F811
    task: TaskName,
    model: str,
) -> None:
    fault = refused(task, altered_copy(zoo, model, become("zebra")))
    assert "architecture is unknown" in fault.message
    assert "zebra" in fault.message


def test_an_unknown_pipeline_is_refused(zoo: Path) -> None:  # noqa: F811
    fault = refused("image_generation", altered_copy(zoo, DRAWING, name_an_unknown_pipeline))
    assert "ZebraPipeline" in fault.message


def test_a_part_of_a_pipeline_that_is_missing_is_refused(zoo: Path) -> None:  # noqa: F811
    fault = refused("image_generation", altered_copy(zoo, DRAWING, drop_denoiser))
    assert "file is missing" in fault.message


@pytest.mark.parametrize(
    ("task", "model", "file"),
    [
        ("text_classification", BERT, "config.json"),
        ("image_generation", DRAWING, "model_index.json"),
    ],
)
def test_a_damaged_config_is_refused(
    zoo: Path,  # noqa: F811
    task: TaskName,
    model: str,
    file: str,
) -> None:
    broken = altered_copy(zoo, model, lambda files: (files / file).write_text(json.dumps({})[:1]))
    assert "JSON file of it is damaged" in refused(task, broken).message


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("task", tasks.TASKS)
def test_a_model_that_is_not_cached_offline_says_so(task: TaskName) -> None:
    fault = refused(task, "demo/absent")
    assert isinstance(fault, HubFault)
    assert "not in the local cache" in fault.message
    assert "HF_HUB_OFFLINE" in fault.remedy
