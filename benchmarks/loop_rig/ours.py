"""Our side: a run folder as the planner and an engine leave it, measured in this process."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from benchmark_core.contract import (
    LAUNCH_FILE,
    SPEC_FILE,
    BackendSpec,
    DeviceSpec,
    Launch,
    ModelSpec,
    RunSpec,
    SampleSource,
    TaskName,
)
from benchmark_core.report.run_report import RunReport
from benchmark_core.reported_run import run
from benchmark_core.sample_folder import samples_sha256
from benchmark_core.tasks import registry as tasks
from benchmarks.loop_rig.job import TIMES, Job


def measure(job: Job, count: int) -> TIMES:
    """Seconds of the windows of the passes, as the report has them."""
    return times(run_job(job, count))


def run_job(job: Job, count: int) -> RunReport:
    """One repetition of a run over `count` samples. Raises RuntimeError where any of it failed."""
    folder = Path(job.place) / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / SPEC_FILE).write_text(spec_of(job, count).to_json())
    launch = Launch(
        engine="none",
        launched_at=datetime.now(UTC).isoformat(),
        samples_path=job.samples,
    )
    (folder / LAUNCH_FILE).write_text(launch.to_json())
    report = run(folder)
    if report.failure:
        raise RuntimeError(f"the run failed: {report.failure.message}")
    (repetition,) = report.repetitions
    for window in repetition.windows:
        if (window.successful, window.failed) != (count, 0):
            raise RuntimeError(
                f"{window.name}: {window.successful} of {count} samples, {window.failed} failed"
            )
    return report


def spec_of(job: Job, count: int) -> RunSpec:
    """What the planner makes of a row on the CPU with samples of the user's, without meters."""
    task = tasks.get(cast("TaskName", job.task))
    return RunSpec(
        run_id="loop",
        model=ModelSpec(id=job.model),
        task=task.name,
        samples=SampleSource(folder_sha256=samples_sha256(Path(job.samples)), count=count),
        limits=task.limits(reasons=False),
        steps=task.steps,
        precision=task.precision,
        repetitions=1,
        backend=BackendSpec(name="pytorch"),
        device=DeviceSpec(kind="cpu", gpu_count=0),
        meters=(),
    )


def times(report: RunReport) -> TIMES:
    """Of the passes over the model; preparing the inputs is none of them."""
    (repetition,) = report.repetitions
    return {
        window.name: window.duration_seconds
        for window in repetition.windows
        if window.name != "preprocess"
    }
