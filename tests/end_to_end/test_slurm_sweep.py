"""Sweeps on a real Slurm cluster: nodes lost, submitters killed, jobs cancelled by others."""

import itertools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lease import JOB_FILE, LEASE_FILE, Lease, read_lease
from tests.support.pages import shell_blocks
from tests.support.runner import ROOT, batch, environment, start, table, wait_for, write_catalog
from tests.support.slurm_cluster import GPUS_PER_NODE, SlurmCluster, running_cluster

ROWS = 24
PROFILE = """
runtime: process
partition: gpu
gpu_type: sim
poll_seconds: 0.5
lost_after_seconds: 3
held_after_seconds: 3
"""
FLAGS = (
    *("--backend", "simulated", "--engine", "slurm", "--slurm-profile", "profile.yaml"),
    *("--num-prompts", "3", "--repetitions", "2", "--output-dir", "results"),
    *("--simulation", "simulation.yaml"),
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with running_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name has a blank and a percent sign, which mean something to Slurm."""
    folder = tmp_path / "my 10 %j sweep"
    folder.mkdir()
    (folder / "profile.yaml").write_text(PROFILE)
    return folder


def rows(place: Path, names: list[str], seconds_per_sample: float) -> None:
    """Runs of unequal length: from the given to one and a half times as long."""
    write_catalog(place / "models.csv", names)
    longer = "".join(
        f"  sim_{name}_Off: {{seconds_per_sample: {seconds_per_sample * 1.5}}}\n"
        for name in names[::3]
    )
    text = f"default: {{seconds_per_sample: {seconds_per_sample}}}\nruns:\n{longer}"
    (place / "simulation.yaml").write_text(text)


def orchestrator(cluster: SlurmCluster, *words: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        cwd=cwd,
        env=environment(PYTHONPATH=str(ROOT), **cluster.environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def folders(place: Path) -> list[Path]:
    return sorted((place / "results" / "individual_runs").glob("sim_*"))


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def states(cluster: SlurmCluster, place: Path) -> Counter[str]:
    status = json.loads(orchestrator(cluster, "status", "results", "--json", cwd=place))
    return Counter(run["state"] for run in status["runs"])


def leases(place: Path) -> list[Lease]:
    return [Lease.read(path) for path in place.glob(f"results/individual_runs/*/{LEASE_FILE}")]


def occupations(place: Path, killed_at: datetime) -> dict[str, list[tuple[datetime, datetime]]]:
    """When each GPU was some attempt's, by its launch, and its end or that of its node."""
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    for lease_path in place.glob(f"results/individual_runs/**/{LEASE_FILE}"):
        lease, launch = Lease.read(lease_path), read(lease_path.with_name("launch.json"))
        begin = datetime.fromisoformat(launch["launched_at"])
        end = lease.ended.finished_at if lease.ended else None
        for uuid in launch["gpu_uuids"]:
            until = datetime.fromisoformat(end) if end else killed_at
            found.setdefault(uuid, []).append((begin, until))
    return found


def test_nothing_is_lost_or_doubled_when_a_node_and_the_submitter_die(
    cluster: SlurmCluster, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(place, [f"row{number:02d}" for number in range(ROWS)], seconds_per_sample=0.6)

    # The submitter is killed among its submissions, and the same command submits the others.
    first = start(*FLAGS, "--parallel", "6", cwd=place, **cluster.environment)
    wait_for(lambda: len(list(place.glob(f"results/individual_runs/*/{JOB_FILE}"))) >= 4)
    first.kill()
    first.communicate()
    second = batch(*FLAGS, "--detach", cwd=place, **cluster.environment)
    assert second.returncode == 0, second.stdout + second.stderr
    submitted = int(second.stdout.split(" jobs submitted")[0].split()[-1])
    assert 0 < submitted <= ROWS - 4
    assert "collect results" in second.stdout
    jobs = [read(path / JOB_FILE)["job_id"] for path in folders(place)]
    assert len({*jobs}) == len(jobs) == ROWS

    wait_for(lambda: len([lease for lease in leases(place) if lease.is_fresh()]) >= 12)
    seen = states(cluster, place)
    assert seen["running"] >= 8, seen
    assert seen["queued"] >= 1, seen

    # A node loses its power with runs on it.
    assert any(lease.node == "n2" and lease.is_fresh() for lease in leases(place))
    assert cluster.kill_node("n2") > 0
    killed_at = datetime.now(UTC)

    # The one who watches is killed too, and comes back.
    third = start(*FLAGS, "--parallel", "auto", cwd=place, **cluster.environment)
    wait_for(lambda: (place / "results" / "master_results.csv").read_text().count("\n") > 4)
    os.kill(third.pid, signal.SIGKILL)
    third.communicate()
    last = batch(*FLAGS, "--parallel", "auto", cwd=place, **cluster.environment)
    assert last.returncode == 0, last.stdout + last.stderr

    found = table(place / "results")
    assert len(found) == ROWS
    assert {row["outcome"] for row in found.values()} == {"finished"}
    # A job that Slurm started again without its GPUs is lost, and another takes its place.
    present = {read(path / JOB_FILE)["job_id"] for path in folders(place)}
    assert len(present) == ROWS
    assert len(present & {*jobs}) >= ROWS // 2

    requeued = [path for path in folders(place) if Lease.read(path / LEASE_FILE).restarts]
    assert requeued
    for path in requeued:
        earlier = max((path / "attempts").iterdir(), key=lambda attempt: int(attempt.name))
        before, after = (Lease.read(one / LEASE_FILE) for one in (earlier, path))
        assert (before.restarts, before.node, before.ended) == (0, "n2", None)
        assert (after.restarts, after.node, after.job_id) == (1, "n1", before.job_id)
        assert before.gpu_uuids != after.gpu_uuids

    by_gpu = occupations(place, killed_at)
    assert {uuid.rpartition("-")[0] for uuid in by_gpu} == {
        "SIMULATED-GPU-n1",
        "SIMULATED-GPU-n2",
    }
    assert len(by_gpu) <= 2 * GPUS_PER_NODE
    for uuid, spans in by_gpu.items():
        for earlier, later in itertools.pairwise(sorted(spans)):
            assert earlier[1] <= later[0], (uuid, earlier, later)
    ended = cluster.jobs()
    assert {ended[job_id] for job_id in present} == {"COMPLETED"}

    _tell_overhead(place, submitted, len(requeued), capsys)


def _tell_overhead(
    place: Path, submitted: int, requeued: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a row costs beside its run, on this machine; shown, not judged."""
    times = sorted(
        datetime.fromisoformat(read(one / JOB_FILE)["submitted_at"]) for one in folders(place)
    )
    apart = (times[-1] - times[-submitted]).total_seconds() / max(submitted - 1, 1)
    beside = statistics.median(_seconds_beside(one) for one in folders(place))
    with capsys.disabled():
        print(
            f"\nSlurm: a row is submitted every {apart:.3f} s ({submitted} rows); a job takes"
            f" {beside:.2f} s more than its run (median of {ROWS}); {requeued} rows were requeued"
        )


def _seconds_beside(folder: Path) -> float:
    """From the job's lease to its run's beginning, and from its end to the lease's."""
    lease, report = Lease.read(folder / LEASE_FILE), read(folder / "benchmark_report.json")
    begin, end = (datetime.fromisoformat(report[key]) for key in ("started_at", "finished_at"))
    before = begin - datetime.fromisoformat(lease.started_at)
    after = datetime.fromisoformat(lease.heartbeat_at) - end
    return (before + after).total_seconds()


def test_runs_that_were_left_alone_are_collected_later(cluster: SlurmCluster, place: Path) -> None:
    write_catalog(place / "models.csv", ["quick", "cancelled", "slow"])
    quickly = "sim_quick_Off: {seconds_per_sample: 0.01}"
    simulation = f"default: {{seconds_per_sample: 60}}\nruns: {{{quickly}}}\n"
    (place / "simulation.yaml").write_text(simulation)
    for name in ("quick", "cancelled", "slow"):
        flags = (*FLAGS, "--detach", "--model-name", name)
        assert batch(*flags, cwd=place, **cluster.environment).returncode == 0
    (quick, cancelled, slow) = (
        place / "results" / "individual_runs" / f"sim_{name}_Off"
        for name in ("quick", "cancelled", "slow")
    )
    wait_for(lambda: (lease := read_lease(quick)) and lease.ended)
    wait_for(lambda: read_lease(slow) and read_lease(cancelled))
    job = read(cancelled / JOB_FILE)["job_id"]
    cluster.call("scancel", job)
    wait_for(lambda: cluster.jobs()[job] == "CANCELLED")

    said = orchestrator(cluster, "collect", "results", cwd=place)
    assert "finished sim_quick_Off\n" in said
    assert "failed sim_cancelled_Off: cancelled: its job was cancelled in Slurm" in said
    assert f"under way sim_slow_Off: job {read(slow / JOB_FILE)['job_id']} is running" in said
    assert "1 failed, 1 finished; 1 still under way." in said
    found = table(place / "results")
    assert {name: row["outcome"] for name, row in found.items()} == {
        "sim_quick_Off": "finished",
        "sim_cancelled_Off": "failed",
    }
    again = orchestrator(cluster, "collect", "results", cwd=place)
    assert "nothing new has ended; 1 still under way." in again

    # A sweep of other rows leaves it alone; one that asks otherwise for it replaces it.
    slow_job = read(slow / JOB_FILE)["job_id"]
    other = batch(*FLAGS, "--model-name", "quick", cwd=place, **cluster.environment)
    assert other.returncode == 0, other.stdout + other.stderr
    assert cluster.jobs()[slow_job] == "RUNNING"
    (place / "simulation.yaml").write_text("default: {seconds_per_sample: 0.01}")
    asked_otherwise = ("--model-name", "slow", "--num-prompts", "2")
    last = batch(*FLAGS, *asked_otherwise, cwd=place, **cluster.environment)
    assert "removed what a killed runner left: sim_slow_Off" in last.stdout
    assert cluster.jobs()[slow_job] == "CANCELLED"
    assert table(place / "results")["sim_slow_Off"]["outcome"] == "finished"


def test_the_commands_of_the_page_run_as_written(cluster: SlurmCluster, place: Path) -> None:
    """With a catalog of two rows, simulated."""
    rows(place, ["one", "two"], seconds_per_sample=0.01)
    (block,) = shell_blocks(ROOT / "docs" / "slurm.md")
    program = place / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    (place / "batch_runner.py").symlink_to(ROOT / "batch_runner.py")
    variables = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    variables |= {"BENCHMARK_BACKEND": "simulated"} | cluster.environment
    script = re.sub(r"(batch_runner\.py.*)", r"\1 --num-prompts 2", block)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=place,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 jobs submitted" in done.stdout
    found = table(place / "batch_results")
    assert {row["outcome"] for row in found.values()} == {"finished"}
    assert len(found) == 2
