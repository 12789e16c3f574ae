"""A model of each kind through the container engine, in the image that users build."""

import subprocess
from pathlib import Path

import pytest

from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support.image import PRODUCT_TAG, require_image
from tests.support.runner import command, environment, table
from tests.support.task_catalog import check_run, run_id_of, write_rows
from tests.support.task_runs import T5, Variant, variant

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600, func_only=True)]

SAMPLES = 2
ROWS = (
    variant("summarization", T5),
    variant("image_classification", "demo/tiny-vit"),
    variant("automatic_speech_recognition", "demo/tiny-whisper"),
    variant("image_generation", "demo/tiny-stable-diffusion"),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_image(PRODUCT_TAG)
    place = tmp_path_factory.mktemp("tasks in containers")
    build_zoo(place / "hub", [one.model for one in ROWS])
    build_samples(place / "samples")
    write_rows(place / "models.csv", ROWS)
    flags = (
        *("--csv", "models.csv", "--dataset-dir", "samples", "--num-prompts", str(SAMPLES)),
        *("--image", PRODUCT_TAG, "--device", "cpu", "--meters", "codecarbon"),
        *("--repetitions", "1", "--output-dir", "results"),
    )
    done = subprocess.run(
        command(*flags),
        cwd=place,
        env=environment(HF_HUB_CACHE=str(place / "hub"), HF_HUB_OFFLINE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "results"


def test_each_kind_is_among_the_rows() -> None:
    assert {one.kind for one in ROWS} == {"generate", "forward", "call"}


@pytest.mark.parametrize("one", ROWS, ids=lambda one: one.name)
def test_a_row_in_a_container_has_what_the_method_asks(results: Path, one: Variant) -> None:
    row = table(results)[run_id_of(one)]
    check_run(results, row, one, SAMPLES)
    assert row["engine"] == "docker"
    assert row["image_digest"]
