"""What each task makes of an image or a sound: which pixels and features the model is given."""

import io
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.contract import TaskName
from tests.support.task_runs import (  # noqa: F401
    Encoder,
    built_zoo,
    own_samples,
    read_samples,
    zoo,
)

EYES = [
    ("image_classification", "demo/tiny-vit"),
    ("image_classification", "demo/tiny-resnet"),
    ("object_detection", "demo/tiny-yolos"),
    ("object_detection", "demo/tiny-detr"),
    ("image_captioning", "demo/tiny-blip"),
    ("image_captioning", "demo/tiny-git"),
]


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(("task", "model"), EYES)
def test_grey_palette_and_transparent_images_are_seen_in_colour(
    task: TaskName,
    model: str,
    own_samples: dict[str, Path],  # noqa: F811
) -> None:
    import torch
    from PIL import Image

    encode = Encoder(task, model)
    modes = set()
    for sample in read_samples(task, own_samples[task]):
        encoded = encode(**sample)
        image = Image.open(sample["image"]["path"])
        modes.add((image.mode, "transparency" in image.info))
        opaque = image.convert("RGBA").convert("RGB")
        expected = encode.processor(images=opaque, return_tensors="pt")
        assert encoded.inputs["pixel_values"].shape[:2] == (1, 3)
        assert set(encoded.inputs) == set(expected)
        for name, value in expected.items():
            assert torch.equal(encoded.inputs[name], value), name
        assert encoded.prompt_tokens is None
        assert encoded.form is None
        assert not encoded.cut
    assert modes == {("RGB", False), ("L", False), ("P", True)}


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "1", "CMYK"])
def test_images_of_rarer_modes_are_seen_too(mode: str) -> None:
    from PIL import Image

    content = io.BytesIO()
    image = Image.new("RGB", (40, 30), (250, 10, 10)).convert(mode)
    image.save(content, "TIFF" if mode == "CMYK" else "PNG")
    encode = Encoder("image_classification", "demo/tiny-vit")
    encoded = encode(image={"bytes": content.getvalue(), "path": None})
    assert encoded.inputs["pixel_values"].shape == (1, 3, 32, 32)


# ---------------------------------------------------------------- sounds


@pytest.mark.usefixtures("zoo")
def test_sounds_of_any_rate_and_channels_come_as_one_channel_at_16_khz(
    own_samples: dict[str, Path],  # noqa: F811
) -> None:
    import soundfile
    import torch

    task: TaskName = "automatic_speech_recognition"
    encode = Encoder(task, "demo/tiny-wav2vec2")
    seen = set()
    for sample in read_samples(task, own_samples[task]):
        sound = soundfile.info(sample["audio"]["path"])
        seen.add((sound.samplerate, sound.channels))
        assert encode(**sample).inputs["input_values"].shape == (1, 8000)
    assert seen == {(16000, 1), (44100, 1), (16000, 2)}

    path = own_samples[task] / "two_channels.wav"
    both, rate = soundfile.read(path, dtype="float32")
    mean = encode.processor(both.mean(axis=1), sampling_rate=rate, return_tensors="pt")
    found = encode(audio={"bytes": None, "path": str(path)}).inputs["input_values"]
    assert torch.allclose(found, mean["input_values"], atol=1e-5)


@pytest.mark.usefixtures("zoo")
def test_a_sound_at_another_rate_sounds_the_same() -> None:
    """A tone of 500 Hz has its peak there in the features' source, whatever it was saved at."""
    import numpy as np
    import soundfile

    encode = Encoder("automatic_speech_recognition", "demo/tiny-wav2vec2")
    for rate in (8000, 22050, 44100, 48000):
        moments = np.arange(rate) / rate
        content = io.BytesIO()
        soundfile.write(content, 0.4 * np.sin(2 * np.pi * 500 * moments), rate, format="WAV")
        encoded = encode(audio={"bytes": content.getvalue(), "path": None})
        heard = encoded.inputs["input_values"][0].numpy()
        assert heard.shape == (16000,)
        assert int(np.abs(np.fft.rfft(heard)).argmax()) == 500


def sound_of(seconds: float) -> dict[str, Any]:
    import numpy as np
    import soundfile

    content = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, int(16000 * seconds))
    soundfile.write(content, noise, 16000, format="WAV")
    return {"bytes": content.getvalue(), "path": None}


@pytest.mark.usefixtures("zoo")
def test_a_model_that_hears_a_fixed_time_hears_silence_after_a_short_sound() -> None:
    encode = Encoder("automatic_speech_recognition", "demo/tiny-whisper")
    for seconds in (0.2, 0.5, 1.0):
        encoded = encode(audio=sound_of(seconds))
        assert encoded.inputs["input_features"].shape == (1, 16, 100)
        assert not encoded.cut
        assert encoded.echoed_tokens == 0


@pytest.mark.usefixtures("zoo")
def test_a_sound_longer_than_its_model_hears_is_cut_and_said_to_be() -> None:
    encode = Encoder("automatic_speech_recognition", "demo/tiny-whisper")
    encoded = encode(audio=sound_of(1.5))
    assert encoded.inputs["input_features"].shape == (1, 16, 100)
    assert encoded.cut
    assert not Encoder("automatic_speech_recognition", "demo/tiny-wav2vec2")(
        audio=sound_of(1.5)
    ).cut
