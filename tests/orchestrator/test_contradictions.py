"""Flags that cannot be meant together are told before anything is read."""

import re
from pathlib import Path

import pytest

from orchestrator.batch import run_batch
from orchestrator.contradictions import find_contradictions
from orchestrator.errors import UsageError
from tests.support import catalogs
from tests.support.settings import settings


def said(**changes):
    return [str(problem) for problem in find_contradictions(settings(**changes))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "vllm"}, "not told where its server answers"),
        ({"backend": "vllm", "endpoint": "host:1"}, "--endpoint: the URL does not begin"),
        (
            {"backend": "vllm", "endpoint": "http://a", "meters": ("nvml",), "engine": "process"},
            "nvml measures the GPUs of this machine, and the server's address",
        ),
        (
            {"backend": "vllm", "endpoint": "http://localhost:1", "meters": ("nvml",)},
            "nvml in a container cannot see which process .*--engine process",
        ),
        ({"backend": "vllm", "endpoint": "http://a", "meters": ("codecarbon",)}, "only asks"),
        (
            {"backend": "vllm", "endpoint": "http://a", "offline": True},
            "gives offline runs no network",
        ),
        ({"notify_url": "ftp://host/key"}, "--notify-url: the URL does not begin with http"),
        ({"only_reason": "timeout"}, "--only-reason: chooses among failed rows"),
        ({"request_timeout_seconds": 3.0}, "--request-timeout 3: the pytorch backend asks no"),
        (
            {"backend": "optimum", "meters": ("nvml", "codecarbon")},
            "nvml cannot watch the optimum backend, which measures by itself.*choose codecarbon",
        ),
        (
            {"backend": "optimum", "engine": "process", "output_dir": Path("/a/[b]")},
            "--output-dir /a/\\[b\\]: .*takes brackets for a pattern",
        ),
        (
            {
                "backend": "optimum",
                "device": "cpu",
                "meters": ("codecarbon",),
                "stop_at_ci": 0.01,
            },
            "no meter measures it",
        ),
        (
            {"concurrency": 4, "given": {"concurrency"}},
            "--concurrency: the pytorch backend runs one sample at a time",
        ),
        (
            {"serve_image": "vllm/vllm-openai"},
            "--serve-image vllm/vllm-openai: the pytorch backend asks no server",
        ),
        (
            {"backend": "vllm", "serve_image": "a", "endpoint": "http://localhost:1"},
            "--serve-image: the server is started here, and --endpoint names one",
        ),
        ({"backend": "vllm", "endpoint": "http://a", "serve_args": "--x"}, "--serve-args: is of a"),
        (
            {"backend": "vllm", "endpoint": "http://a", "given": {"serve_timeout"}},
            "--serve-timeout: is of a server that --serve-image starts",
        ),
        (
            {"backend": "vllm", "serve_image": "a", "serve_args": "--port=8000"},
            "--serve-args: --port is set for each run",
        ),
        (
            {"backend": "vllm", "serve_image": "a", "serve_args": "--api-key secret"},
            "--api-key would stand in the list of processes",
        ),
        (
            {"backend": "vllm", "serve_image": "a", "serve_args": "--x '"},
            "--serve-args: cannot be split into words",
        ),
        (
            {"backend": "vllm", "serve_image": "a", "meters": ("nvml",), "engine": "docker"},
            "nvml in a container cannot see",
        ),
        ({"meters": ("nvlm",)}, "is not a meter"),
        ({"meters": ()}, "names no meter"),
        ({"meters": ("nvml", "nvml")}, "twice"),
        ({"meters": ("simulated",)}, "simulated backend only"),
        ({"region": "Atlantis"}, "no grid factor"),
        ({"endpoint": "http://127.0.0.1:8000/v1"}, "asks no server"),
        (
            {"backend": "optimum", "share_model_load": True},
            "--share-model-load: no run of the optimum backend loads a model that another",
        ),
        (
            {"backend": "vllm", "endpoint": "http://a", "share_model_load": True},
            "--share-model-load: no run of the vllm backend",
        ),
        ({"gpus": "simulated:2"}, "simulated GPUs cannot run"),
        ({"device": "cpu", "meters": ("codecarbon",), "given": {"gpus"}}, "looks at no GPU"),
        ({"device": "cpu", "given": {"gpus_per_run"}}, "takes no GPU"),
        ({"engine": "process", "given": {"image"}}, "uses no image"),
        (
            {"meters": ("codecarbon",), "idle_seconds": 5.0, "given": {"idle_seconds"}},
            "only nvml and dcgm watch the power of GPUs at rest",
        ),
        ({"detach": True}, "--detach: does nothing with the docker engine"),
        (
            {"engine": "process", "slurm_profile": Path("p.yaml")},
            "--slurm-profile: does nothing with the process engine. Add --engine slurm",
        ),
        ({"engine": "slurm", "given": {"gpus"}}, "--gpus: names GPUs of this machine"),
        (
            {"engine": "slurm", "detach": True, "given": {"parallel"}},
            "--parallel with --detach: nobody stays to submit the next run",
        ),
        (
            {"engine": "slurm", "detach": True, "given": {"hang_timeout"}},
            "--hang-timeout with --detach: nobody stays to notice a hang",
        ),
        (
            {"engine": "slurm", "detach": True, "given": {"retries"}},
            "--retries with --detach: nobody stays to try a run again",
        ),
        (
            {"engine": "slurm", "detach": True, "notify_url": "http://host/key"},
            "--notify-url with --detach: nobody stays to tell of the end",
        ),
        (
            {"engine": "slurm", "detach": True, "prefetch": "background"},
            "--prefetch background with --detach: nobody stays to download",
        ),
        ({"engine": "slurm", "share_model_load": True}, "--share-model-load: is not offered"),
        (
            {"engine": "slurm", "backend": "vllm", "serve_image": "a", "meters": ()},
            "--serve-image: starts a server on this machine",
        ),
        (
            {"engine": "slurm", "backend": "vllm", "endpoint": "http://localhost:1"},
            "--endpoint: is an address of this machine",
        ),
        ({"stop_at_ci": 0.01, "repetitions": 2}, "3 repetitions at the earliest, and only 2"),
        ({"stop_at_ci": 0.01, "meters": ("codecarbon",)}, "no meter measures it"),
        (
            {"prompts_file": Path("a.txt"), "dataset_dir": Path("data")},
            "--dataset-dir: goes instead of --prompts-file",
        ),
        ({"given": {"seed"}}, "--seed: is of a draw.*--sample stratified"),
        (
            {"prompts_file": Path("a.txt"), "seed": 0},
            "--sample stratified: a prompts file does not",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(changes, message):
    assert any(re.search(message, problem) for problem in said(**changes))


def test_the_gpus_of_a_server_on_this_machine_may_be_metered():
    flags = {"backend": "vllm", "endpoint": "http://localhost:1", "engine": "process"}
    assert said(**flags, meters=("nvml",)) == []
    assert said(**flags, meters=("nvml",), gpus="0,2", given={"gpus"}) == []


def test_a_server_of_our_own_runs_on_what_a_model_would_run_on():
    flags = {"backend": "vllm", "serve_image": "a", "engine": "process", "meters": ()}
    assert said(**flags) == []
    assert said(**flags, device="cpu", given={"device"}) == []
    assert said(**flags | {"meters": ("nvml",)}, given={"gpus", "gpus_per_run"}) == []
    quoted = "--hf-overrides '{\"rope_theta\": 1}'"
    assert said(**flags, serve_args=quoted, given={"serve_timeout"}) == []


@pytest.mark.parametrize("backend", ["pytorch", "simulated"])
def test_backends_that_load_models_here_may_share_the_load(backend):
    meters = ("simulated",) if backend == "simulated" else ("nvml",)
    assert said(backend=backend, meters=meters, share_model_load=True) == []


def test_a_cluster_may_be_asked_for_what_it_has():
    flags = {"engine": "slurm", "detach": True, "slurm_profile": Path("p.yaml")}
    assert said(**flags) == []
    assert said(engine="slurm", parallel=0, given={"parallel", "gpus_per_run", "image"}) == []


def test_a_secret_among_the_arguments_is_not_repeated():
    (told,) = said(backend="vllm", serve_image="a", serve_args="--api-key=secret", meters=())
    assert "secret" not in told


def test_all_wrong_flags_are_told_at_once():
    assert len(said(backend="vllm", meters=("nvlm",), region="Atlantis")) == 3


def test_they_come_before_the_samples_are_looked_at(tmp_path):
    """A fault in a file that should not be read at all would hide them."""
    catalog = catalogs.write(tmp_path / "mine.csv", catalogs.GOOD)
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\xff")
    flags = ("--csv", str(catalog), "--prompts-file", str(broken), "--dataset-dir", str(tmp_path))
    with pytest.raises(UsageError, match="goes instead of --prompts-file"):
        run_batch(settings(*flags), dry_run=True, as_json=False)


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        ({"backend": "vllm", "endpoint": "http://h:1/v1", "meters": (), "parallel": 4}, "--paral"),
        ({"backend": "optimum", "meters": ("codecarbon",), "hang_seconds": 9.0}, "--hang-timeout"),
        ({"device": "cpu", "meters": ("codecarbon",), "parallel": 0}, "--parallel auto"),
    ],
)
def test_flags_of_a_sweep_that_would_change_nothing_are_refused(flags, part):
    given = {"parallel"} if "parallel" in flags else {"hang_timeout"}
    assert any(part in problem for problem in said(**flags, given=given))
