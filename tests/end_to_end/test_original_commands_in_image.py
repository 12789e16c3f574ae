"""The original's commands in the image that users build: run_docker.sh, and docker run by hand."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from benchmark_core.contract import Launch
from benchmark_core.report.run_report import RunReport
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support.image import PRODUCT_TAG, require_image
from tests.support.runner import ROOT, environment, wait_for
from tests.support.tiny_hub import LLAMA, snapshot
from tests.support.unprivileged import give_away, unprivileged_uid

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600, func_only=True)]

TOKEN = "hf_" + "planted" * 4
CPU = "backend.device=cpu"
TEXT = ("--config-name", "text_generation", f"backend.model={LLAMA}", CPU)
SIMULATED = ("--config-name", "text_generation", "backend.model=a/b", "backend.name=simulated")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_image(PRODUCT_TAG)
    folder = tmp_path_factory.mktemp("files, of a user's")
    build_zoo(folder / "hub", [LLAMA, "demo/tiny-vit"])
    build_samples(folder / "samples")
    shutil.copytree(snapshot(folder / "hub", LLAMA), folder / "my model")
    return folder


def script(*words: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "run_docker.sh"), *words],
        cwd=cwd,
        env=environment(DOCKER_IMAGE=PRODUCT_TAG, **variables),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def docker(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=280, check=False
    )


def report_in(folder: Path) -> RunReport:
    return RunReport.read(folder / "benchmark_report.json")


def test_the_script_measures_text_and_pictures_into_one_folder(place: Path, tmp_path: Path) -> None:
    results = tmp_path / "my results, all"
    own = f"scenario.prompts_file={place}/samples/text_generation.jsonl"
    images = f"scenario.dataset_dir={place}/samples/image_classification"
    for words in (
        ("-n", "2", *TEXT, own, "scenario.reasoning=True"),
        (
            *("--config-name", "image_classification", "backend.model=demo/tiny-vit", CPU),
            *(images, "scenario.num_samples=3"),
        ),
    ):
        done = script(
            *words,
            cwd=tmp_path,
            RESULTS_DIR=str(results),
            HF_HUB_CACHE=str(place / "hub"),
            HF_HUB_OFFLINE="1",
        )
        assert done.returncode == 0, done.stdout + done.stderr
    first, second = report_in(results / "attempts" / "1"), report_in(results)
    assert first.summary is not None
    assert second.summary is not None
    assert (first.summary.successful_prompts, second.summary.successful_prompts) == (2, 3)
    assert (
        Launch.read(results / "launch.json").samples_path == "/inputs/samples/image_classification"
    )
    assert (results / "benchmark_report.json").stat().st_uid == results.stat().st_uid


def test_a_token_is_nowhere_to_be_seen_while_it_runs(place: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o755)
    prompts = f"scenario.prompts_file={place}/samples/text_generation.jsonl"
    child = subprocess.Popen(
        [
            *(str(ROOT / "run_docker.sh"), "--config-name", "text_generation"),
            *("backend.model=./my model", CPU, prompts, "scenario.num_samples=-1"),
            *("scenario.repetitions=200",),
        ],
        cwd=place,
        env=environment(
            DOCKER_IMAGE=PRODUCT_TAG,
            HF_TOKEN=TOKEN,
            HF_HOME=str(tmp_path / "hf"),
            RESULTS_DIR=str(tmp_path / "results"),
            TMPDIR=str(scratch),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_for((tmp_path / "results" / "benchmark_results.csv").exists, seconds=120)
        (name,) = names()
        inspected = docker("inspect", name).stdout
        listed = docker("top", name, "-eo", "pid,args").stdout
        inside = docker("exec", name, "sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline")
        asked = Path(f"/proc/{the_client(child.pid)}/environ").read_bytes().decode()
        read = docker("exec", name, "cat", "/run/secrets/hf_token").stdout
    finally:
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(timeout=60)
    assert read == TOKEN
    assert json.loads(inspected)[0]["HostConfig"]["ReadonlyRootfs"] is True
    assert "benchmark_core" in listed
    for seen in (inspected, listed, inside.stdout, asked, told):
        assert TOKEN not in seen
    assert child.returncode == 130
    assert names() == []
    assert list(scratch.iterdir()) == []
    for path in (tmp_path / "results").rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace")


def names() -> list[str]:
    """Of the containers that the script has started."""
    found = docker(
        "ps", "--all", "--filter", "name=ai-energy-score-direct", "--format", "{{.Names}}"
    )
    return found.stdout.split()


def the_client(script_pid: int) -> int:
    """The docker command that the script has started."""
    children = Path(f"/proc/{script_pid}/task/{script_pid}/children").read_text().split()
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    (client,) = (int(pid) for pid, words in commands.items() if b"docker" in words)
    return client


def test_docker_run_by_hand_works_for_a_user_without_a_name(place: Path, tmp_path: Path) -> None:
    """As the original's documentation has it, but for the GPUs."""
    results, cache = tmp_path / "results", tmp_path / "cache"
    results.mkdir()
    give_away(results)
    shutil.copytree(place / "hub", cache / "hub")
    shutil.copy(place / "samples" / "text_generation.jsonl", cache / "prompts.jsonl")
    for path in (cache, *cache.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, unprivileged_uid(), unprivileged_uid(), follow_symlinks=False)
    done = docker(
        *(
            "run",
            "--rm",
            "--shm-size",
            "1g",
            "--user",
            f"{unprivileged_uid()}:{unprivileged_uid()}",
        ),
        *("-v", f"{cache}:/home/user/.cache/huggingface", "-v", f"{results}:/results"),
        *("-e", "HF_HUB_OFFLINE=1", "-e", f"HF_TOKEN={TOKEN}", PRODUCT_TAG, *TEXT),
        "scenario.prompts_file=/home/user/.cache/huggingface/prompts.jsonl",
        "scenario.num_samples=1",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "`docker inspect`" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    summary = report_in(results).summary
    assert summary is not None
    assert summary.successful_prompts == 1
    assert (results / "benchmark_report.json").stat().st_uid == unprivileged_uid()


@pytest.mark.parametrize("user", [(), ("--user", "54321:54321"), ("--user", "0:0")])
def test_anybody_may_run_the_image_even_without_mounts(place: Path, user: tuple[str, ...]) -> None:
    done = docker("run", "--rm", *user, PRODUCT_TAG, *SIMULATED, "scenario.num_samples=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "results in /results" in done.stdout
    home = "import tempfile; [tempfile.TemporaryFile(dir=d) for d in ('/home/user', '/results')]"
    command = ("--entrypoint", "python", PRODUCT_TAG, "-c", home)
    assert docker("run", "--rm", *user, *command).returncode == 0


def test_a_container_without_gpus_is_told_the_remedy(place: Path) -> None:
    done = docker(
        "run", "--rm", PRODUCT_TAG, "--config-name", "text_generation", "backend.model=a/b"
    )
    if "GPU is visible" not in done.stderr:
        pytest.skip("the engine gives every container its GPUs")
    assert done.returncode == 3
    assert "docker run --gpus all" in done.stderr


def test_a_results_folder_of_somebody_else_is_told_the_remedy(place: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    mount = ("-v", f"{tmp_path}:/results", "--user", "54321:54321")
    done = docker("run", "--rm", *mount, PRODUCT_TAG, *SIMULATED)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "cannot be written: Permission denied" in line
    assert '--user "$(id -u):$(id -g)"' in line


def test_docker_stop_ends_a_container_at_once(place: Path) -> None:
    """The program is the first of its container, which the kernel ends by no signal it ignores."""
    many = "scenario.num_samples=900000"
    name = docker("run", "--detach", PRODUCT_TAG, *SIMULATED, many).stdout.strip()
    try:
        wait_for(lambda: "repetition 1" in docker("logs", name).stdout)
        assert docker("stop", "--time", "60", name).returncode == 0
        state = json.loads(docker("inspect", name).stdout)[0]["State"]
        assert state["ExitCode"] == 130
        assert "Traceback" not in docker("logs", name).stderr
    finally:
        docker("rm", "--force", name)
