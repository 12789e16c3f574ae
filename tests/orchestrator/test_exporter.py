"""What the flags about a DCGM exporter mean, and what is asked of it before anything is spent."""

import json
from pathlib import Path
from typing import Any

import pytest

import batch_runner
from orchestrator.batch import run_batch
from orchestrator.catalog import ModelConfig
from orchestrator.contradictions import find_contradictions
from orchestrator.errors import HostError, UsageError
from orchestrator.exporter import find_exporter_problems, find_exporter_warnings
from orchestrator.gpus import named_gpus
from orchestrator.run_planner import GpuSet, make_plan
from orchestrator.settings import Settings
from orchestrator.simulation_file import Simulations
from tests.support import catalogs
from tests.support.dcgm_server import Gpu, serving, uuid
from tests.support.settings import settings

URL = "http://gpu-host:9400/metrics"
REMOTE = ("--device", "cpu", "--engine", "process", "--meters", "dcgm")
FOUR = ",".join(uuid(number) for number in range(4))


def remote(*flags: str, **changes: str | None) -> Settings:
    made: dict[str, Any] = {"dcgm_endpoint": URL, "gpus": uuid(0)} | changes
    return settings(*REMOTE, *flags, **made)


def said(made: Settings) -> list[str]:
    return [str(problem) for problem in find_contradictions(made)]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_endpoint_comes_from_the_flag_or_with_the_meter_from_the_environment() -> None:
    there = {"DCGM_ENDPOINT": "http://from-environment:9400"}
    assert settings("--meters", "dcgm", environ=there).dcgm_endpoint == there["DCGM_ENDPOINT"]
    assert settings("--dcgm-endpoint", URL, environ=there).dcgm_endpoint == URL
    assert settings(environ=there).dcgm_endpoint is None
    assert settings("--meters", "dcgm", environ={"DCGM_ENDPOINT": ""}).dcgm_endpoint is None


def test_a_whole_command_line_has_nothing_against_it() -> None:
    assert said(remote("--gpus", uuid(0))) == []


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (remote(dcgm_endpoint=None), "where its exporter answers"),
        (settings("--device", "cpu", "--dcgm-endpoint", URL), "without the dcgm meter"),
        (remote(dcgm_endpoint="gpu-host:9400"), "http:// or https://"),
        (remote(dcgm_endpoint="http://me:hunter2@gpu-host:9400"), "a user name or password"),
        (remote(dcgm_endpoint="http://gpu-host/metrics?key=hunter2"), "a query"),
        (remote("--meters", "nvml,dcgm"), "dcgm and nvml"),
        (remote("--gpus-per-run", "2"), "all that are named"),
        (remote(gpus="all"), "only UUIDs"),
        (remote(gpus="0,1"), "only UUIDs"),
        (remote(gpus=f"{uuid(0)},1"), "only UUIDs"),
        (remote("--engine", "docker", dcgm_endpoint="http://localhost:9400"), "itself"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_no_secret_repeated(
    made: Settings, expected: str
) -> None:
    (problem,) = said(made)
    assert expected in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("flags", [("--backend", "simulated"), ("--engine", "docker")])
def test_a_container_without_network_reaches_no_exporter(flags: tuple[str, ...]) -> None:
    made = settings(
        *flags, "--meters", "dcgm", "--gpus", uuid(0), "--dcgm-endpoint", URL, offline=True
    )
    assert any("no network" in problem for problem in said(made))


def test_indices_will_do_where_the_model_computes_on_gpus_of_this_machine() -> None:
    made = settings("--engine", "process", "--meters", "dcgm", "--dcgm-endpoint", URL)
    assert not made.names_remote_gpus
    assert said(made) == []


def test_gpus_of_another_machine_are_known_by_their_uuid_alone() -> None:
    named = named_gpus("GPU-00AB, gpu-ff")
    assert [(gpu.index, gpu.uuid) for gpu in named] == [(0, "GPU-00ab"), (1, "GPU-ff")]
    assert named_gpus("all") == named_gpus("0") == named_gpus("simulated:2") == []


@pytest.mark.parametrize("model_class", ["A", "C"])
def test_every_row_meters_all_gpus_that_were_named(model_class: Any) -> None:
    row = ModelConfig(
        model_id="org/model",
        priority=1,
        model_class=model_class,
        task="text_generation",
        reasoning_state="Off",
        gpus=None,
        line=2,
    )
    gpus = GpuSet(count=4, memory_bytes=80 * 10**9)
    (run,) = make_plan([row], remote(gpus=FOUR), gpus, None, Simulations()).runs
    assert run.spec.device.gpu_count == 4
    assert run.spec.meters == ("dcgm",)


def test_an_exporter_that_shows_the_gpus_is_no_problem() -> None:
    with serving(Gpu(0, 100), Gpu(1, 100)) as exporter:
        made = remote(dcgm_endpoint=exporter.url)
        assert list(find_exporter_problems(made, named_gpus(f"{uuid(1)},{uuid(0)}"))) == []
        assert len(exporter.requests) == 1


def test_every_problem_of_an_exporter_is_told_with_its_remedy() -> None:
    shared, mute = Gpu(1, 100), Gpu(2, 100)
    shared.extra_labels = 'GPU_I_PROFILE="1g.10gb",GPU_I_ID="4",'
    mute.energy_text = ""
    with serving(Gpu(0, 100), shared, mute) as exporter:
        made = remote(dcgm_endpoint=exporter.url)
        problems = list(find_exporter_problems(made, named_gpus(FOUR)))
    assert [problem.where for problem in problems] == ["--dcgm-endpoint"] * 3
    assert all(problem.remedy for problem in problems)
    mig, energy, absent = (problem.what for problem in problems)
    assert uuid(1) in mig
    assert "MIG" in mig
    assert "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" in energy
    assert f"shows no GPU {uuid(3)}" in absent
    assert uuid(0) in absent


def test_an_exporter_that_does_not_answer_is_a_problem_of_the_host() -> None:
    with serving() as exporter:
        made = remote(dcgm_endpoint=exporter.url)
    (problem,) = find_exporter_problems(made, named_gpus(uuid(0)))
    assert "cannot be read" in problem.what
    assert problem.remedy


def test_nobody_is_asked_without_the_meter() -> None:
    assert list(find_exporter_problems(settings(), [])) == []


def test_cpu_energy_of_another_machine_is_pointed_out() -> None:
    both = remote("--meters", "dcgm,codecarbon")
    (warning,) = find_exporter_warnings(both)
    assert "this machine" in warning.what
    assert list(find_exporter_warnings(remote())) == []
    here = remote("--meters", "dcgm,codecarbon", dcgm_endpoint="http://127.0.0.1:9400")
    assert list(find_exporter_warnings(here)) == []


def rehearse(tmp_path: Path, url: str, *flags: str, dry_run: bool = False) -> int:
    catalog = catalogs.write(tmp_path / "models.csv", catalogs.GOOD)
    (tmp_path / "simulation.yaml").write_text("default: {seconds_per_sample: 0.02}\n")
    arguments = ["--csv", str(catalog), "--backend", "simulated", "--engine", "process"]
    arguments += ["--simulation", str(tmp_path / "simulation.yaml"), "--meters", "dcgm"]
    arguments += ["--dcgm-endpoint", url, "--output-dir", str(tmp_path / "out")]
    arguments += ["--num-prompts", "5", "--repetitions", "1", *flags]
    parsed = batch_runner.build_parser().parse_args(arguments)
    made = settings(*arguments)
    return run_batch(made, dry_run=dry_run, as_json=parsed.json)


def test_a_wrong_gpu_stops_the_command_before_anything_is_written(tmp_path: Path) -> None:
    with serving(Gpu(0, 100)) as exporter:
        with pytest.raises(HostError, match=f"shows no GPU {uuid(5)}"):
            rehearse(tmp_path, exporter.url, "--gpus", uuid(5))
        with pytest.raises(UsageError, match="only UUIDs"):
            rehearse(tmp_path, exporter.url)
        assert not (tmp_path / "out").exists()


def test_a_dry_run_shows_the_problem_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Gpu(0, 100)) as exporter:
        flags = ("--gpus", uuid(5), "--dry-run", "--json")
        assert rehearse(tmp_path, exporter.url, *flags, dry_run=True) == 0
    assert f"shows no GPU {uuid(5)}" in json.dumps(json.loads(capsys.readouterr().out))


def test_a_run_is_given_the_exporter_and_the_gpus_and_meters_them(tmp_path: Path) -> None:
    with serving(Gpu(0, 100), Gpu(1, 300), Gpu(2, 1), interval=0.05) as exporter:
        code = rehearse(
            tmp_path, exporter.url, "--gpus", f"{uuid(1)},{uuid(0)}", "--idle-seconds", "0.5"
        )
        url = exporter.url
    (folder,) = (tmp_path / "out" / "individual_runs").iterdir()
    launch = json.loads((folder / "launch.json").read_text())
    assert launch["dcgm_endpoint"] == url
    assert launch["gpu_uuids"] == [uuid(1), uuid(0)]
    report = json.loads((folder / "benchmark_report.json").read_text())
    assert code == 0, report["failure"]
    assert report["rehearsal"]
    (repetition,) = report["repetitions"]
    for window in repetition["windows"]:
        reading = window["reading"]
        if reading["gpu_joules"] is not None:
            joules = reading["gpu_joules_by_device"]
            assert set(joules) == {uuid(0), uuid(1)}
            assert abs(reading["gpu_joules"] - 400 * window["duration_seconds"]) <= max(
                reading["gpu_doubt_joules"], 4
            )
    assert any(window["reading"]["gpu_joules"] for window in repetition["windows"])
