"""Bad samples and bad checkpoints in one sweep: each is told apart, and the sweep goes on."""

import csv
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmark_core.contract import SAMPLES_FILE
from demo.drawn_images import drawn_images
from demo.hub_layout import rewrite_json
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support.runner import HEADER, command, environment, table
from tests.support.task_catalog import report_of
from tests.support.task_runs import altered_copy, remove

GOOD_IMAGES = 9
NEEDED = ("demo/tiny-vit", "demo/tiny-yolos", "demo/tiny-wav2vec2", "demo/tiny-bert-classifier")


def damage_pictures(folder: Path, corrupt: int) -> None:
    """Ten pictures, of which the first are corrupt: cut in half, or no picture at all."""
    shutil.rmtree(folder)
    folder.mkdir()
    pictures = list(drawn_images().items())
    names = []
    for number in range(GOOD_IMAGES + 1):
        original, content = pictures[number % len(pictures)]
        names.append(f"{number}_{original}")
        if number < corrupt:
            content = content[: len(content) // 2] if number % 2 == 0 else b"no picture"
        (folder / names[-1]).write_bytes(content)
    (folder / "metadata.csv").write_text("file_name\n" + "".join(f"{name}\n" for name in names))


@dataclass(frozen=True)
class Broken:
    """A row whose checkpoint cannot be used: what its message says of the model."""

    model: str
    spelling: str
    words: tuple[str, ...]

    @property
    def run_id(self) -> str:
        return f"{self.model.replace('/', '_')}_{self.spelling}"


WRONG_KIND = Broken("demo/tiny-vit", "text_classification", ("text classification",))
NO_WEIGHTS = Broken("demo/no-weights", "image_classification", ("file is missing", "safetensors"))
NO_PROCESSOR = Broken(
    "demo/no-processor", "image_classification", ("image processor", "missing", "Processor")
)
NO_TOKENIZER = Broken(
    "demo/no-tokenizer", "text_classification", ("tokenizer is missing", "Processor")
)
UNKNOWN = Broken("demo/unknown", "text_classification", ("architecture is unknown", "zebra"))
BROKEN = (WRONG_KIND, NO_WEIGHTS, NO_PROCESSOR, NO_TOKENIZER, UNKNOWN)
ALTERATIONS: dict[str, tuple[str, Callable[[Path], None]]] = {
    NO_WEIGHTS.model: ("demo/tiny-vit", remove("model.safetensors")),
    NO_PROCESSOR.model: ("demo/tiny-vit", remove("preprocessor_config.json")),
    NO_TOKENIZER.model: ("demo/tiny-bert-classifier", remove("tokenizer*.json")),
    UNKNOWN.model: (
        "demo/tiny-bert-classifier",
        lambda files: rewrite_json(files / "config.json", model_type="zebra"),
    ),
}
ONE_CORRUPT = "demo_tiny-vit_image_classification"
TWO_CORRUPT = "demo_tiny-yolos_object_detection"
SOUNDS = "demo_tiny-wav2vec2_automatic_speech_recognition"
TEXTS = "demo_tiny-bert-classifier_text_classification"


@dataclass(frozen=True)
class Sweep:
    results: Path
    code: int
    shown: str
    errors: str

    def row(self, run_id: str) -> dict[str, str]:
        return table(self.results)[run_id]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    place = tmp_path_factory.mktemp("bad input")
    hub = place / "hub"
    build_zoo(hub, NEEDED)
    for model, (of, alter) in ALTERATIONS.items():
        altered_copy(hub, of, alter, model)
    samples = build_samples(place / "samples")
    damage_pictures(samples["image_classification"], corrupt=1)
    damage_pictures(samples["object_detection"], corrupt=2)
    with samples["text_classification"].open("a") as stream:
        stream.write('{"text": ""}\n{"text": "  \\t"}\n{"text": null}\n')
    samples["summarization"].write_text('{"article": "The column has another name."}\n')
    rows = [
        "demo/tiny-bart,1,,summarization,,",
        "demo/tiny-yolos,1,,object_detection,,",
        *(f"{one.model},1,,{one.spelling},," for one in BROKEN),
        "demo/tiny-vit,1,,image_classification,,",
        "demo/tiny-wav2vec2,1,,asr,,",
        "demo/tiny-bert-classifier,1,,text_classification,,",
    ]
    (place / "models.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    flags = (
        *("--csv", "models.csv", "--dataset-dir", "samples"),
        *("--engine", "process", "--device", "cpu", "--meters", "codecarbon"),
        *("--repetitions", "1", "--output-dir", "results"),
    )
    done = subprocess.run(
        command(*flags),
        cwd=place,
        env=environment(HF_HUB_CACHE=str(hub), HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    return Sweep(place / "results", done.returncode, done.stdout, done.stderr)


def test_the_sweep_goes_on_to_its_end(sweep: Sweep) -> None:
    assert sweep.code == 1, sweep.shown + sweep.errors
    outcomes = {run_id: row["outcome"] for run_id, row in table(sweep.results).items()}
    finished = {run_id for run_id, outcome in outcomes.items() if outcome == "finished"}
    assert finished == {ONE_CORRUPT, SOUNDS, TEXTS}
    failed = {run_id for run_id, outcome in outcomes.items() if outcome == "failed"}
    assert failed == {TWO_CORRUPT, *(one.run_id for one in BROKEN)}
    assert "Traceback" not in sweep.shown + sweep.errors


def test_one_corrupt_picture_of_ten_is_counted_and_flagged(sweep: Sweep) -> None:
    row = sweep.row(ONE_CORRUPT)
    assert (row["total_prompts"], row["successful_prompts"], row["failed_prompts"]) == (
        "10",
        "9",
        "1",
    )
    assert row["verdict"] == "flagged"
    assert "samples_failed" in row["verdict_reasons"].split("; ")
    assert row["error_message"] == ""
    with (sweep.results / "individual_runs" / ONE_CORRUPT / SAMPLES_FILE).open(newline="") as file:
        errors = [line["error"] for line in csv.DictReader(file)]
    assert len(errors) == 10
    assert errors[1:] == [""] * GOOD_IMAGES
    assert "0_circle.png" in errors[0]


def test_two_corrupt_pictures_of_ten_lose_the_run_with_a_message(sweep: Sweep) -> None:
    row = sweep.row(TWO_CORRUPT)
    assert "2 of 10 samples failed" in row["error_message"]
    assert "1_square.jpg" in row["error_message"]
    assert "model demo/tiny-yolos" in row["error_message"]
    assert "object detection" in row["error_message"]
    assert row["gpu_energy_wh"] == row["total_prompts"] == ""


def test_sounds_of_other_rates_and_channels_are_no_failures(sweep: Sweep) -> None:
    row = sweep.row(SOUNDS)
    assert (row["successful_prompts"], row["failed_prompts"]) == ("6", "0")
    assert "samples_failed" not in row["verdict_reasons"]


def test_empty_texts_are_left_out(sweep: Sweep) -> None:
    row = sweep.row(TEXTS)
    assert (row["total_prompts"], row["successful_prompts"], row["failed_prompts"]) == (
        "6",
        "6",
        "0",
    )
    assert report_of(sweep.results, TEXTS)["applied"]["samples_available"] == 6


def test_a_missing_column_leaves_out_the_row_and_says_which(sweep: Sweep) -> None:
    assert "demo_tiny-bart_summarization" not in table(sweep.results)
    said = sweep.shown + sweep.errors
    for word in ("demo/tiny-bart", "summarization.jsonl", "no column text", "article"):
        assert word in said, word


@pytest.mark.parametrize("one", BROKEN, ids=lambda one: one.model)
def test_a_checkpoint_that_cannot_be_used_says_why(sweep: Sweep, one: Broken) -> None:
    message = sweep.row(one.run_id)["error_message"]
    assert message.startswith("model_unusable: ")
    assert one.model in message
    for word in one.words:
        assert word in message, message
    failure = report_of(sweep.results, one.run_id)["failure"]
    assert failure["remedy"]
    assert one.run_id in sweep.shown
