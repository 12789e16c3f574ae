"""The program of a job, as Slurm starts it: once, again after a lost node, once too often."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark_core.contract import LAUNCH_FILE, REPORT_FILE, SAMPLES_FILE, SPEC_FILE
from orchestrator.engines.slurm.given_gpus import given_indices
from orchestrator.engines.slurm.held_lease import put_away
from orchestrator.errors import HostError
from orchestrator.lease import JOB_FILE, LEASE_FILE, Lease
from tests.support import builders, simulated_driver
from tests.support.runner import ROOT, environment, wait_for
from tests.support.slurm_jobs import submitted


def start(folder: Path, restarts: int = 0, **changes: str) -> subprocess.Popen[str]:
    of_slurm = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1", "SLURM_JOB_GPUS": "3"}
    if restarts:
        of_slurm["SLURM_RESTART_COUNT"] = str(restarts)
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.engines.slurm.job", str(folder)],
        env=environment(PYTHONPATH=str(ROOT), **(of_slurm | changes)),
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, restarts: int = 0, **changes: str) -> Lease:
    program = start(folder, restarts, **changes)
    said = program.communicate(timeout=60)[1]
    assert program.returncode == 0, said
    return Lease.read(folder / LEASE_FILE)


def test_a_requeued_job_starts_afresh_once_and_no_more(tmp_path: Path) -> None:
    folder = submitted(tmp_path, seconds_per_sample=0.3)
    first = start(folder)
    wait_for((folder / SAMPLES_FILE).exists)
    first.kill()
    first.communicate()
    assert Lease.read(folder / LEASE_FILE).ended is None

    again = run(folder, restarts=1, SLURMD_NODENAME="n2", SLURM_JOB_GPUS="5")
    assert again.ended is not None
    assert (again.ended.cause, again.ended.code, again.restarts) == ("exited", 0, 1)
    launch = json.loads((folder / LAUNCH_FILE).read_text())
    assert (launch["gpu_uuids"], launch["rehearsal"]) == (["SIMULATED-GPU-n2-5"], True)
    attempt = folder / "attempts" / "1"
    assert Lease.read(attempt / LEASE_FILE).restarts == 0
    before = json.loads((attempt / LAUNCH_FILE).read_text())
    assert before["gpu_uuids"] == ["SIMULATED-GPU-n1-3"]
    kept = {SPEC_FILE, LAUNCH_FILE, JOB_FILE, LEASE_FILE}
    assert {path.name for path in attempt.iterdir()} >= kept | {SAMPLES_FILE}
    # What the first attempt ran is gone, too: nothing of it writes into the folder of the next.
    assert "process.json" not in {path.name for path in attempt.iterdir()}

    # The node was lost after the run had ended and said so: there is nothing left to do.
    report = (folder / REPORT_FILE).read_bytes()
    assert run(folder, restarts=2) == again
    assert (folder / REPORT_FILE).read_bytes() == report


def test_the_third_start_of_a_job_is_refused(tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    lost = Lease(
        job_id="7", restarts=1, node="n1", started_at=builders.NOW, heartbeat_at=builders.NOW
    )
    lost.write(folder)
    lease = run(folder, restarts=2)
    assert lease.ended is not None
    assert lease.ended.cause == "lost"
    assert "was requeued 2 times, and 1 is allowed" in lease.ended.detail
    assert not (folder / REPORT_FILE).exists()


def test_putting_an_attempt_away_can_be_repeated_after_a_crash(tmp_path: Path) -> None:
    folder = submitted(tmp_path)
    (folder / SAMPLES_FILE).write_text("first")
    staging = folder / "attempts" / ".requeued"
    staging.mkdir(parents=True)
    (folder / SAMPLES_FILE).rename(staging / SAMPLES_FILE)
    (folder / REPORT_FILE).write_text("half")
    put_away(folder)
    assert {path.name for path in (folder / "attempts").iterdir()} == {"1"}
    assert (folder / "attempts" / "1" / SAMPLES_FILE).read_text() == "first"
    assert (folder / "attempts" / "1" / REPORT_FILE).exists()
    assert {path.name for path in folder.iterdir()} == {
        *("attempts", SPEC_FILE, LAUNCH_FILE, JOB_FILE),
    }


@pytest.mark.parametrize(
    ("minutes", "cause", "by_signal"), [(2, "timeout", False), (60, "cancelled", True)]
)
def test_slurms_signal_is_its_time_limit_or_a_cancel(
    tmp_path: Path, minutes: int, cause: str, by_signal: bool
) -> None:
    folder = submitted(tmp_path, seconds_per_sample=60, time_limit_minutes=minutes)
    program = start(folder)
    wait_for((folder / "process.json").exists)
    wait_for((tmp_path / "logs" / "run.log").exists)
    os.kill(program.pid, signal.SIGTERM)
    program.communicate(timeout=60)
    lease = Lease.read(folder / LEASE_FILE)
    assert lease.ended is not None
    assert (lease.ended.cause, lease.ended.by_signal) == (cause, by_signal)
    assert not (folder / "process.json").exists()


def test_a_runtime_that_is_a_command_is_watched_and_stopped(tmp_path: Path) -> None:
    """A stand-in for Apptainer, which is not tried here: it says how it was called, and waits."""
    stand_in = tmp_path / "bin" / "apptainer"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\necho "$@"\nsleep $SECONDS_TO_WAIT\nexit 3\n')
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}:{os.environ['PATH']}"
    folder = submitted(tmp_path, runtime="apptainer", image="/images/ai.sif")
    ended = run(folder, PATH=path, SECONDS_TO_WAIT="0").ended
    assert ended is not None
    assert (ended.cause, ended.code) == ("exited", 3)
    log = tmp_path / "logs" / "run.log"
    assert log.read_text().endswith("destination=/results /images/ai.sif run /results\n")
    scratch = log.read_text().split("--home ")[1].split(":")[0]
    assert not Path(scratch).exists()

    again = submitted(tmp_path / "again", runtime="apptainer", image="/images/ai.sif")
    program = start(again, PATH=path, SECONDS_TO_WAIT="600")
    wait_for((tmp_path / "again" / "logs" / "run.log").exists)
    wait_for(lambda: (tmp_path / "again" / "logs" / "run.log").read_text())
    os.kill(program.pid, signal.SIGTERM)
    program.communicate(timeout=60)
    ended = Lease.read(again / LEASE_FILE).ended
    assert ended is not None
    assert (ended.cause, ended.by_signal) == ("cancelled", True)
    living = subprocess.run(["pgrep", "-f", "^sleep 600$"], capture_output=True, text=True)
    assert not living.stdout


def test_a_run_that_did_not_get_its_gpus_is_not_started(tmp_path: Path) -> None:
    lease = run(submitted(tmp_path), SLURM_JOB_GPUS="", CUDA_VISIBLE_DEVICES="0")
    assert lease.ended is not None
    assert lease.ended.cause == "not_started"
    assert "gave 0 GPUs, and the run needs 1" in lease.ended.detail


@pytest.mark.parametrize(
    ("variables", "indices"),
    [
        ({"SLURM_JOB_GPUS": "2,3", "CUDA_VISIBLE_DEVICES": "0,1"}, [2, 3]),
        ({"SLURM_STEP_GPUS": "0-2,7"}, [0, 1, 2, 7]),
        ({"CUDA_VISIBLE_DEVICES": "0"}, []),
    ],
)
def test_the_given_gpus_are_those_of_the_node(
    variables: dict[str, str], indices: list[int]
) -> None:
    assert given_indices(variables) == indices


@pytest.mark.parametrize(
    ("indices", "told"),
    [
        ([2, 0], f"[('{simulated_driver.uuid(2)}', True), ('{simulated_driver.uuid(0)}', True)]"),
        ([1, 7], "the driver shows the job no GPU 7, which Slurm gave it"),
    ],
)
def test_the_driver_tells_which_gpus_they_are(
    tmp_path: Path, indices: list[int], told: str
) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    driver = simulated_driver.build(tmp_path)
    module = "orchestrator.engines.slurm.given_gpus"
    shown = f"[(gpu.uuid, gpu.simulated) for gpu in driver_gpus({indices})]"
    program = f"from {module} import driver_gpus; print({shown})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=simulated_driver.environment(driver, gpus=4) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told in done.stdout + done.stderr


def test_a_list_of_gpus_that_is_none_is_refused() -> None:
    with pytest.raises(HostError, match=r"gave the GPUs 'GPU-1a'"):
        given_indices({"SLURM_JOB_GPUS": "GPU-1a"})
