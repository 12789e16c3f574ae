"""Flags win over the environment, the environment over `.env`, the file over defaults."""

from pathlib import Path

import pytest

import batch_runner
from benchmark_core.meters.registry import fastest_first
from orchestrator.errors import UsageError
from orchestrator.settings import METERS
from orchestrator.settings_sources import from_arguments
from tests.support.settings import settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_default_is_the_official_protocol():
    made = settings()
    assert (made.num_prompts, made.repetitions, made.engine) == (None, 10, "docker")
    assert made.meters == ("nvml", "codecarbon")
    assert made.backend == "pytorch"
    assert str(made.csv) == "models.csv"
    assert str(made.output_dir) == "batch_results"


def test_a_preset_is_a_start_and_flags_win():
    assert (settings("--preset", "overnight").num_prompts) == 50
    made = settings("--preset", "overnight", "--repetitions", "5")
    assert (made.num_prompts, made.repetitions) == (50, 5)


def test_requests_go_one_by_one_unless_more_are_asked_for(capsys):
    assert settings().concurrency == 1
    assert settings("--concurrency", "32").concurrency == 32
    for wrong in ("0", "1025", "two"):
        with pytest.raises(SystemExit):
            settings("--concurrency", wrong)
    assert "'1025' is more than 1024" in capsys.readouterr().err


def test_simulated_runs_need_no_device():
    made = settings("--backend", "simulated")
    assert (made.device, made.meters, made.gpus) == ("simulated", ("simulated",), "simulated:8")


def test_the_cpu_has_no_gpu_meter():
    assert settings("--device", "cpu").meters == ("codecarbon",)


def test_use_docker_false_means_process():
    assert settings(environ={"USE_DOCKER": "false"}).engine == "process"
    assert settings("--engine", "docker", environ={"USE_DOCKER": "false"}).engine == "docker"


def test_a_truth_that_is_neither_is_refused():
    with pytest.raises(UsageError, match=r"USE_DOCKER.*neither true nor false"):
        settings(environ={"USE_DOCKER": "maybe"})


def test_the_env_file_is_below_the_environment(empty_folder):
    (empty_folder / ".env").write_text("DOCKER_IMAGE=from-file\nHF_TOKEN=hf_file\n")
    assert settings(environ={}).image == "from-file"
    assert settings(environ={"DOCKER_IMAGE": "from-env"}).image == "from-env"
    assert (
        settings("--image", "from-flag", environ={"DOCKER_IMAGE": "from-env"}).image == "from-flag"
    )
    assert settings(environ={}).token == "hf_file"


def test_a_named_env_file_must_exist():
    with pytest.raises(UsageError, match="no such file"):
        settings("--env-file", "missing.env")


def test_the_token_is_found_where_a_login_leaves_it(empty_folder):
    home = empty_folder / "home"
    place = home / ".cache" / "huggingface" / "token"
    place.parent.mkdir(parents=True)
    place.write_text("hf_login\n")
    assert settings(environ={"HOME": str(home)}).token == "hf_login"
    place.unlink()
    old = home / ".huggingface" / "token"
    old.parent.mkdir()
    old.write_text("hf_old\n")
    assert settings(environ={"HOME": str(home)}).token == "hf_old"
    assert settings(environ={"HOME": str(home), "HF_TOKEN": "hf_env"}).token == "hf_env"


@pytest.mark.parametrize("name", ["HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HOME"])
def test_the_home_of_nobody_is_one_message(name):
    with pytest.raises(UsageError, match=r"'~nosuchuser.*is not known here") as refused:
        settings(environ={"HOME": "/x", name: "~nosuchuser/x"})
    (problem,) = refused.value.problems
    assert problem.where == f"environment variable {'HF_HOME' if name == 'HOME' else name}"


@pytest.mark.parametrize(
    ("flags", "meters"),
    [
        (("--engine", "process"), ("nvml",)),
        (("--engine", "process", "--meters", "dcgm"), ("dcgm",)),
        (("--engine", "process", "--device", "cpu"), ()),
        # A run in a container sees no server beside it.
        (("--engine", "docker"), ()),
    ],
)
def test_a_server_of_our_own_is_measured_where_its_run_can_see_it(flags, meters):
    made = settings("--backend", "vllm", "--serve-image", "acme/vllm:1", *flags)
    assert made.meters == meters
    other = settings("--backend", "vllm", "--endpoint", "http://localhost:1", *flags[:2])
    assert other.meters == ()


def test_the_hub_cache_follows_the_usual_variables():
    assert settings(environ={"HOME": "/h"}).hub_cache == Path("/h/.cache/huggingface/hub")
    assert settings(environ={"HF_HOME": "/data"}).hub_cache == Path("/data/hub")
    assert settings(environ={"HF_HUB_CACHE": "/c"}).hub_cache == Path("/c")


@pytest.mark.parametrize(
    ("flags", "seconds"),
    [
        ([], 5.0),
        (["--meters", "codecarbon,dcgm"], 5.0),
        (["--meters", "nvml", "--idle-seconds", "60"], 60.0),
        (["--meters", "codecarbon"], None),
        (["--device", "cpu"], None),
        (["--device", "cpu", "--meters", "nvml"], 5.0),
        (["--backend", "simulated"], None),
    ],
)
def test_power_at_rest_is_watched_where_a_meter_of_real_gpus_can(flags, seconds):
    assert settings(*flags).idle_seconds == seconds


@pytest.mark.parametrize(
    ("text", "share"),
    [("1%", 0.01), ("0.5%", 0.005), ("0.7%", 0.007), (" 99.9 % ", 0.999), (".5%", 0.005)],
)
def test_the_target_of_the_interval_is_a_percentage(text, share):
    assert settings("--stop-at-ci", text).stop_at_ci == share


def test_meters_are_asked_in_one_order_however_they_are_named():
    assert settings("--meters", "codecarbon,nvml,odd").meters == ("nvml", "codecarbon", "odd")
    order = ["nvml", "dcgm", "simulated", "codecarbon"]
    assert settings("--meters", ",".join(sorted(order))).meters == tuple(order)
    assert fastest_first(METERS) == fastest_first(METERS[::-1]) == order


@pytest.mark.parametrize(
    ("flags", "seed"),
    [
        ([], None),
        (["--sample", "first"], None),
        (["--sample", "stratified"], 0),
        (["--sample", "stratified", "--seed", "42"], 42),
        (["--seed", "42"], None),
    ],
)
def test_samples_are_drawn_with_a_seed_or_the_first_are_taken(flags, seed):
    assert settings(*flags).seed == seed
    assert ("seed" in settings(*flags).given) == ("--seed" in flags)


def test_own_samples_are_named_by_path():
    assert settings().dataset_dir is None
    assert settings("--dataset-dir", "my data").dataset_dir == Path("my data")


def test_repetitions_do_not_end_early_unless_asked_to():
    assert settings().stop_at_ci is None


def test_a_target_without_its_sign_is_refused_with_the_remedy(capsys):
    with pytest.raises(SystemExit):
        batch_runner.build_parser().parse_args(["--stop-at-ci", "0.01"])
    assert "1% means one hundredth" in capsys.readouterr().err


def test_the_help_shows_percentages_as_they_are_written(capsys):
    with pytest.raises(SystemExit) as caught:
        batch_runner.build_parser().parse_args(["--help"])
    assert caught.value.code == 0
    assert "within P% of its mean" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "flags",
    [
        ["--idle-seconds", "0"],
        ["--idle-seconds", "60.1"],
        ["--idle-seconds", "0.4"],
        ["--idle-seconds", "nan"],
        ["--stop-at-ci", "1"],
        ["--stop-at-ci", "0%"],
        ["--stop-at-ci", "100%"],
        ["--stop-at-ci", "-1%"],
        ["--stop-at-ci", "nan%"],
        ["--stop-at-ci", "1%%"],
        ["--stop-at-ci", "%"],
        ["--num-prompts", "0"],
        ["--num-prompts", "many"],
        ["--repetitions", "-1"],
        ["--timeout", "0"],
        ["--timeout", "inf"],
        ["--backend", "tensorflow"],
        ["--engine", "podman"],
        ["--preset", "quick"],
        ["--sample", "random"],
        ["--seed", "-1"],
        ["--seed", "1.5"],
        ["--seed", "1000000000"],
        ["--seed", "\u0664"],
        ["--num-prompt", "3"],
        ["--unknown"],
    ],
)
def test_wrong_flags_exit_with_two(flags, capsys):
    with pytest.raises(SystemExit) as caught:
        batch_runner.build_parser().parse_args(flags)
    assert caught.value.code == 2
    assert flags[0] in capsys.readouterr().err


def test_the_environment_of_the_process_is_used_by_default(monkeypatch):
    monkeypatch.setenv("DOCKER_IMAGE", "from-process")
    assert from_arguments(batch_runner.build_parser().parse_args([])).image == "from-process"
