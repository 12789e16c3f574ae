"""The models that the loops are run on, tiny and of a usual size, and samples for them.

All weights are random. The files are such that older versions of the libraries load them too.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmark_core.contract import TaskName
from benchmark_core.tasks import registry as tasks
from benchmarks import random_model
from benchmarks.loop_rig.job import Job
from demo.hub_layout import rewrite_json
from demo.tiny_zoo import zoo_models
from demo.zoo_tokenizers import SENTENCES, save_word_pieces

MEDIUM = random_model.Size(hidden=512, layers=8)
TINY_LAYERS: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}
"""A few milliseconds a sample on one core."""
DISTINCT_IMAGES = 8
IMAGE_SIZE = (64, 48)
PIPELINE_PARTS = (
    "diffusers.UNet2DConditionModel",
    "diffusers.AutoencoderKL",
    "transformers.CLIPTextModel",
)


@dataclass(frozen=True)
class Subject:
    """A model of one task; `write` puts its files into an empty folder."""

    task: TaskName
    size: str
    write: Callable[[Path], None]
    architectures: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.task} {self.size}"


def make_job(subject: Subject, place: Path, samples: int) -> Job:
    """Model and samples, written into the empty folder `place`, with the settings of the task."""
    model = place / "model"
    model.mkdir(parents=True)
    subject.write(model)
    write_samples(place / "samples", subject.task, samples)
    task = tasks.get(subject.task)
    generates = task.kinds[0] == "generate"
    return Job(
        task=task.name,
        model=str(model),
        samples=str(place / "samples"),
        place=str(place),
        architectures=subject.architectures,
        precision=task.precision,
        new_tokens=task.new_tokens if generates else None,
        steps=task.steps,
    )


# ------------------------------------------------------------------ samples


def write_samples(folder: Path, task: TaskName, count: int) -> None:
    """Sentences in one file; or images, of which a few are drawn and have many names."""
    folder.mkdir()
    if task == "image_classification":
        _write_images(folder, count)
        return
    column = "prompt" if task == "image_generation" else "text"
    lines = (
        json.dumps({column: f"{number}. {SENTENCES[number % len(SENTENCES)]}"})
        for number in range(count)
    )
    (folder / "train.jsonl").write_text("".join(f"{line}\n" for line in lines))


def _write_images(folder: Path, count: int) -> None:
    from PIL import Image, ImageDraw

    width, height = IMAGE_SIZE
    for number in range(count):
        file = folder / f"{number:06}.png"
        if number >= DISTINCT_IMAGES:
            os.link(folder / f"{number % DISTINCT_IMAGES:06}.png", file)
            continue
        image = Image.new("RGB", IMAGE_SIZE, (30 * number, 90, 160))
        box = (4 + number, 4 + number, width - 4 * number - 4, height - 2 * number - 4)
        ImageDraw.Draw(image).ellipse(box, fill=(250, 200, 20 * number))
        image.save(file)


# ------------------------------------------------------------------ models


def _write_tiny(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        zoo_models()[f"demo/{name}"].write(folder)
        _make_plain(folder)

    return write


def _write_llama(folder: Path) -> None:
    hub = folder / "hub"
    random_model.build(hub, MEDIUM, "cpu")
    (snapshot,) = hub.glob("models--*/snapshots/*")
    for file in snapshot.iterdir():
        file.rename(folder / file.name)
    shutil.rmtree(hub)
    _make_plain(folder)


def _write_bert(folder: Path, **sizes: Any) -> None:
    """Of the size of BERT base unless told otherwise."""
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = save_word_pieces(folder, segments=True)
    make_config: Any = BertConfig
    make_network: Any = BertForSequenceClassification
    config = make_config(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **sizes)
    make_network(config).save_pretrained(folder)
    _make_plain(folder)


def _write_vit(folder: Path, side: int = 224, **sizes: Any) -> None:
    """Of the size of ViT base unless told otherwise; `side` is that of its pictures, in pixels."""
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.models.vit import ViTImageProcessorPil

    make_config: Any = ViTConfig
    make_network: Any = ViTForImageClassification
    config = make_config(num_labels=10, image_size=side, **sizes)
    make_network(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder)
    _make_plain(folder)


def _make_plain(folder: Path) -> None:
    """No chat template, no sampling, a token for padding, and names that older versions know."""
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.exists():
        content = json.loads(tokenizer.read_text())
        content.pop("chat_template", None)
        tokenizer.write_text(json.dumps({**content, "tokenizer_class": "PreTrainedTokenizerFast"}))
    generation = folder / "generation_config.json"
    if generation.exists():
        own = json.loads(generation.read_text())
        ids = {name: own[name] for name in ("bos_token_id", "eos_token_id")}
        generation.write_text(json.dumps({**ids, "pad_token_id": own["eos_token_id"]}))
    if (folder / "tokenizer" / "tokenizer.json").exists():
        _write_clip_files(folder / "tokenizer")
    images = folder / "preprocessor_config.json"
    if images.exists():
        name = json.loads(images.read_text())["image_processor_type"]
        rewrite_json(images, image_processor_type=name.removesuffix("Pil"))


def _write_clip_files(folder: Path) -> None:
    """Vocabulary and merges in files of their own, which is all that older versions read."""
    core = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(core["vocab"]))
    merges = "".join(f"{first} {second}\n" for first, second in core["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}")


SUBJECTS = (
    Subject(
        "text_generation",
        "tiny",
        _write_tiny("tiny-llama-reasoner"),
        ("transformers.LlamaForCausalLM",),
    ),
    Subject(
        "text_classification",
        "tiny",
        partial(_write_bert, **TINY_LAYERS),
        ("transformers.BertForSequenceClassification",),
    ),
    Subject(
        "image_classification",
        "tiny",
        partial(_write_vit, side=64, **TINY_LAYERS),
        ("transformers.ViTForImageClassification",),
    ),
    Subject(
        "image_generation",
        "tiny",
        _write_tiny("tiny-stable-diffusion"),
        PIPELINE_PARTS,
    ),
    Subject("text_generation", "medium", _write_llama, ("transformers.LlamaForCausalLM",)),
    Subject(
        "text_classification",
        "medium",
        _write_bert,
        ("transformers.BertForSequenceClassification",),
    ),
    Subject(
        "image_classification",
        "medium",
        _write_vit,
        ("transformers.ViTForImageClassification",),
    ),
)


def subject_named(name: str) -> Subject:
    return next(subject for subject in SUBJECTS if subject.name == name)
