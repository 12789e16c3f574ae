"""Run folders as a submitter leaves them for a job."""

from pathlib import Path
from typing import Any

from benchmark_core.contract import LAUNCH_FILE, SPEC_FILE
from orchestrator.engines.owner import Owner
from orchestrator.engines.slurm.job_record import JobRecord
from tests.support import builders

RUN_ID = "org_model_Off"


def submitted(output_dir: Path, seconds_per_sample: float = 0.0, **changes: Any) -> Path:
    """A run folder as a submitter leaves it, for job 7 with one GPU."""
    folder = output_dir / "individual_runs" / RUN_ID
    folder.mkdir(parents=True)
    simulation = builders.Simulation(seconds_per_sample=seconds_per_sample)
    backend = builders.BackendSpec(name="simulated", simulation=simulation)
    asked = builders.spec(run_id=RUN_ID, backend=backend)
    (folder / SPEC_FILE).write_text(asked.to_json())
    (folder / LAUNCH_FILE).write_text(builders.launch(engine="slurm").to_json())
    fields: dict[str, Any] = {
        "job_id": "7",
        "name": "name",
        "comment": "comment",
        "run_id": RUN_ID,
        "spec_hash": asked.spec_hash(),
        "submitted_at": builders.NOW,
        "owner": Owner.current(),
        "runtime": "process",
        "image": "image",
        "output_dir": output_dir,
        "log_path": output_dir / "logs" / "run.log",
        "samples": None,
        "wants_gpus": False,
        "gpu_count": 1,
        "offline": True,
        "host_network": False,
        "needs_model": False,
        "hub_cache": output_dir,
        "datasets_cache": output_dir,
        "optimum_python": None,
        "time_limit_minutes": None,
        "held_after_seconds": 600.0,
        "lost_after_seconds": 60.0,
    }
    JobRecord(**(fields | changes)).write(folder)
    return folder
