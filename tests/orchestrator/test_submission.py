"""A sweep that is submitted and left alone, with stand-ins for the commands of Slurm."""

import json
from pathlib import Path

import pytest

from orchestrator.collection import Collection, collect
from orchestrator.run_directory import RunDirectory
from tests.support.runner import batch, table, wait_for, write_catalog

ROWS = ("one", "two", "three")
FLAGS = ("--backend", "simulated", "--engine", "slurm", "--output-dir", "results")
AWAY = "Batch job submission failed: Unable to contact slurm controller (connect failure)"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_catalog(tmp_path / "models.csv", ROWS)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("squeue", "scancel"):
        program(folder / name, "")
    program(folder / "scontrol", "echo PartitionName=gpu Default=YES")
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def submit(place: Path, sbatch: str, *flags: str) -> tuple[int, str]:
    return sweep(place, sbatch, "--detach", *flags)


def sweep(place: Path, sbatch: str, *flags: str) -> tuple[int, str]:
    program(place / "bin" / "sbatch", sbatch)
    done = batch(*FLAGS, *flags, cwd=place, PATH=f"{place / 'bin'}:/usr/bin:/bin")
    return done.returncode, done.stdout + done.stderr


def jobs(place: Path) -> list[Path]:
    return list(place.glob("results/individual_runs/*/job.json"))


def test_ctrl_c_among_the_submissions_is_told_and_the_rest_goes_later(place: Path) -> None:
    code, said = submit(place, "kill -INT $PPID; echo 7")
    assert (code, len(jobs(place))) == (130, 1), said
    assert "Stopped: 2 were not submitted" in said
    record = json.loads((place / "results" / "sweep.json").read_text())
    assert (record["detached"], record["finished_at"]) == (True, None)
    code, said = submit(place, "echo 8")
    assert (code, len(jobs(place))) == (0, 3), said


def test_a_controller_that_is_away_for_a_moment_costs_no_row(place: Path) -> None:
    away = f'[ -e {place}/asked ] || {{ touch {place}/asked; echo "{AWAY}" >&2; exit 1; }}'
    code, said = submit(place, f"{away}; echo 7")
    assert (code, len(jobs(place))) == (0, 3), said
    assert "0 were refused" in said


def test_who_stops_while_the_controller_is_away_has_an_interrupted_row(place: Path) -> None:
    code, said = sweep(place, f'kill -INT $PPID; echo "{AWAY}" >&2; exit 1')
    assert code == 130, said
    (row, *none) = table(place / "results").values()
    assert (row["outcome"], none) == ("interrupted", [])


def test_a_job_held_for_as_long_as_the_profile_says_is_given_up_by_collect(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "profile.yaml").write_text("held_after_seconds: 1\n")
    write_catalog(place / "models.csv", ["one"])
    code, said = submit(place, "echo 7", "--slurm-profile", "profile.yaml")
    assert code == 0, said
    (job,) = (json.loads(path.read_text()) for path in jobs(place))
    queued = f"7|PENDING|{job['name']}|{job['comment']}||JobHeldUser"
    program(place / "bin" / "squeue", f"echo '{queued}'")
    monkeypatch.setenv("PATH", f"{place / 'bin'}:/usr/bin:/bin")

    def collected() -> Collection:
        return collect(RunDirectory(place / "results"))

    # Each look is a process of its own: what the first saw is kept beside the run.
    assert list(collected().under_way) == ["sim_one_Off"]
    wait_for(lambda: not collected().under_way)
    outcome = json.loads((jobs(place)[0].parent / "outcome.json").read_text())
    assert "job 7 was held for 1 s (JobHeldUser)" in outcome["error_message"]
