"""run_docker.sh with an engine that records what it is asked for: what the container gets."""

import json
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from orchestrator.engines import container_settings
from tests.support.recorded_docker import (  # noqa: F401
    CPU,
    HOSTILE,
    MODEL,
    SCRIPT,
    TOKEN,
    Bench,
    mounts,
    recorded_bench,
    values,
)
from tests.support.runner import ROOT, wait_for


def test_the_container_has_what_our_engine_gives_one(bench: Bench) -> None:
    done = bench.run(*MODEL, FAKE_INFO="nvidia runc [name=seccomp]")
    assert done.returncode == 0, done.stderr
    words = bench.docker_run()
    for option in ("--rm", "--init", "--read-only"):
        assert option in words
    for option, value in (
        ("--pull", "never"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pids-limit", str(container_settings.PROCESS_LIMIT)),
        ("--shm-size", container_settings.SHARED_MEMORY),
        ("--gpus", "all"),
    ):
        assert values(words, option) == [value]
    user = container_settings.ContainerUser.for_caller(rootless=False)
    assert values(words, "--user") == [f"{user.uid}:{user.gid}"]
    scratch = dict(text.partition(":")[::2] for text in values(words, "--tmpfs"))
    assert scratch == container_settings.scratch(user)
    assert "--network" not in words
    cache = bench.home / ".cache" / "huggingface"
    assert mounts(words) == {
        "/results": (str(bench.here / "results"), False),
        "/home/user/.cache/huggingface/hub": (str(cache / "hub"), False),
        "/home/user/.cache/huggingface/datasets": (str(cache / "datasets"), False),
    }
    assert bench.inside() == list(MODEL)


def test_twenty_samples_are_the_default_and_the_core_decides(bench: Bench) -> None:
    bench.run(*MODEL, CPU)
    words = bench.docker_run()
    assert "DEFAULT_NUM_SAMPLES" in values(words, "--env")
    (call,) = [call for call in bench.calls() if call["words"][0] == "run"]  # type: ignore[index]
    assert call["env"]["DEFAULT_NUM_SAMPLES"] == "20"  # type: ignore[index]


@pytest.mark.parametrize(
    "flag", [("-n", "7"), ("-n7",), ("--num-samples", "7"), ("--num-samples=7",)]
)
def test_the_flag_is_the_key(bench: Bench, flag: tuple[str, ...]) -> None:
    bench.run(*flag, *MODEL, CPU)
    assert bench.inside() == [*MODEL, CPU, "scenario.num_samples=7"]


def test_null_names_no_file_no_device_and_no_backend(bench: Bench) -> None:
    words = ("scenario.prompts_file=null", "+scenario.dataset_dir=NULL", "backend.processor=null")
    done = bench.run(
        *(*MODEL, *words, "backend.device=null", "backend.name=null", "backend.endpoint=null"),
        BENCHMARK_BACKEND="vllm",
        VLLM_ENDPOINT="http://127.0.0.1:8000",
    )
    assert done.returncode == 0, done.stderr
    assert bench.inside()[len(MODEL) : len(MODEL) + 3] == list(words)
    assert values(bench.docker_run(), "--network") == ["host"]


def test_own_files_are_mounted_and_named_as_they_are_inside(bench: Bench) -> None:
    prompts = bench.here / "my 'prompts', all.txt"
    prompts.write_text("one\n")
    configs, model = bench.here / "my configs", bench.here / "a=model"
    configs.mkdir()
    model.mkdir()
    (bench.home / "x.yaml").write_text("a: 1\n")
    done = bench.run(
        *("--config-dir", "my configs", "--config-name", "own", CPU),
        *(f"+scenario.prompts_file={prompts.name}", "backend.model=a=model"),
        *("backend.processor=org/name", "scenario.reasoning=True"),
    )
    assert done.returncode == 0, done.stderr
    found = mounts(bench.docker_run())
    inside = bench.inside()
    assert inside == [
        *("--config-dir", "/inputs/config_dir/my configs", "--config-name", "own", CPU),
        f"+scenario.prompts_file=/inputs/samples/{prompts.name}",
        *("backend.model=/inputs/model/a=model", "backend.processor=org/name"),
        "scenario.reasoning=True",
    ]
    assert found["/inputs/config_dir/my configs"] == (str(configs), True)
    assert found[f"/inputs/samples/{prompts.name}"] == (str(prompts), True)
    assert found["/inputs/model/a=model"] == (str(model), True)


@pytest.mark.parametrize("form", ["--config-name=~/x.yaml", "--config-name ~/x.yaml"])
def test_a_config_file_by_its_path_is_mounted_alone(bench: Bench, form: str) -> None:
    (bench.home / "x.yaml").write_text("a: 1\n")
    assert bench.run(*form.split(" "), CPU).returncode == 0
    assert bench.inside() == ["--config-name", "/inputs/config_file/x.yaml", CPU]
    found = mounts(bench.docker_run())
    assert found["/inputs/config_file/x.yaml"] == (str(bench.home / "x.yaml"), True)
    assert str(bench.home) not in {source for source, _ in found.values()}


@pytest.mark.parametrize(
    ("words", "variables", "gpus", "network"),
    [
        ((), {}, True, None),
        ((CPU,), {}, False, None),
        (("++backend.device=cpu",), {}, False, None),
        (("backend.device='cpu'",), {}, False, None),
        (('backend.name="simulated"',), {}, False, "none"),
        (("backend.name=vllm", "backend.endpoint='http://127.0.0.1:8'"), {}, False, "host"),
        ((CPU,), {"HF_HUB_OFFLINE": "1"}, False, "none"),
        ((), {"HF_HUB_OFFLINE": "true"}, True, "none"),
        ((), {"HF_HUB_OFFLINE": "0"}, True, None),
        (("backend.name=simulated",), {}, False, "none"),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://box:8000/v1"}, False, None),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://127.0.0.1:1"}, False, "host"),
        (
            ("backend.endpoint=http://localhost:8000/v1",),
            {"BENCHMARK_BACKEND": "vllm", "HF_HUB_OFFLINE": "1"},
            False,
            "host",
        ),
        (
            ("backend.name=vllm", "backend.endpoint=http://localhost.example.com"),
            {"HF_HUB_OFFLINE": "1"},
            False,
            None,
        ),
        (("backend.name=pytorch",), {"BENCHMARK_BACKEND": "vllm"}, True, None),
    ],
)
def test_gpus_and_network_are_given_where_they_are_needed(
    bench: Bench,
    words: tuple[str, ...],
    variables: dict[str, str],
    gpus: bool,
    network: str | None,
) -> None:
    done = bench.run(*MODEL, *words, FAKE_INFO="io.containerd.runc.v2 nvidia [x]", **variables)
    assert done.returncode == 0, done.stderr
    run = bench.docker_run()
    assert values(run, "--gpus") == (["all"] if gpus else [])
    assert values(run, "--network") == ([network] if network else [])
    assert ("NVIDIA_VISIBLE_DEVICES=void" in values(run, "--env")) is not gpus


@pytest.mark.parametrize(
    ("words", "variables", "gpus", "network"),
    [
        ((), {"BENCHMARK_BACKEND": "vllm"}, True, None),
        ((), {"BENCHMARK_BACKEND": "simulated", "HF_HUB_OFFLINE": "1"}, True, None),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://localhost:8"}, True, "host"),
        ((), {"BENCHMARK_BACKEND": "vllm", "VLLM_ENDPOINT": "http://box:8"}, True, None),
        ((CPU,), {"BENCHMARK_BACKEND": "vllm"}, False, None),
        (("backend.name=vllm",), {}, False, None),
        (("backend.name=pytorch",), {"HF_HUB_OFFLINE": "1"}, True, "none"),
    ],
)
@pytest.mark.parametrize("form", ["--config-name own.yaml", "--config-dir . --config-name own"])
def test_with_a_config_file_nothing_is_missing_whatever_backend_it_names(
    bench: Bench,
    form: str,
    words: tuple[str, ...],
    variables: dict[str, str],
    gpus: bool,
    network: str | None,
) -> None:
    (bench.here / "own.yaml").write_text("backend: pytorch\n")
    done = bench.run(*form.split(), *words, FAKE_INFO="nvidia runc [x]", **variables)
    assert done.returncode == 0, done.stderr
    run = bench.docker_run()
    assert values(run, "--gpus") == (["all"] if gpus else [])
    assert values(run, "--network") == ([network] if network else [])
    assert "/home/user/.cache/huggingface/hub" in mounts(run)


def test_another_image_is_taken(bench: Bench) -> None:
    bench.run(*MODEL, CPU, DOCKER_IMAGE="mine:2")
    assert "mine:2" in bench.docker_run()


# ------------------------------------------------------------------ the token


def places(bench: Bench) -> dict[str, dict[str, str]]:
    """Where a token may lie, as variables; the files are made."""
    hf_home = bench.home / "hf"
    files = {
        "HF_HOME": hf_home / "token",
        "HF_TOKEN_PATH": bench.home / "my token",
        "login": bench.home / ".cache" / "huggingface" / "token",
        "old": bench.home / ".huggingface" / "token",
    }
    return {
        "HF_TOKEN": {"HF_TOKEN": TOKEN},
        **{
            name: {name: str(path.parent if name == "HF_HOME" else path), "write": str(path)}
            for name, path in files.items()
        },
    }


@pytest.mark.parametrize("place", ["HF_TOKEN", "HF_HOME", "HF_TOKEN_PATH", "login", "old"])
def test_a_token_goes_as_a_file_of_the_containers_user_and_is_gone_afterwards(
    bench: Bench, place: str
) -> None:
    variables = places(bench)[place]
    path = variables.pop("write", None)
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f" {TOKEN}\n")
    variables = {name: text for name, text in variables.items() if name.isupper()}
    assert bench.run(*MODEL, CPU, **variables).returncode == 0
    (call,) = [call for call in bench.calls() if call["words"][0] == "run"]  # type: ignore[index]
    text, mode, owner, source = call["token"]  # type: ignore[misc]
    user = container_settings.ContainerUser.for_caller(rootless=False)
    assert (text, mode, owner) == (TOKEN, "0o400", user.uid)
    assert not Path(source).exists()
    assert not Path(source).parent.exists()
    words = bench.docker_run()
    assert mounts(words)["/run/secrets/hf_token"] == (source, True)
    assert "HF_TOKEN_PATH=/run/secrets/hf_token" in values(words, "--env")
    for other in bench.calls():
        assert TOKEN not in json.dumps({"words": other["words"], "env": other["env"]})


def test_offline_runs_get_no_token(bench: Bench) -> None:
    bench.run(*MODEL, CPU, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert "/run/secrets/hf_token" not in mounts(bench.docker_run())
    assert TOKEN not in bench.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_container_and_removes_the_token(
    bench: Bench, tmp_path: Path, number: signal.Signals
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    child = subprocess.Popen(
        [str(SCRIPT), *MODEL, CPU],
        cwd=bench.here,
        env={**bench.variables, "FAKE_HANG": "1", "HF_TOKEN": TOKEN, "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: any(call["words"][0] == "run" for call in bench.calls()))  # type: ignore[index]
    assert list(scratch.rglob("hf_token"))
    child.send_signal(number)
    assert child.wait(timeout=30) == 130
    assert list(scratch.iterdir()) == []
    (name,) = values(bench.docker_run(), "--name")
    asked = [call["words"] for call in bench.calls()]
    assert ["stop", "--time", "10", name] in asked
    assert ["rm", "--force", name] in asked


# ------------------------------------------------------------------ without a container


def test_without_docker_the_core_runs_right_here(bench: Bench, tmp_path: Path) -> None:
    """From a folder that has files named like libraries; the token is a file here too."""
    build_zoo(bench.home / "hub", ["demo/tiny-llama-reasoner"])
    build_samples(bench.home / "samples")
    (bench.here / "datasets.py").write_text("raise SystemExit('the wrong module')\n")
    prompts = f"scenario.prompts_file={bench.home}/samples/text_generation.jsonl"
    done = bench.run(
        *("-n", "1", "--config-name", "text_generation"),
        *("backend.model=demo/tiny-llama-reasoner", CPU, prompts),
        USE_DOCKER="false",
        HF_HUB_CACHE=str(bench.home / "hub"),
        HF_HUB_OFFLINE="1",
        HF_TOKEN=TOKEN,
        OMP_NUM_THREADS="1",
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert bench.calls() == []
    report = json.loads((bench.here / "results" / "benchmark_report.json").read_text())
    assert report["summary"]["total_prompts"] == 1
    assert "docker inspect" not in done.stderr
    for path in (bench.here / "results").rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace")
    assert not list(tmp_path.glob("ai-energy-score.*"))


def test_the_checkout_may_lie_anywhere(bench: Bench, tmp_path: Path) -> None:
    """Without its environment, the python3 of the path runs the core of that checkout."""
    checkout = tmp_path / HOSTILE / "a checkout"
    checkout.mkdir()
    copied = shutil.copy(SCRIPT, checkout / "run_docker.sh")
    assert Path(copied).stat().st_mode & stat.S_IXUSR
    python = tmp_path / "tools" / "python3"
    python.write_text('#!/bin/sh\necho "$PYTHONPATH|$RESULTS_DIR|$*"\n')
    python.chmod(0o755)
    done = bench.run("a=b", script=checkout / "run_docker.sh", USE_DOCKER="no")
    assert done.stdout == f"{checkout}|{bench.here}/results|-m benchmark_core a=b\n"


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", "-x", "run_docker.sh", "docker/core_hash.sh"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
