"""The demo's own samples: the same bytes each time, and what their task needs."""

import csv
import io
import json
import re
import stat
from pathlib import Path

import pytest

from demo import own_samples
from demo.zoo_audio import SAMPLING_RATE


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return own_samples.build_samples(tmp_path_factory.mktemp("samples") / "new")


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def media(folder: Path) -> list[Path]:
    with (folder / "metadata.csv").open(newline="") as file:
        return [folder / row["file_name"] for row in csv.DictReader(file)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_samples_are_the_same_bytes_each_time_and_repaired(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    own_samples.build_samples(first)
    found = own_samples.build_samples(second)
    assert contents(first) == contents(second)

    before = {path: path.stat().st_ino for path in second.rglob("*")}
    damaged = found["image_classification"] / "circle.png"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    found["text_generation"].unlink()
    own_samples.build_samples(second)
    assert damaged.read_bytes() == whole
    after = {path: path.stat().st_ino for path in second.rglob("*")}
    changed = {path for path in before if before[path] != after[path]}
    assert changed <= {damaged, found["text_generation"]}
    assert contents(first) == contents(second)


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("text_generation", {"text"}),
        ("summarization", {"text"}),
        ("question_answering", {"question", "context"}),
        ("text_classification", {"text"}),
        ("sentence_similarity", {"sentence1", "sentence2"}),
        ("image_generation", {"prompt"}),
    ],
)
def test_texts_have_the_columns_of_their_task(
    samples: dict[str, Path], task: str, columns: set[str]
) -> None:
    found = rows(samples[task])
    assert len(found) == 6
    assert all(set(row) == columns and all(row.values()) for row in found)
    assert len({tuple(row.values()) for row in found}) == 6


def test_texts_to_be_summarized_are_longer_than_their_summary(samples: dict[str, Path]) -> None:
    for row in rows(samples["summarization"]):
        assert 4 <= len(re.findall(r"[.?!](?:\s|$)", row["text"])) <= 5, row["text"]


@pytest.mark.parametrize("task", ["image_classification", "object_detection", "image_captioning"])
def test_images_come_in_every_mode(samples: dict[str, Path], task: str) -> None:
    from PIL import Image

    paths = media(samples[task])
    assert {path.name for path in paths} | {"metadata.csv"} == {
        path.name for path in samples[task].iterdir()
    }
    images = [Image.open(path) for path in paths]
    assert sorted(image.mode for image in images) == ["L", "P", "RGB", "RGB", "RGB", "RGB"]
    assert {image.format for image in images} == {"PNG", "JPEG"}
    assert all(len(image.convert("RGB").getcolors(9999)) > 1 for image in images)
    (palette,) = (image for image in images if image.mode == "P")
    assert palette.convert("RGBA").getpixel((0, 0))[3] == 0
    assert palette.convert("RGBA").getpixel((55, 55))[3] == 255


def test_an_image_folder_is_what_the_dataset_library_expects(
    samples: dict[str, Path], tmp_path: Path
) -> None:
    from datasets import load_dataset

    data = load_dataset(
        "imagefolder", data_dir=str(samples["image_captioning"]), cache_dir=str(tmp_path)
    )
    assert list(data) == ["train"]
    assert data["train"].column_names == ["image"]
    assert [image.mode for image in data["train"]["image"]].count("RGB") == 4


def test_sounds_come_at_two_rates_and_with_one_or_two_channels(samples: dict[str, Path]) -> None:
    import soundfile

    paths = media(samples["automatic_speech_recognition"])
    assert len({path.read_bytes() for path in paths}) == 6
    facts = {}
    for path in paths:
        about = soundfile.info(io.BytesIO(path.read_bytes()))
        assert (about.format, about.subtype, about.duration) == ("WAV", "PCM_16", 0.5)
        sound, _ = soundfile.read(path)
        assert 0.05 < abs(sound).max() < 0.99, "neither silent nor cut off"
        facts[path.stem] = (about.samplerate, about.channels)
    odd = {name: fact for name, fact in facts.items() if fact != (SAMPLING_RATE, 1)}
    assert odd == {"glide_at_44_1_khz": (44_100, 1), "two_channels": (SAMPLING_RATE, 2)}


def test_other_users_can_read_the_samples(samples: dict[str, Path]) -> None:
    directory = samples["summarization"].parent
    found = [directory, *directory.rglob("*")]
    assert len(found) > 30
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_wrong_arguments_of_the_samples_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert own_samples.main(arguments) == 2
    assert "usage: python -m demo.own_samples DIRECTORY" in capsys.readouterr().err


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert own_samples.main([str(tmp_path / "samples")]) == 0
    assert "samples for 10 tasks" in capsys.readouterr().out
    assert (tmp_path / "samples" / "automatic_speech_recognition" / "metadata.csv").is_file()
