"""The original's arguments really run: on the CPU, with tiny models, as a user would type them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from benchmark_core.contract import RUN_ENTRIES, Launch, RunSpec
from benchmark_core.report.run_report import RunReport
from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support import simulated_driver
from tests.support.chat_server import Handler, chunk, serving
from tests.support.direct import direct
from tests.support.runner import ROOT, environment, wait_for
from tests.support.unprivileged import unprivileged_uid

REASONER = "backend.model=demo/tiny-llama-reasoner"
TEXT = ("--config-name", "text_generation", REASONER, "backend.device=cpu")
FEW = "scenario.num_samples=2"
TOKEN = "hf_" + "planted" * 4
SIMULATED = ("--config-name", "text_generation", "backend.model=a/b", "backend.name=simulated")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a user's folder, with comma")
    build_zoo(folder / "hub", ["demo/tiny-llama-reasoner", "demo/tiny-vit"])
    build_samples(folder / "samples")
    return folder


def offline(place: Path, results: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    hub = {"HF_HUB_CACHE": str(place / "hub"), "HF_HUB_OFFLINE": "1"}
    return direct(*words, cwd=place, RESULTS_DIR=str(results), **hub)


def test_text_generation_a_reasoning_run_and_a_forward_task_run_one_after_the_other(
    place: Path, tmp_path: Path
) -> None:
    results = tmp_path / "my results"
    own = "scenario.prompts_file=samples/text_generation.jsonl"
    images = "scenario.dataset_dir=samples/image_classification"
    vit = ("--config-name", "image-classification", "backend.model=demo/tiny-vit")
    runs = [
        (*TEXT, own, FEW),
        (*TEXT, own, FEW, "scenario.reasoning=True", "scenario.repetitions=2"),
        (*vit, "backend.device=cpu", images, FEW),
    ]
    for words in runs:
        done = offline(place, results, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    folders = [results / "attempts" / "1", results / "attempts" / "2", results]
    reports = [RunReport.read(folder / "benchmark_report.json") for folder in folders]
    for folder, report in zip(folders, reports, strict=True):
        spec = RunSpec.read(folder / "run_spec.json")
        assert (report.outcome, report.spec_hash) == ("finished", spec.spec_hash())
        assert report.summary is not None
        assert report.summary.successful_prompts == 2
        launch = Launch.read(folder / "launch.json")
        assert (launch.engine, launch.image, launch.gpu_uuids) == ("direct", None, ())
    assert [len(report.repetitions) for report in reports] == [1, 2, 1]
    assert [report.applied and report.applied.kind for report in reports] == [
        *("generate", "generate", "forward")
    ]
    assert reports[1].reasoning is not None
    assert reports[1].reasoning.requested == "On"
    assert "is in attempts/2 now" in done.stderr
    assert "demo_tiny-vit_image_classification finished: 2 of 2 samples" in done.stdout
    assert not (results / "reasoning_tokens.csv").exists()
    left = {path.name for folder in folders for path in folder.iterdir()}
    assert left <= {*RUN_ENTRIES, "attempts"}


def test_a_config_file_of_ones_own_runs_and_without_a_variable_in_the_folder_results(
    place: Path,
) -> None:
    (place / "own configs").mkdir()
    (place / "own configs" / "mine.yaml").write_text(
        "defaults: [text_generation, _self_]\n"
        "backend: {model: demo/tiny-llama-reasoner, device: cpu}\n"
        "scenario: {num_samples: 1, prompts_file: ../samples/text_generation.jsonl}\n"
    )
    hub = {"HF_HUB_CACHE": str(place / "hub"), "HF_HUB_OFFLINE": "1"}
    words = ("--config-dir", "own configs", "--config-name", "mine")
    done = direct(*words, cwd=place, **hub)
    assert done.returncode == 0, done.stdout + done.stderr
    report = RunReport.read(place / "results" / "benchmark_report.json")
    assert report.summary is not None
    assert report.summary.total_prompts == 1


def test_the_first_of_several_gpus_is_taken_metered_and_named(tmp_path: Path) -> None:
    """Up to the loading of the model, which finds no CUDA here."""
    driver = simulated_driver.build(tmp_path / "driver", gpus=8, watts=100)
    words = ("--config-name", "text_generation", "backend.model=demo/none", FEW)
    (tmp_path / "p.txt").write_text("one\ntwo\n")
    done = direct(
        *(*words, "scenario.prompts_file=p.txt"),
        cwd=tmp_path,
        LD_LIBRARY_PATH=str(driver),
        HF_HUB_OFFLINE="1",
        HF_HUB_CACHE=str(tmp_path / "hub"),
    )
    assert "8 GPUs are visible; the first is used" in done.stderr
    launch = Launch.read(tmp_path / "results" / "launch.json")
    assert launch.gpu_uuids == (simulated_driver.uuid(0),)
    spec = RunSpec.read(tmp_path / "results" / "run_spec.json")
    assert (spec.device.kind, spec.device.gpu_count) == ("cuda", 1)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_without_a_gpu_the_remedy_is_told(tmp_path: Path) -> None:
    done = direct("--config-name", "text_generation", "backend.model=a/b", cwd=tmp_path)
    if "GPU is visible" not in done.stderr:
        pytest.skip("this machine has GPUs")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "docker run --gpus all" in done.stderr
    assert "backend.device=cpu" in done.stderr
    assert not (tmp_path / "results").exists()


def test_wrong_arguments_are_told_all_at_once_and_nothing_is_made(tmp_path: Path) -> None:
    done = direct(
        *("--config-name", "text_generation", "backend.modle=x", "scenario.num_samples=no"),
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert [line[:7] for line in done.stderr.splitlines()] == ["error: "] * 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backend.model=a/b",), "no config is named"),
        (("--config-name",), "expected one argument"),
        (
            ("--config-name", "text_generation", REASONER, "--config-name=summarization"),
            "argument --config-name: is given more than once; leave all but one out",
        ),
        (("--config-dir", "a", "--config-dir", "b", REASONER), "is given more than once"),
        (
            ("--config-name", "text_generation", "backend.model=" + "x" * 300 + "/y"),
            "has a part of more than 255 bytes, as no file or model is called. Write its name.",
        ),
        (
            ("--config-name", "text_generation", REASONER, "scenario.prompts_file=~nosuchuser/x"),
            "begins with the home folder of a user who is not known here. Write the whole path.",
        ),
        (("--config-name", "text_generation", "a=b", "--multirun"), "unrecognized arguments"),
        ((), "usage"),
        (("measure", "x"), "invalid choice"),
    ],
)
def test_arguments_that_are_no_run_are_refused(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = direct(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_the_packages_is_told_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "benchmark_core", *SIMULATED],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("error: the package pydantic is not installed for ")
    assert done.stderr.count("\n") == 1


def test_the_help_names_the_form_of_a_command(tmp_path: Path) -> None:
    assert "--config-name TASK" in direct("--help", cwd=tmp_path).stdout
    done = direct("--config-name", "text_generation", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "backend.model=ORG/NAME" in done.stdout


def test_a_results_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = direct(*SIMULATED, cwd=tmp_path, RESULTS_DIR=str(tmp_path / "file"))
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "cannot be written" in line
    assert "RESULTS_DIR names another" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user here")
def test_a_results_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    for parent in [tmp_path, *tmp_path.parents]:
        parent.chmod(parent.stat().st_mode | 0o001)
    program = (
        f"import os; os.setgid({unprivileged_uid()}); os.setuid({unprivileged_uid()})\n"
        "from pathlib import Path\n"
        "from benchmark_core.direct.results_folder import held\n"
        "try:\n    with held(Path('.')): print('held')\n"
        "except PermissionError as error: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import benchmark_core.direct.results_folder\n{program}"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "refused\n", done.stderr


def test_a_token_in_the_environment_is_warned_of_and_written_nowhere(tmp_path: Path) -> None:
    words = ("--config-name", "text_generation", "backend.model=a/b", "backend.device=cpu")
    hub = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)}
    (tmp_path / "p.txt").write_text("one\n")
    own = "scenario.prompts_file=p.txt"
    done = direct(*words, own, cwd=tmp_path, HF_TOKEN=TOKEN, **hub)
    assert "`docker inspect`" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN not in path.read_text(errors="replace")


def test_no_token_at_all_is_one_line(tmp_path: Path) -> None:
    words = ("--config-name", "text_generation", "backend.model=a/b", "backend.device=cpu")
    (tmp_path / "p.txt").write_text("one\n")
    done = direct(
        *(*words, "scenario.prompts_file=p.txt"),
        cwd=tmp_path,
        HOME=str(tmp_path),
        HF_ENDPOINT="http://127.0.0.1:9",
    )
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: Hugging")]
    assert warnings == [
        "warning: Hugging Face: no token was found, so gated models will fail. Log in with"
        " `hf auth login`, or set HF_TOKEN."
    ]
    rehearsal = direct(*SIMULATED, FEW, cwd=tmp_path, HOME=str(tmp_path))
    assert (rehearsal.returncode, rehearsal.stderr.count("Hugging")) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_one_line(tmp_path: Path, number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmark_core", *SIMULATED, "scenario.num_samples=900000"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: (tmp_path / "results" / "benchmark_results.csv").exists())
    child.send_signal(number)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted: there is no report" in told
    assert "Traceback" not in told
    again = direct(*SIMULATED, FEW, cwd=tmp_path)
    assert again.returncode == 0
    assert (tmp_path / "results" / "attempts" / "1" / "run_spec.json").exists()


def test_two_at_once_into_one_folder_are_refused(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmark_core", *SIMULATED, "scenario.num_samples=900000"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: (tmp_path / "results" / "run_spec.json").exists())
        done = direct(*SIMULATED, FEW, cwd=tmp_path)
    finally:
        child.kill()
        child.wait()
    assert done.returncode == 3
    assert "another run is writing there" in done.stderr
    assert not (tmp_path / "results" / "attempts").exists()


def test_a_run_that_fails_says_so_and_leaves_its_report(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("one\n")
    hub = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    words = ("--config-name", "text_generation", "backend.model=no/such", "backend.device=cpu")
    done = direct(*words, "scenario.prompts_file=p.txt", cwd=tmp_path, **hub)
    assert done.returncode == 1
    report = json.loads((tmp_path / "results" / "benchmark_report.json").read_text())
    assert report["failure"]["message"] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_no_answer_of_a_server(
    place: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """The server begins one, and would be silent for longer than the test has patience."""
    over = Event()

    def reply(handler: Handler, body: dict[str, object]) -> None:
        handler.begin_stream()
        handler.send_event(chunk(" one"))
        over.wait(300)
        handler.close_connection = True

    (tmp_path / "p.txt").write_text("one\n")
    with serving(reply, model="demo/tiny-llama-reasoner") as (url, requests):
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmark_core", *TEXT[:3], "scenario.prompts_file=p.txt"],
            cwd=tmp_path,
            env=environment(
                PYTHONPATH=str(ROOT),
                BENCHMARK_BACKEND="vllm",
                VLLM_ENDPOINT=url,
                HF_HUB_CACHE=str(place / "hub"),
                HF_HUB_OFFLINE="1",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            wait_for(lambda: requests or child.poll() is not None)
            child.send_signal(number)
            told, _ = child.communicate(timeout=60)
        finally:
            over.set()
            child.kill()
    assert requests, told
    assert (child.returncode, "interrupted: there is no report" in told) == (130, True), told
    assert "Traceback" not in told
