"""One way to run each model of the zoo: through the library's own classes, nothing of ours between.

A run takes the model's id and its task's samples and gives a tensor.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def media(folder: Path) -> list[Path]:
    with (folder / "metadata.csv").open(newline="") as file:
        return [folder / row["file_name"] for row in csv.DictReader(file)]


def load(auto_class: str, model_id: str, **settings: Any) -> Any:
    import torch
    import transformers

    return getattr(transformers, auto_class).from_pretrained(
        model_id, **{"dtype": torch.float32, **settings}
    )


def processor_of(auto_class: str, model_id: str) -> Any:
    import transformers

    return getattr(transformers, auto_class).from_pretrained(model_id)


def written(model: Any, inputs: Any, count: int) -> Any:
    """What a model generates in exactly `count` new tokens, whatever its checkpoint would do."""
    return model.generate(
        **inputs, min_new_tokens=count, max_new_tokens=count, do_sample=False, num_beams=1
    )


def write_on(model_id: str, path: Path) -> Any:
    model = load("AutoModelForCausalLM", model_id)
    tokenizer = processor_of("AutoTokenizer", model_id)
    inputs = tokenizer(rows(path)[0]["text"], return_tensors="pt")
    output = written(model, inputs, 10)
    assert output.shape == (1, inputs["input_ids"].shape[1] + 10)
    return output


def write_by_prefix(model_id: str, path: Path) -> Any:
    model = load("AutoModelForSeq2SeqLM", model_id)
    tokenizer = processor_of("AutoTokenizer", model_id)
    text = "summarize: " + rows(path)[0]["text"]
    inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=510)
    output = written(model, inputs, 10)
    assert output.shape == (1, 1 + 10)
    return output


def forward_text(auto_class: str, columns: tuple[str, ...], field: str) -> Callable[..., Any]:
    def run(model_id: str, path: Path) -> Any:
        model = load(auto_class, model_id)
        tokenizer = processor_of("AutoTokenizer", model_id)
        row = rows(path)[0]
        longest = model.config.max_position_embeddings
        texts = [row[column] for column in columns]
        inputs = tokenizer(*texts, return_tensors="pt", truncation=True, max_length=longest)
        return getattr(model(**inputs), field)

    return run


def forward_image(auto_class: str) -> Callable[..., Any]:
    def run(model_id: str, folder: Path) -> Any:
        import torch
        from PIL import Image

        model = load(auto_class, model_id)
        processor = processor_of("AutoImageProcessor", model_id)
        outputs = []
        for path in media(folder):
            inputs = processor(Image.open(path).convert("RGB"), return_tensors="pt")
            outputs.append(model(**inputs).logits)
        assert not torch.equal(outputs[0], outputs[1])
        return torch.cat(outputs)

    return run


def caption(model_id: str, folder: Path) -> Any:
    import torch
    from PIL import Image

    model = load("AutoModelForImageTextToText", model_id)
    processor = processor_of("AutoProcessor", model_id)
    outputs = []
    for path in media(folder):
        inputs = processor(images=Image.open(path).convert("RGB"), return_tensors="pt")
        outputs.append(written(model, inputs, 100))
    output = torch.cat(outputs)
    assert output.shape == (6, 1 + 100)
    return output


def heard(model_id: str, folder: Path) -> Any:
    import soundfile

    sound, rate = soundfile.read(folder / "chord.wav", dtype="float32")
    processor = processor_of("AutoProcessor", model_id)
    return processor(sound, sampling_rate=rate, return_tensors="pt")


def transcribe(model_id: str, folder: Path) -> Any:
    model = load("AutoModelForSpeechSeq2Seq", model_id)
    output = written(model, heard(model_id, folder), 100)
    assert output.shape == (1, 100)
    return output


def spell(model_id: str, folder: Path) -> Any:
    with pytest.raises(ValueError, match="Unrecognized configuration class"):
        load("AutoModelForSpeechSeq2Seq", model_id)
    return load("AutoModelForCTC", model_id)(**heard(model_id, folder)).logits


def draw(model_id: str, path: Path) -> Any:
    import numpy as np
    import torch
    from diffusers import AutoPipelineForText2Image

    pipeline = AutoPipelineForText2Image.from_pretrained(model_id, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    dice = torch.Generator().manual_seed(1)
    images = pipeline(prompt=rows(path)[0]["prompt"], num_inference_steps=30, generator=dice).images
    assert len(images) == 1
    assert len(np.unique(images[0])) > 16, "an image of almost one colour is no image"
    return torch.from_numpy(np.asarray(images[0]).copy())


classified = forward_text("AutoModelForSequenceClassification", ("text",), "logits")
VARIANTS: dict[str, tuple[str, Callable[..., Any], tuple[int, ...]]] = {
    "demo/tiny-llama-reasoner": ("text_generation", write_on, ()),
    "demo/tiny-gpt2-reasoner": ("text_generation", write_on, ()),
    "demo/tiny-bart": (
        "summarization",
        forward_text("AutoModelForSeq2SeqLM", ("text",), "logits"),
        (1, -1, 400),
    ),
    "demo/tiny-t5": ("summarization", write_by_prefix, (1, 11)),
    "demo/tiny-bert-qa": (
        "question_answering",
        forward_text("AutoModelForQuestionAnswering", ("question", "context"), "start_logits"),
        (1, -1),
    ),
    "demo/tiny-distilbert-classifier": ("text_classification", classified, (1, 2)),
    "demo/tiny-bert-classifier": ("text_classification", classified, (1, 2)),
    "demo/tiny-bert-similarity": (
        "sentence_similarity",
        forward_text("AutoModel", ("sentence1", "sentence2"), "last_hidden_state"),
        (1, -1, 32),
    ),
    "demo/tiny-vit": (
        "image_classification",
        forward_image("AutoModelForImageClassification"),
        (6, 5),
    ),
    "demo/tiny-resnet": (
        "image_classification",
        forward_image("AutoModelForImageClassification"),
        (6, 5),
    ),
    "demo/tiny-yolos": (
        "object_detection",
        forward_image("AutoModelForObjectDetection"),
        (6, 5, 4),
    ),
    "demo/tiny-detr": ("object_detection", forward_image("AutoModelForObjectDetection"), (6, 6, 4)),
    "demo/tiny-whisper": ("automatic_speech_recognition", transcribe, (1, 100)),
    "demo/tiny-wav2vec2": ("automatic_speech_recognition", spell, (1, -1, 32)),
    "demo/tiny-blip": ("image_captioning", caption, (6, 101)),
    "demo/tiny-git": ("image_captioning", caption, (6, 101)),
    "demo/tiny-stable-diffusion": ("image_generation", draw, (16, 16, 3)),
}
"""By model: its task, how it is run, and the shape of what comes out; -1 is any size."""
