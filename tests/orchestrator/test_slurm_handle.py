"""What the end of a job says of its node, by its lease and the controller's word."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.engines.slurm.handle import SlurmHandle
from orchestrator.engines.slurm.job_record import read_job
from orchestrator.engines.slurm.queue import Queue, QueuedJob
from orchestrator.exit import Exit
from orchestrator.lease import Lease, LeaseEnd
from tests.support import builders
from tests.support.slurm_jobs import submitted

GPUS = ("SIMULATED-GPU-n1-0",)


class Answering(Queue):
    """A controller that says this of job 7; None: it knows nothing of it."""

    def __init__(self, state: str | None, node: str) -> None:
        super().__init__(1.0)
        self._job = QueuedJob("7", state, "name", "comment", node, "None") if state else None

    def find(self, job_id: str, patience_seconds: float | None = None) -> QueuedJob | None:
        return self._job


def end_of(
    tmp_path: Path, state: str | None, ended: LeaseEnd | None, told: str = "n1", **lease: Any
) -> Exit:
    folder = submitted(tmp_path, lost_after_seconds=0.0)
    fields: dict[str, Any] = {"job_id": "7", "restarts": 0, "node": "n1", "gpu_uuids": GPUS}
    fields |= {"started_at": builders.NOW, "heartbeat_at": builders.NOW, "ended": ended}
    Lease(**(fields | lease)).write(folder)
    record = read_job(folder)
    assert record is not None
    found = SlurmHandle(record, record.order(folder), Answering(state, told)).poll()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("state", "node"),
    [("FAILED", "n1"), ("NODE_FAIL", "n1"), ("PREEMPTED", None), (None, None)],
)
def test_of_jobs_without_a_last_word_those_that_died_name_their_node(
    tmp_path: Path, state: str | None, node: str | None
) -> None:
    ended = end_of(tmp_path, state, None)
    assert (ended.cause, ended.node) == ("lost", node)


@pytest.mark.parametrize(("on_simulated", "rehearsal"), [(True, True), (False, None)])
def test_the_launch_tells_of_simulated_gpus_as_the_job_found_them(
    tmp_path: Path, on_simulated: bool, rehearsal: bool | None
) -> None:
    launch = end_of(tmp_path, "FAILED", None, simulated_gpus=on_simulated).launch
    assert launch is not None
    assert (launch.gpu_uuids, launch.rehearsal) == (GPUS, rehearsal)


@pytest.mark.parametrize(
    ("lease", "node"),
    [
        ({}, "n1"),
        # Started again without its GPUs, after another node was lost.
        ({"restarts": 1, "gpu_uuids": ()}, None),
        # As a run could write it, or a job that takes its host's name for Slurm's.
        ({"node": "n2"}, "n1"),
        ({"node": "n1.example.org"}, "n1"),
    ],
)
def test_a_job_that_tells_its_end_names_the_node_whose_gpus_it_had(
    tmp_path: Path, lease: dict[str, Any], node: str | None
) -> None:
    ended = end_of(tmp_path, "RUNNING", LeaseEnd(cause="lost", detail="it stayed away"), **lease)
    assert (ended.cause, ended.node) == ("lost", node)


@pytest.mark.parametrize(("state", "told"), [(None, "n1"), ("PENDING", "")])
def test_a_job_whose_node_the_controller_does_not_tell_names_none(
    tmp_path: Path, state: str | None, told: str
) -> None:
    ended = end_of(tmp_path, state, LeaseEnd(cause="lost", detail="it stayed away"), told)
    assert (ended.cause, ended.node) == ("lost", None)
