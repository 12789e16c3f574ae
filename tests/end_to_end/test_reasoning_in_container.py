"""Reasoning asked for on the command line of the container itself, as users of the original do."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from benchmark_core.contract import LAUNCH_FILE, REPORT_FILE, SPEC_FILE, Launch, SampleSource
from demo.tiny_models import LOW_CHAIN, build_hub
from tests.support.builders import NOW
from tests.support.image import PRODUCT_TAG, require_image
from tests.support.tiny_hub import LLAMA, make_spec

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600, func_only=True)]

PROMPTS = '{"text": "What floats?"}\n{"text": "Name a cat."}\n'
LOW = ("scenario.reasoning=True", "scenario.reasoning_params.reasoning_effort=low")


@pytest.fixture(scope="module", autouse=True)
def image():
    return require_image(PRODUCT_TAG)


@pytest.fixture
def place(tmp_path):
    build_hub(tmp_path / "hub")
    folder = tmp_path / "results" / "run"
    folder.mkdir(parents=True)
    sha256 = hashlib.sha256(PROMPTS.encode()).hexdigest()
    spec = make_spec(
        LLAMA, state=None, samples=SampleSource(prompts_sha256=sha256), repetitions=1, run_id="run"
    )
    (folder / "prompts.jsonl").write_text(PROMPTS)
    (folder / SPEC_FILE).write_text(spec.to_json())
    launch = Launch(engine="none", launched_at=NOW, samples_path="/results/run/prompts.jsonl")
    (folder / LAUNCH_FILE).write_text(launch.to_json())
    for path in (tmp_path, tmp_path / "results", folder):
        path.chmod(0o777)  # the container's user is another one
    return tmp_path


def container(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("docker", "run", "--rm", "--network", "none", "--env", "HF_HUB_OFFLINE=1")
    mounts = (
        *("--volume", f"{place / 'results'}:/results"),
        *("--volume", f"{place / 'hub'}:/home/user/.cache/huggingface/hub:ro"),
    )
    return subprocess.run(
        (*command, *mounts, PRODUCT_TAG, *arguments), capture_output=True, text=True, check=False
    )


def test_overrides_fill_in_what_the_spec_leaves_open(place):
    done = container(place, "run", "/results/run", *LOW)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = place / "results" / "run"
    spec = json.loads((folder / SPEC_FILE).read_text())
    assert spec["reasoning"] == {"state": "On (Low)", "thinking": True, "effort": "low"}
    assert spec["limits"] == {"max_new_tokens": 8192, "min_new_tokens": 1}
    report = json.loads((folder / REPORT_FILE).read_text())
    assert report["reasoning"]["kwargs"] == {"enable_thinking": True, "reasoning_effort": "low"}
    assert report["summary"]["tokens"]["completion"] == 2 * len(LOW_CHAIN)


def test_a_text_that_is_no_truth_value_is_refused_and_nothing_is_measured(place):
    done = container(place, "run", "/results/run", "scenario.reasoning=perhaps")
    assert done.returncode == 2
    assert "'scenario.reasoning=perhaps' is neither true nor false" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "results" / "run" / REPORT_FILE).exists()


def test_false_as_a_text_is_off(place):
    done = container(
        place, "render", "--model", LLAMA, "--prompt", "What floats?", "scenario.reasoning=False"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "<|begin|><|user|>What floats?<|end|><|assistant|><think></think>"
