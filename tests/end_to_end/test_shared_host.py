"""Two sweeps on one host: they share no GPU, and no output directory; others are left alone."""

import json
import os
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import simulated_driver
from tests.support.runner import batch, start, table, wait_for, write_catalog

ROWS = ["a", "b", "c", "d"]
BASE = ("--backend", "simulated", "--engine", "process", "--simulation", "slow.yaml")
BASE += ("--num-prompts", "2", "--repetitions", "1", "--parallel", "auto")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_catalog(tmp_path / "models.csv", ROWS)
    (tmp_path / "slow.yaml").write_text("default: {seconds_per_sample: 0.3}\n")
    return tmp_path


def variables(driver: Path, **behaviour: object) -> dict[str, str]:
    """Of the environment, what makes a process see the simulated GPUs."""
    made = simulated_driver.environment(driver, **behaviour)
    return {name: made[name] for name in made if name.startswith(("AIES_SIM_", "LD_LIBRARY"))}


def spans(output_dir: Path) -> list[tuple[str, datetime, datetime]]:
    """Every GPU with the times at which a run had it."""
    found = []
    for folder in (output_dir / "individual_runs").iterdir():
        outcome = json.loads((folder / "outcome.json").read_text())
        begin, end = (
            datetime.fromisoformat(outcome[name]) for name in ("started_at", "finished_at")
        )
        uuids = json.loads((folder / "launch.json").read_text())["gpu_uuids"]
        assert len(uuids) == 1
        found.append((uuids[0], begin, end))
    return found


def test_two_sweeps_share_the_gpus_of_a_host_and_never_one_of_them(place, driver):
    environ = variables(driver, gpus=3)
    first = start(*BASE, "--gpus", "all", "--output-dir", "one", cwd=place, **environ)
    second = start(*BASE, "--gpus", "all", "--output-dir", "two", cwd=place, **environ)
    said = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), "\n".join(said)
    held = sorted(spans(place / "one") + spans(place / "two"))
    assert len(held) == 2 * len(ROWS)
    assert {uuid for uuid, _, _ in held} <= {simulated_driver.uuid(index) for index in range(3)}
    for (uuid, _, end), (other, begin, _) in pairwise(held):
        assert uuid != other or end <= begin


def test_a_gpu_with_a_foreign_program_is_left_alone_and_named(place, driver):
    environ = variables(driver, gpus=2, processes=f"{os.getpid()},0")
    done = batch(*BASE, "--gpus", "all", "--output-dir", "results", cwd=place, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {uuid for uuid, _, _ in spans(place / "results")} == {simulated_driver.uuid(1)}
    foreign = f"GPU {simulated_driver.uuid(0)} is left alone: process {os.getpid()} "
    assert done.stdout.count(foreign) == 1


def test_where_every_gpu_is_busy_nothing_is_begun(place, driver):
    environ = variables(driver, gpus=1, processes=str(os.getpid()))
    done = batch(*BASE, "--gpus", "all", "--output-dir", "results", cwd=place, **environ)
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"process {os.getpid()} " in done.stderr
    assert "choose another GPU with --gpus" in done.stderr
    assert not (place / "results").exists()


def test_the_second_sweep_on_one_directory_is_refused_with_the_holders_name(place, driver):
    environ = variables(driver, gpus=2)
    first = start(*BASE, "--gpus", "0", "--output-dir", "results", cwd=place, **environ)
    wait_for(lambda: (place / "results" / "sweep.json").exists(), 60)
    second = batch(*BASE, "--gpus", "1", "--output-dir", "results", cwd=place, **environ)
    assert second.returncode == 3
    assert f"another sweep is using it (process {first.pid} on " in second.stderr
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert len(table(place / "results")) == len(ROWS)
