"""What is examined before anything starts, and how it is told."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmark_core import VERSION
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.process import ProcessEngine
from orchestrator.gpus import Gpu
from orchestrator.preflight.examination import examine, warnings_of
from orchestrator.preflight.host_checks import check_engine
from orchestrator.preflight.plan_checks import check_meters
from orchestrator.preparation import Preparation
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import Plan
from tests.support import catalogs, simulated_driver
from tests.support.catalogs import HEADER
from tests.support.file_hub import FileHub, serving
from tests.support.image import STUB_TAG, require_image
from tests.support.on_terminal import on_terminal
from tests.support.runner import ROOT, environment
from tests.support.settings import settings

H100 = Gpu(
    index=0,
    uuid="GPU-0",
    name="NVIDIA H100 80GB HBM3",
    memory_bytes=85_520_809_984,
    simulated=False,
    power_limit_watts=700.0,
    default_power_limit_watts=700.0,
    ecc=True,
    persistence=True,
)


def examined(tmp_path, *flags, gpus=(), runs=(), skipped=()):
    made = settings("--engine", "process", "--output-dir", str(tmp_path), *flags)
    return examine(Preparation(made, Plan(runs, skipped), ProcessEngine(tmp_path), gpus))


def warnings(tmp_path, *gpus):
    found = warnings_of(examined(tmp_path, gpus=gpus))
    return [str(problem) for problem in found if problem.where.startswith("GPU ")]


def test_an_h100_at_its_own_power_limit_needs_no_word(tmp_path):
    assert warnings(tmp_path, H100) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "NVIDIA H200", "memory_bytes": 150_754_820_096}, "150.8 GB"),
        ({"name": "NVIDIA H100 NVL", "memory_bytes": 100_485_038_080}, "100.5 GB"),
        ({"power_limit_watts": 500.0}, "asked a limit of 700 W vs found 500 W"),
        ({"memory_bytes": None}, "unknown"),
        ({"default_power_limit_watts": None}, "a default that is not known"),
    ],
)
def test_other_hardware_is_named_with_what_is_different(tmp_path, change, said):
    other = replace(H100, index=3, **change)
    (warning,) = warnings(tmp_path, H100, other)
    assert "GPU 3" in warning
    assert said in warning
    assert "none of them is official" in warning


def test_simulated_gpus_and_those_of_other_machines_are_not_judged(tmp_path):
    simulated = replace(H100, name="SIMULATED GPU 0", memory_bytes=None, simulated=True)
    elsewhere = replace(H100, name="", memory_bytes=None)
    assert warnings(tmp_path, simulated, elsewhere) == []


@pytest.mark.parametrize(
    ("flags", "simulated", "level"),
    [
        (("--engine", "docker"), False, "problem"),
        (("--engine", "docker"), True, "warning"),
        (("--engine", "process"), False, None),
    ],
)
def test_no_container_of_a_run_on_the_cpu_reads_a_real_gpu(tmp_path, flags, simulated, level):
    gpu = replace(H100, simulated=simulated)
    flags = (*flags, "--device", "cpu", "--meters", "nvml", "--gpus", "0")
    made = settings("--output-dir", str(tmp_path), *flags)
    prepared = Preparation(made, Plan(("run",), ()), ProcessEngine(tmp_path), (gpu,))
    levels = [finding.level for finding in check_meters(prepared)]
    assert levels == ([level] if level else [])


# ------------------------------------------------------------------ the command

ROWS = ("org/model-2b,1,A,text_gen,On,", "org/large-70B,1,B,text_gen,Off,")


class Command:
    """`python -m orchestrator preflight` with a small catalog."""

    def __init__(self, place: Path):
        self.place = place
        self.catalog = catalogs.write(place / "mine.csv", *ROWS)

    def arguments(self, *flags):
        return [
            *(sys.executable, "-m", "orchestrator", "preflight", "--csv", str(self.catalog)),
            *("--output-dir", str(self.place / "results"), "--engine", "process", *flags),
        ]

    def run(self, *flags, **variables):
        """Its exit code and its findings, as (check, level, words)."""
        done = subprocess.run(
            self.arguments(*flags, "--json"),
            cwd=ROOT,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        findings = json.loads(done.stdout)["findings"]
        return done.returncode, [
            (one["check"], one["level"], " ".join((one["where"], one["what"], one["remedy"])))
            for one in findings
        ]

    def said(self, check, *flags, **variables):
        _, findings = self.run(*flags, **variables)
        return [(level, words.strip()) for name, level, words in findings if name == check]


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def driven(driver, **behaviour):
    made = simulated_driver.environment(driver, **behaviour)
    return {name: made[name] for name in made if "AIES_SIM" in name or name == "LD_LIBRARY_PATH"}


def test_gpus_are_shown_with_all_that_changes_what_they_draw(command, driver):
    code, findings = command.run(
        **driven(driver, gpus=2, persistence=0, ecc=0, limit_change="0:500", fault_gpu=1)
    )
    first, second, *warned = [words.strip() for check, _, words in findings if check == "GPUs"]
    name, modes = "SIMULATED NVIDIA H100 80GB HBM3, 85.9 GB", "ECC off, persistence mode off"
    assert first == f"0: {name}, limit 700 W (its default), {modes}, MIG off"
    assert second == f"1: {name}, limit 500 W (default 700 W), {modes}, MIG off"
    assert [words.rpartition("Run: ")[2] for words in warned] == [
        *("nvidia-smi -i 0 -pm 1", "nvidia-smi -i 1 -pm 1")
    ]
    assert code == 0


def test_a_host_that_is_not_ready_is_exit_code_3(command, driver):
    code, findings = command.run(**driven(driver, mig=1))
    assert code == 3
    (words,) = [words for check, level, words in findings if level == "problem"]
    assert words.startswith("--gpus MIG mode is on")


def test_rows_that_would_be_left_out_are_named(command, driver):
    catalogs.write(command.catalog, *ROWS, "org/huge,1,C,text_gen,Off,,8", header=f"{HEADER},GPUs")
    told = [words for level, words in command.said("catalog", **driven(driver)) if level != "ok"]
    assert [words.partition("mine.csv, ")[2] for words in told] == [
        "line 4 org/huge needs 8 GPUs, and 1 may be used The row is skipped; allow more with"
        " --gpus, or set the row's GPUs column."
    ]


def test_a_model_too_large_for_its_gpus_is_named_and_its_remedy(command, driver):
    ((level, words),) = command.said("memory", **driven(driver))
    assert (level, "org/large-70B" in words) == ("warning", True)
    assert "168 GB in 16 bits, and the GPUs of its run have 86 GB" in words
    assert "GPUs column" in words


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("org/Mixtral-8x7B-v0.1", 134),
        ("org/Llama-3.1-70B-Instruct", 168),
        ("org/gemma-2-2b", None),
        ("org/Qwen3-235B-A22B", 564),
        ("org/Llama-3-70B-AWQ-4bit", None),
        ("openai/gpt-oss-120b", None),
        ("org/bert-large", None),
    ],
)
def test_sizes_are_read_from_names_where_they_are_sure(command, driver, name, gigabytes):
    catalogs.write(command.catalog, f"{name},1,A,text_gen,Off,")
    ((level, words),) = command.said("memory", **driven(driver))
    assert (f"some {gigabytes} GB" in words) if gigabytes else (level == "ok")


def test_with_a_wrong_catalog_the_host_is_examined_all_the_same(command):
    catalogs.write(command.catalog, "org/model,1,Z,text_gen,On,", "org/model,1,A,poetry,On,")
    code, findings = command.run("--device", "cpu")
    assert code == 2
    wrong = [words for check, level, words in findings if (check, level) == ("catalog", "problem")]
    assert [words.partition("mine.csv, ")[2].partition(" ")[0:1] for words in wrong] == [
        ("line",),
        ("line",),
    ]
    assert {"engine", "output", "clock"} <= {check for check, _, _ in findings}


def test_an_output_directory_in_use_names_its_holder(command):
    directory = RunDirectory(command.place / "results")
    directory.create()
    with directory.lock():
        code, findings = command.run("--device", "cpu")
    assert code == 3
    (words,) = [
        words for check, level, words in findings if (check, level) == ("output", "problem")
    ]
    assert f"another sweep is using it (process {os.getpid()} on {socket.gethostname()})" in words


def test_a_clock_that_was_set_back_is_noticed(command):
    folder = command.place / "results/individual_runs/org_model_Off"
    folder.mkdir(parents=True)
    outcome = folder / "outcome.json"
    outcome.touch()
    assert command.said("clock", "--backend", "simulated")[0][0] == "ok"
    later = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    os.utime(outcome, (later, later))
    ((level, words),) = command.said("clock", "--backend", "simulated")
    assert (level, "a run in the output directory ended at" in words) == ("warning", True)


def test_a_night_without_end_is_foreseen(command):
    ((level, words),) = command.said("time", "--device", "cpu")
    assert (level, "the sweep takes about" in words, "days" in words) == ("warning", True, True)
    for flags in (("--num-prompts", "1", "--repetitions", "1"),):
        ((level, words),) = command.said("time", "--device", "cpu", *flags)
        assert (level, "the sweep takes about" in words) == ("ok", True)


def test_runs_beside_each_other_on_one_processor_are_told_before_they_spoil_each_other(command):
    cpu = ("--device", "cpu", "--parallel", "7")
    ((level, words),) = command.said("parallel", *cpu)
    assert (level, words.partition(": each")[0]) == (
        *("warning", "--parallel 7 2 runs at a time share the processor"),
    )
    assert "counts the CPU and RAM energy of all as its own" in words
    assert "other_runs_on_host" in words
    # Alone on its processor, or on none: nothing to warn of.
    assert command.said("parallel", "--device", "cpu") == []
    assert command.said("parallel", *cpu, "--model-name", "2b") == []
    assert command.said("parallel", "--backend", "simulated", "--parallel", "7") == []


def test_what_is_to_be_downloaded_and_what_nobody_may_read(command, tmp_path):
    files = {"config.json": b"{}", "model.safetensors": b"x" * 2_000_000}
    models = {"models/org/model-2b": files, "models/org/large-70B": files}
    with serving(FileHub(models, gated=frozenset({"models/org/large-70B"}))) as hub:
        variables = {"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "hub")}
        _, findings = command.run("--device", "cpu", **variables)
    said = {check: words for check, level, words in findings if level == "warning"}
    assert "model org/large-70B is gated" in " ".join(
        words for check, _, words in findings if check == "hub"
    )
    assert "dataset AIEnergyScore/text_generation is not on the hub" in said["downloads"]
    (words,) = [words for check, level, words in findings if (check, level) == ("downloads", "ok")]
    assert "1 are not: 2.0 MB to download" in words


def test_in_a_pipe_every_finding_is_one_line(command):
    flags = command.arguments("--device", "cpu", "--model-name", "2b")
    done = subprocess.run(flags, cwd=ROOT, env=environment(), capture_output=True, text=True)
    *lines, last = done.stdout.splitlines()
    assert {line.split("\t")[0] for line in lines} == {"ok", "warning"}
    assert all(line.count("\t") == 2 for line in lines)
    assert last.startswith("problems: 0, warnings: ")
    assert done.returncode == 0


def test_a_terminal_of_80_columns_holds_every_finding(command):
    text = on_terminal(command.arguments("--device", "cpu", "--model-name", "2b"), 80)
    lines = text.splitlines()
    assert max(map(len, map(str.rstrip, lines))) <= 80
    assert re.search(r"^output +ok +", text, re.MULTILINE)
    assert re.search(r"^hub +warning +", text, re.MULTILINE)


@pytest.mark.docker
def test_the_container_engine_and_its_image_are_described(tmp_path):
    image = require_image(STUB_TAG)
    engine = DockerEngine(image, tmp_path)
    made = settings("--backend", "simulated", "--output-dir", str(tmp_path))
    found = check_engine(Preparation(made, Plan((), ()), engine))
    said = [finding.what for finding in found if finding.level == "ok"]
    assert re.match(r"engine: Docker \d+\.\d+", said[0])
    assert said[1].startswith(f"image: {image}, version {VERSION}")
    assert said[2].startswith("NVIDIA runtime: ")
