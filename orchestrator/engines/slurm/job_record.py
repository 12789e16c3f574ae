"""`job.json`: which job was submitted for a run folder, and all that it has to know on its node."""

import os
from pathlib import Path

from pydantic import AwareDatetime

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import LAUNCH_FILE, Launch
from benchmark_core.documents import ContractError, Document
from orchestrator.engines.base import Order
from orchestrator.engines.owner import Owner
from orchestrator.engines.slurm.profile import RuntimeName
from orchestrator.lease import JOB_FILE


class JobRecord(Document):
    """No secret is in it. `gpu_count` GPUs are asked of Slurm; `image` is as the runtime names it.

    Paths are those of the shared file system, the same on every machine. The limits are those of
    the profile; `held_since` is when the job was first seen held, None while it is not.
    """

    job_id: str
    name: str
    comment: str
    run_id: str
    spec_hash: str
    submitted_at: str
    owner: Owner
    runtime: RuntimeName
    image: str
    output_dir: Path
    log_path: Path
    samples: Path | None
    wants_gpus: bool
    gpu_count: int
    offline: bool
    host_network: bool
    needs_model: bool
    hub_cache: Path
    datasets_cache: Path
    optimum_python: Path | None
    time_limit_minutes: int | None
    held_after_seconds: float
    lost_after_seconds: float
    held_since: AwareDatetime | None = None

    def order(self, folder: Path) -> Order:
        """What the runtime of the node is to start."""
        try:
            launch = Launch.read(folder / LAUNCH_FILE)
        except ContractError:
            launch = Launch(engine="slurm", launched_at=self.submitted_at)
        return Order(
            run_id=self.run_id,
            spec_hash=self.spec_hash,
            folder=folder,
            log_path=self.log_path,
            launch=launch,
            wants_gpus=self.wants_gpus,
            samples=self.samples,
            offline=self.offline,
            host_network=self.host_network,
        )

    def write(self, folder: Path) -> None:
        """Raises OSError."""
        write_text(folder / JOB_FILE, self.to_json())

    @property
    def slurm_log_path(self) -> Path:
        """What Slurm and the job's own program say, which is seldom anything."""
        return slurm_log_path(self.log_path)


def slurm_log_path(log_path: Path) -> Path:
    return log_path.with_name(f"{log_path.stem}.slurm.log")


def read_job(folder: Path) -> JobRecord | None:
    """The job of a run folder; None where there is none, or it cannot be read."""
    try:
        record = JobRecord.read(folder / JOB_FILE)
    except ContractError:
        return None
    return record if record.run_id == folder.name else None


def remove_job(folder: Path) -> None:
    (folder / JOB_FILE).unlink(missing_ok=True)


def job_name(run_id: str) -> str:
    """Short enough for every listing; which run it is stands whole in the comment."""
    return f"ai-energy-score:{run_id}"[:120]


def job_comment(output_dir_hash: str, run_id: str) -> str:
    """By this, its name and its id a job is known as ours before it is cancelled."""
    return f"ai-energy-score {output_dir_hash[:16]} {os.geteuid()} {run_id}"[:200]
