"""The slurm engine on a real cluster: jobs held, cancelled, lost, forged, and their containers."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.contract import LAUNCH_FILE, SPEC_FILE
from orchestrator.engines.base import EngineAway, Order
from orchestrator.engines.slurm.engine import SlurmEngine, SlurmSettings
from orchestrator.engines.slurm.handle import SlurmHandle
from orchestrator.engines.slurm.job_record import JobRecord, read_job
from orchestrator.engines.slurm.profile import SlurmProfile
from orchestrator.engines.slurm.runtimes.docker import JOB_LABEL
from orchestrator.errors import HostError
from orchestrator.exit import Exit
from orchestrator.lease import JOB_FILE, Lease, LeaseEnd, read_lease
from orchestrator.run_folder import RunFolder
from tests.support import builders
from tests.support.image import STUB_TAG, require_image
from tests.support.orders import make_order, wait_for_exit, wait_for_file
from tests.support.runner import wait_for
from tests.support.slurm_cluster import SlurmCluster, running_cluster

PROFILE = SlurmProfile(
    runtime="process", poll_seconds=0.3, lost_after_seconds=2, held_after_seconds=2
)
LONG = builders.Simulation(seconds_per_sample=20)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with running_cluster(tmp_path_factory.mktemp("slurm") / "cluster", ("n1",)) as made:
        yield made


@pytest.fixture(autouse=True)
def of_cluster(cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands reach the cluster, and no job of one test takes a GPU from the next."""
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    yield
    living = [job for job, state in cluster.jobs().items() if state in ("PENDING", "RUNNING")]
    if living:
        cluster.call("scancel", *living)


def engine(output_dir: Path, **changes: Any) -> SlurmEngine:
    caches = output_dir / "cache"
    settings = SlurmSettings(
        profile=PROFILE.model_copy(update=changes),
        image=STUB_TAG,
        output_dir=output_dir,
        hub_cache=caches,
        datasets_cache=caches,
        needs_model=False,
    )
    return SlurmEngine(settings)


def order(output_dir: Path, run_id: str = "org_model_Off", gpus: int = 1, **spec: Any) -> Order:
    """A simulated run, long enough for whatever happens to it."""
    made = make_order(output_dir, run_id)
    changes = {"device": builders.DeviceSpec(kind="simulated", gpu_count=gpus)} | spec
    asked = builders.spec(run_id=run_id, **changes)
    (made.folder / SPEC_FILE).write_text(asked.to_json())
    (made.folder / LAUNCH_FILE).write_text(made.launch.to_json())
    return replace(made, spec_hash=asked.spec_hash())


def slow_order(output_dir: Path, run_id: str = "org_model_Off", **spec: Any) -> Order:
    backend = builders.BackendSpec(name="simulated", simulation=LONG)
    return order(output_dir, run_id, backend=backend, **spec)


def started(handle: SlurmHandle, of: Order) -> Lease:
    wait_for(lambda: handle.poll() or not handle.waits())
    found = read_lease(of.folder)
    assert found is not None
    assert found.ended is None, found.ended
    return found


def job_of(of: Order) -> JobRecord:
    found = read_job(of.folder)
    assert found is not None
    return found


def state(cluster: SlurmCluster, of: Order) -> str:
    return cluster.jobs()[job_of(of).job_id]


def test_a_run_is_queued_then_runs_on_its_gpus_then_ends(tmp_path: Path) -> None:
    of = order(tmp_path, gpus=2)
    handle = engine(tmp_path).start(of)
    assert handle.waits()
    assert RunFolder(of.folder).state().name in ("queued", "running")
    ended = wait_for_exit(handle)
    handle.release()
    assert (ended.cause, ended.code) == ("exited", 0)
    assert ended.launch is not None
    assert ended.launch.gpu_uuids == ("SIMULATED-GPU-n1-0", "SIMULATED-GPU-n1-1")
    report = json.loads((of.folder / "benchmark_report.json").read_text())
    assert report["outcome"] == "finished"
    assert ended.started_at is not None
    assert not list(tmp_path.glob("logs/*.slurm.log"))


def test_the_runner_stops_its_own_job_and_no_other(tmp_path: Path, cluster: SlurmCluster) -> None:
    made = engine(tmp_path)
    mine, other = slow_order(tmp_path, "org_mine"), slow_order(tmp_path, "org_other")
    handle, another = made.start(mine), made.start(other)
    started(handle, mine)
    started(another, other)
    assert RunFolder(mine.folder).state().name == "running"
    ended = handle.stop()
    assert ended.cause == "stopped"
    assert state(cluster, mine) == "CANCELLED"
    assert state(cluster, other) == "RUNNING"
    # A record that names a stranger's job, as a run could forge it, cancels nothing.
    job_of(mine).model_copy(update={"job_id": job_of(other).job_id}).write(mine.folder)
    forged = made.handle(job_of(mine), mine)
    assert forged.stop().cause in ("stopped", "lost")
    forged.release()
    assert state(cluster, other) == "RUNNING"
    assert another.poll() is None


def test_a_job_that_somebody_cancels_is_told_as_cancelled(
    tmp_path: Path, cluster: SlurmCluster
) -> None:
    of = slow_order(tmp_path)
    handle = engine(tmp_path).start(of)
    started(handle, of)
    assert not handle.waits()
    # Sent back into the queue it waits again, though it was told to end and said so.
    cluster.call("scontrol", "requeue", job_of(of).job_id)
    wait_for(lambda: handle.poll() or handle.waits())
    assert handle.poll() is None
    cluster.call("scancel", job_of(of).job_id)
    ended = wait_for_exit(handle)
    assert (ended.cause, ended.code) == ("cancelled", 143)
    assert "cancelled in Slurm" in ended.detail


def test_a_held_job_has_failed_after_a_while_and_is_cancelled(
    tmp_path: Path, cluster: SlurmCluster
) -> None:
    full = slow_order(tmp_path, "org_full", gpus=8)
    started(engine(tmp_path).start(full), full)
    of = slow_order(tmp_path)
    handle = engine(tmp_path).start(of)
    cluster.call("scontrol", "hold", job_of(of).job_id)
    ended = wait_for_exit(handle)
    handle.release()
    assert ended.cause == "not_started"
    assert "held for 2 s (JobHeld" in ended.detail
    assert state(cluster, of) == "CANCELLED"


def test_a_job_that_cannot_begin_tells_the_end_of_its_log(tmp_path: Path) -> None:
    of = order(tmp_path)
    handle = engine(tmp_path, setup=("echo no such module >&2", "exit 7")).start(of)
    ended = wait_for_exit(handle)
    handle.release()
    assert ended.cause == "not_started"
    assert "(FAILED): it ended without saying how. Its log ends: no such module" in ended.detail


def test_a_job_that_slurm_knows_nothing_of_is_lost(tmp_path: Path) -> None:
    of = order(tmp_path)
    made = engine(tmp_path)
    made.start(of).stop()
    job_of(of).model_copy(update={"job_id": "4000000"}).write(of.folder)
    ended = wait_for_exit(made.handle(job_of(of), of))
    assert ended.cause == "lost"
    assert "job 4000000: Slurm knows nothing of it" in ended.detail


def test_a_job_that_is_not_the_recorded_one_runs_nothing(
    tmp_path: Path, cluster: SlurmCluster
) -> None:
    """A submitter was killed before it wrote which job it had, and another submitted anew."""
    full = slow_order(tmp_path, "org_full", gpus=8)
    blocker = engine(tmp_path).start(full)
    started(blocker, full)
    of = order(tmp_path)
    made = engine(tmp_path)
    made.start(of)
    orphan = job_of(of).job_id
    (of.folder / JOB_FILE).unlink()
    second = made.start(of)
    blocker.stop()
    assert wait_for_exit(second).cause == "exited"
    wait_for(lambda: cluster.jobs()[orphan] == "COMPLETED")
    lease = read_lease(of.folder)
    assert lease is not None
    assert lease.job_id == job_of(of).job_id != orphan
    assert not (of.folder / "attempts").exists()


def test_the_runs_own_limit_holds_without_a_runner(tmp_path: Path) -> None:
    of = slow_order(tmp_path)
    launch = of.launch.model_copy(update={"timeout_seconds": 1.0})
    (of.folder / LAUNCH_FILE).write_text(launch.to_json())
    ended = wait_for_exit(engine(tmp_path).start(replace(of, launch=launch)))
    assert ended.cause == "timeout"
    assert "stopped after 1 s" in ended.detail
    assert job_of(of).time_limit_minutes == 5


def test_an_attempt_that_was_given_up_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    """Its node was lost to the controller, and not to itself."""
    of = slow_order(tmp_path)
    handle = engine(tmp_path).start(of)
    lease = started(handle, of)
    later = lease.model_copy(update={"restarts": 1, "node": "n9"})
    later.write(of.folder)
    wait_for(lambda: not _living(of), seconds=30)
    found = read_lease(of.folder)
    assert found is not None
    assert (found.restarts, found.node, found.ended) == (1, "n9", None)


def _living(of: Order) -> list[str]:
    found = subprocess.run(["pgrep", "-f", str(of.folder)], capture_output=True, text=True)
    return found.stdout.split()


# ------------------------------------------------------------------ containers


def containers(label: str) -> list[str]:
    done = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", f"label={label}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[SlurmEngine]:
    require_image(STUB_TAG)
    yield engine(tmp_path, runtime="docker")
    for container in containers(JOB_LABEL):
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)


def of_job(of: Order) -> list[str]:
    return containers(f"{JOB_LABEL}={job_of(of).job_id}")


def stub_order(output_dir: Path, run_id: str, **steps: Any) -> Order:
    made = order(output_dir, run_id)
    (made.folder / "stub.json").write_text(json.dumps(steps))
    return made


@pytest.mark.docker
def test_a_container_ends_with_its_job_however_that_ends(
    tmp_path: Path, docker: SlurmEngine, cluster: SlurmCluster
) -> None:
    by_itself = stub_order(tmp_path, "org_itself", lines=["said"], exit=3)
    stopped = stub_order(tmp_path, "org_stopped", sleep_seconds=60)
    cancelled = stub_order(tmp_path, "org_cancelled", sleep_seconds=60)
    orders = (by_itself, stopped, cancelled)
    handles = [docker.start(of) for of in orders]
    ended = wait_for_exit(handles[0])
    assert (ended.cause, ended.code) == ("exited", 3)
    assert ended.image_digest is not None
    assert by_itself.log_path.read_text() == "said\n"
    for of in (stopped, cancelled):
        wait_for_file(of.folder / "started")
        assert len(of_job(of)) == 1
    assert handles[1].stop().cause == "stopped"
    cluster.call("scancel", job_of(cancelled).job_id)
    assert wait_for_exit(handles[2]).cause == "cancelled"
    assert [of_job(of) for of in orders] == [[], [], []]


@pytest.mark.docker
def test_what_a_lost_job_left_is_removed_before_the_next_starts(
    tmp_path: Path, docker: SlurmEngine
) -> None:
    lost = stub_order(tmp_path, "org_lost", sleep_seconds=300)
    alive = stub_order(tmp_path, "org_alive", sleep_seconds=300)
    handles = [docker.start(of) for of in (lost, alive)]
    for of in (lost, alive):
        wait_for_file(of.folder / "started")
    (orphan,) = of_job(lost)
    for pid in _living(lost):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    assert wait_for_exit(handles[0]).cause == "lost"
    assert of_job(lost) == [orphan]
    last = stub_order(tmp_path, "org_next", exit=0)
    assert wait_for_exit(docker.start(last)) is not None
    assert of_job(lost) == []
    assert len(of_job(alive)) == 1
    assert handles[1].stop().cause == "stopped"


# ------------------------------------------------------------------ what is said beforehand


def silent(folder: Path, cluster: SlurmCluster) -> Path:
    """The configuration of a cluster whose controller is not there."""
    text = Path(cluster.environment["SLURM_CONF"]).read_text()
    path = folder / "slurm.conf"
    path.write_text(re.sub(r"SlurmctldPort=\d+", "SlurmctldPort=9", text) + "MessageTimeout=2\n")
    return path


def said(made: SlurmEngine, wants_gpus: bool = True) -> str:
    return "\n".join(str(problem) for problem in made.problems(wants_gpus))


def test_what_a_cluster_lacks_is_said_before_anything_is_submitted(
    tmp_path: Path, cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(engine(tmp_path, partition="gpu", gpu_type="sim")) == ""
    assert "no partition 'night'. Use one of gpu" in said(engine(tmp_path, partition="night"))
    assert "no node offers GPUs of type 'h100'. There are: sim" in said(
        engine(tmp_path, gpu_type="h100")
    )
    monkeypatch.setenv("SLURM_CONF", str(silent(tmp_path, cluster)))
    assert "Slurmctld(primary) at" in said(engine(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "this machine has no sbatch, squeue, scontrol, scancel" in said(engine(tmp_path))


def test_no_answer_of_the_controller_is_no_refusal(
    tmp_path: Path, cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HostError) as refused:
        engine(tmp_path, partition="night").start(order(tmp_path, "org_refused"))
    assert not isinstance(refused.value, EngineAway)
    monkeypatch.setenv("SLURM_CONF", str(silent(tmp_path, cluster)))
    with pytest.raises(EngineAway):
        engine(tmp_path).start(order(tmp_path, "org_away"))


@pytest.mark.parametrize("left_out", ["n1", "no-node-of-slurm"])
def test_a_node_is_left_out_only_as_long_as_slurm_has_another(
    tmp_path: Path, left_out: str
) -> None:
    kept = replace(order(tmp_path), excluded_nodes=(left_out,))
    assert wait_for_exit(engine(tmp_path).start(kept)).cause == "exited"
    with pytest.raises(HostError, match=r"not available\. Correct what it names"):
        engine(tmp_path, options=("--exclude=n1",)).start(kept)


def test_a_run_that_fails_names_the_node_that_slurm_gave_it(tmp_path: Path) -> None:
    fails = builders.BackendSpec(name="simulated", simulation=builders.Simulation(fault="gpu_lost"))
    handle = engine(tmp_path).start(order(tmp_path, backend=fails))
    assert wait_for_exit(handle).node == "n1"


def test_folders_of_one_machine_and_a_token_of_one_process_are_told(tmp_path: Path) -> None:
    (warning,) = engine(Path("/dev/shm/results")).warnings()
    assert "is on a file system of this machine (tmpfs)" in str(warning)
    assert not list(engine(Path("/proc/results")).warnings())
    gated = replace(engine(tmp_path).settings, token_stays_here=True, needs_model=True)
    assert "HF_TOKEN: is set here only" in said(SlurmEngine(gated))
    assert said(SlurmEngine(replace(gated, needs_model=False))) == ""


def test_an_end_that_the_lease_tells_needs_no_controller(
    tmp_path: Path, cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = slow_order(tmp_path)
    handle = engine(tmp_path).start(of)
    lease = started(handle, of)
    handle.stop()
    monkeypatch.setenv("SLURM_CONF", str(silent(tmp_path, cluster)))
    blind = engine(tmp_path).handle(job_of(of), of)
    lease.write(of.folder)
    assert blind.poll() is None
    lease.model_copy(update={"ended": LeaseEnd(cause="exited", code=0)}).write(of.folder)
    found: Exit = wait_for_exit(blind)
    assert (found.cause, found.code) == ("exited", 0)
