"""Rows measured through servers that the sweep starts itself, in containers."""

import json
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest

from demo.tiny_models import build_hub
from orchestrator.engines.container_settings import hash_of_folder
from orchestrator.engines.server_container import SERVES_LABEL
from tests.support.file_hub import of_cache, serving
from tests.support.image import CHAT_TAG, ROOT, require_image
from tests.support.prompt_counts import write_counts
from tests.support.runner import batch, start, table, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300, func_only=True)]

LLAMA = "demo/tiny-llama-reasoner"
OFF = "demo_tiny-llama-reasoner_Off_vllm"
TOKEN = "hf_notARealTokenButLongEnough0123456789"
ROW = (
    *("--csv", str(ROOT / "demo/catalog.csv"), "--task", "text_gen"),
    *("--model-name", "llama", "--reasoning-state", "Off"),
    *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--num-prompts", "3"),
    *("--repetitions", "1", "--engine", "process", "--output-dir", "results"),
    *("--backend", "vllm", "--device", "cpu", "--request-timeout", "10"),
    *("--serve-image", CHAT_TAG),
)


@pytest.fixture(scope="module", autouse=True)
def image():
    return require_image(CHAT_TAG)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    build_hub(folder)
    lines = (ROOT / "demo/prompts.jsonl").read_text().splitlines()[:3]
    texts = [json.loads(line) for line in lines]
    prompts = [text if isinstance(text, str) else next(iter(text.values())) for text in texts]
    write_counts(folder / "counts.json", folder, LLAMA, prompts)
    folder.chmod(0o755)
    return folder


@pytest.fixture
def place(tmp_path):
    """Where a sweep runs; no server may be left when it is over."""
    yield tmp_path
    assert servers_of(tmp_path) == []


def servers_of(place):
    import docker

    label = f"{SERVES_LABEL}={hash_of_folder(place / 'results')}"
    return docker.from_env().containers.list(
        all=True, filters={"label": label}, ignore_removed=True
    )


def running(place):
    return [server for server in servers_of(place) if server.status == "running"]


def variables(hub):
    return {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def run(place, hub, *flags, **changes):
    return batch(*ROW, *flags, cwd=place, **(variables(hub) | changes))


def folder_of(place):
    return place / "results" / "individual_runs" / OFF


def server_log(place):
    (path,) = (place / "results" / "logs").glob(f"{OFF}_*_server.log")
    return path.read_text()


def test_a_row_is_measured_through_a_server_of_its_own(place, hub):
    done = run(place, hub, "--concurrency", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    row = table(place / "results")[OFF]
    assert (row["total_completion_tokens"], row["error_message"]) == ("30", "")
    spec = json.loads((folder_of(place) / "run_spec.json").read_text())
    assert spec["backend"]["serve_image"] == CHAT_TAG
    assert spec["backend"]["endpoint"] is None
    launch = json.loads((folder_of(place) / "launch.json").read_text())
    assert launch["endpoint"].startswith("http://127.0.0.1:")
    assert launch["serve_image_digest"].startswith("sha256:")
    assert launch["server_process"] > 1
    assert f'"port": {launch["endpoint"].rpartition(":")[2]}' in server_log(place)
    again = run(place, hub, "--concurrency", "2")
    assert "finished before" in again.stdout


def test_the_token_reaches_the_server_as_a_file_alone(place, hub):
    """A look at the container while it serves, and at all that is left afterwards."""
    flags = ("--serve-args", "--token-seconds 0.2")
    with serving(of_cache(hub)) as source:
        online = {"HF_HUB_OFFLINE": "0", "HF_TOKEN": TOKEN, "HF_ENDPOINT": source.address}
        runner = start(*ROW, *flags, cwd=place, **(variables(hub) | online))
        wait_for(lambda: running(place))
        (container,) = running(place)
        seen = json.dumps(container.attrs)
        output, _ = runner.communicate()
    assert "HF_TOKEN_PATH=/run/secrets/hf_token" in seen
    assert TOKEN not in seen + output
    for path in (place / "results").rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
    private = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    left = private / f"ai-energy-score-{os.geteuid()}"
    assert not left.is_dir() or list(left.iterdir()) == []


BAD = {
    "dies_at_start": "ended with exit code 1 before it answered.*no kernel image is available",
    "never_well": "was not well within 2 s.*loading weights",
    "other_model": "serves org/other; and not demo/tiny-llama-reasoner",
    "other_server": "another server has taken the port",
    "default_model": "has loaded org/default under the name of demo/tiny-llama-reasoner",
    "dies_later": "server_failed: the server at .*(broke off|ended an answer early)",
}


@pytest.mark.parametrize("fate", BAD)
def test_a_server_that_fails_is_a_failed_row_with_its_last_words(place, hub, fate):
    seconds = "2" if fate == "never_well" else "60"
    done = run(place, hub, "--serve-args", f"--fate {fate}", "--serve-timeout", seconds)
    assert done.returncode == 1, done.stdout + done.stderr
    row = table(place / "results")[OFF]
    assert row["error_message"].startswith("server_failed: ")
    assert re.search(BAD[fate], row["error_message"]), row["error_message"]
    assert row["total_completion_tokens"] == ""
    assert "Traceback" not in done.stdout + done.stderr


def test_an_image_that_is_not_here_is_told_before_anything_starts(place, hub):
    done = batch(*ROW, "--serve-image", "acme/none:1", cwd=place, **variables(hub))
    assert done.returncode == 3
    assert "there is no image 'acme/none:1', and images are never pulled" in done.stderr
    assert not (place / "results").exists()


def test_a_killed_runners_server_is_removed_at_the_next_start(place, hub):
    flags = ("--serve-args", "--token-seconds 1")
    runner = start(*ROW, *flags, cwd=place, **variables(hub))
    wait_for(lambda: (folder_of(place) / "benchmark_results.csv").exists(), 120)
    (server,) = servers_of(place)
    runner.kill()
    runner.communicate()
    server.reload()
    assert server.status == "running"
    done = run(place, hub, "--serve-args", "--token-seconds 0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"removed the server that a killed runner left: {OFF}" in done.stdout
    assert table(place / "results")[OFF]["total_completion_tokens"] == "30"
    assert (folder_of(place) / "attempts" / "1").is_dir()


def test_it_is_removed_where_the_next_start_serves_nothing(place, hub):
    runner = start(*ROW, "--serve-args", "--fate never_well", cwd=place, **variables(hub))
    wait_for(lambda: running(place))
    runner.kill()
    runner.communicate()
    simulated = ("--backend", "simulated", "--engine", "process", "--num-prompts", "2")
    done = batch(
        *("--csv", str(ROOT / "demo/catalog.csv"), "--model-name", "llama"),
        *("--reasoning-state", "Off", "--output-dir", "results", *simulated),
        cwd=place,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_stops_while_a_server_comes_up_leaves_none(place, hub, number):
    runner = start(*ROW, "--serve-args", "--fate never_well", cwd=place, **variables(hub))
    wait_for(lambda: running(place))
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert table(place / "results")[OFF]["outcome"] == "interrupted"


def test_a_second_ctrl_c_stops_run_and_server(place, hub):
    runner = start(*ROW, "--serve-args", "--token-seconds 1", cwd=place, **variables(hub))
    wait_for(lambda: (folder_of(place) / "benchmark_results.csv").exists(), 120)
    runner.send_signal(signal.SIGINT)
    while "finishing this run first" not in runner.stdout.readline():
        assert runner.poll() is None
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert table(place / "results")[OFF]["outcome"] == "interrupted"


def test_a_run_that_takes_too_long_loses_its_server_too(place, hub):
    done = run(place, hub, "--serve-args", "--token-seconds 2", "--timeout", "12")
    assert done.returncode == 1
    assert table(place / "results")[OFF]["error_message"].startswith("timeout: ")
