"""Models as their tasks load them: by which class, in which precision, with whose processor."""

from pathlib import Path
from typing import Any

import pytest

from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.contract import DeviceSpec, Kind, ModelSpec, TaskName
from benchmark_core.recipe import LoadedModel
from benchmark_core.tasks import registry as tasks
from tests.support.task_runs import (  # noqa: F401
    T5,
    VARIANTS,
    Variant,
    altered_copy,
    built_zoo,
    halve,
    recipe_of,
    remove,
    task_spec,
    zoo,
)

BERT, VIT, BLIP = "demo/tiny-bert-classifier", "demo/tiny-vit", "demo/tiny-blip"
WHISPER, CTC, DRAWING = "demo/tiny-whisper", "demo/tiny-wav2vec2", "demo/tiny-stable-diffusion"


def load(task: TaskName, model: str | ModelSpec, **changes: Any) -> tuple[Any, LoadedModel]:
    recipe = recipe_of(task_spec(task, model, **changes))
    processor = recipe.load_processor()
    weights = recipe.load_model("cpu")
    return weights, recipe.describe(processor, weights)


def commit_of(zoo: Path, model: str) -> str:  # noqa: F811
    return (zoo / f"models--{model.replace('/', '--')}" / "refs" / "main").read_text()


# ---------------------------------------------------------------- what is loaded

CLASSES: dict[tuple[TaskName, str], str] = {
    ("text_generation", "demo/tiny-llama-reasoner"): "LlamaForCausalLM",
    ("text_generation", T5): "T5ForConditionalGeneration",
    ("summarization", "demo/tiny-bart"): "BartForConditionalGeneration",
    ("question_answering", "demo/tiny-bert-qa"): "BertForQuestionAnswering",
    ("question_answering", T5): "T5ForConditionalGeneration",
    ("text_classification", BERT): "BertForSequenceClassification",
    ("sentence_similarity", "demo/tiny-bert-similarity"): "BertModel",
    ("image_classification", VIT): "ViTForImageClassification",
    ("object_detection", "demo/tiny-detr"): "DetrForObjectDetection",
    ("automatic_speech_recognition", WHISPER): "WhisperForConditionalGeneration",
    ("automatic_speech_recognition", CTC): "Wav2Vec2ForCTC",
    ("image_captioning", BLIP): "BlipForConditionalGeneration",
    ("image_captioning", "demo/tiny-git"): "GitForCausalLM",
    ("image_generation", DRAWING): "Pipeline",
}


@pytest.mark.parametrize(("key", "name"), CLASSES.items(), ids=" ".join)
def test_a_task_loads_the_class_made_for_it(
    zoo: Path,  # noqa: F811
    key: tuple[TaskName, str],
    name: str,
) -> None:
    task, model = key
    weights, _ = load(task, model)
    assert type(weights).__name__ == name
    assert not getattr(weights, "training", False)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_what_was_loaded_is_described(zoo: Path, variant: Variant) -> None:  # noqa: F811
    _, loaded = load(variant.task, variant.model)
    assert loaded.kind == variant.kind
    assert loaded.kind in tasks.get(variant.task).kinds
    assert loaded.model_id == loaded.processor == variant.model
    assert loaded.commit == loaded.processor_commit == commit_of(zoo, variant.model)
    assert loaded.dtype == variant.precision
    assert loaded.device == DeviceSpec(kind="cpu", gpu_count=0)
    assert loaded.quantization is None
    assert not loaded.ran_own_code


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("demo/tiny-llama-reasoner", "LlamaForCausalLM"),
        (BLIP, "BlipForConditionalGeneration"),
    ],
)
def test_a_text_model_may_exist_as_an_image_and_text_one_alone(model: str, found: str) -> None:
    checkpoint = Checkpoint(task_spec("text_generation", model))
    classes = ("AutoModelForCausalLM", "AutoModelForImageTextToText")
    assert type(checkpoint.model(classes, "cpu")).__name__ == found
    assert checkpoint.is_of("AutoModelForImageTextToText") == (model == BLIP)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("model_type", "kind"),
    [("t5", "generate"), ("mt5", "generate"), ("bart", "forward")],
)
def test_which_models_are_told_their_task_in_words(model_type: str, kind: Kind) -> None:
    """Only the config is read for it."""
    from transformers import AutoConfig

    from benchmark_core.checkpoints.text_to_text import is_text_to_text

    checkpoint = Checkpoint(task_spec("summarization", "demo/any"))
    checkpoint.__dict__["config"] = AutoConfig.for_model(model_type)
    assert is_text_to_text(checkpoint) == (kind == "generate")


@pytest.mark.usefixtures("zoo")
def test_another_models_processor_can_be_named(zoo: Path) -> None:  # noqa: F811
    bare = altered_copy(zoo, BERT, remove("tokenizer*.json"))
    other = "demo/tiny-bert-qa"
    _, loaded = load("text_classification", ModelSpec(id=bare, processor=other))
    assert (loaded.model_id, loaded.processor) == (bare, other)
    assert loaded.processor_commit == commit_of(zoo, other)
    assert loaded.commit == commit_of(zoo, bare)


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_the_precision_of_the_task_holds_whatever_the_checkpoint_was_saved_in(
    zoo: Path,  # noqa: F811
    variant: Variant,
) -> None:
    half = altered_copy(zoo, variant.model, halve)
    weights, loaded = load(variant.task, half)
    assert loaded.dtype == variant.precision
    others = [
        weight.numel()
        for weight in weights.parameters()
        if str(weight.dtype) != f"torch.{variant.precision}"
    ]
    # The library itself keeps one layer of this architecture in full precision, of each block.
    kept = 2 if (variant.model, variant.precision) == (T5, "float16") else 0
    assert len(others) == kept


@pytest.mark.parametrize("variant", VARIANTS[:-1], ids=lambda one: one.name)
def test_auto_is_what_the_checkpoint_was_saved_in(
    zoo: Path,  # noqa: F811
    variant: Variant,
) -> None:
    half = altered_copy(zoo, variant.model, halve)
    assert load(variant.task, half, precision="auto")[1].dtype == "float16"
    if variant.model != "demo/tiny-bert-similarity":
        assert load(variant.task, variant.model, precision="auto")[1].dtype == "float32"
