"""Every problem of host and plan, found before anything is spent."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.engines.base import Engine
from orchestrator.errors import Problem
from orchestrator.gpu_slots import Gpu
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings

SMALLEST_FREE_BYTES = 200 * 10**6


def host_problems(
    plan: Plan, settings: Settings, engine: Engine, gpus: Sequence[Gpu]
) -> Iterator[Problem]:
    """What this machine lacks for the plan, with the remedy for each."""
    yield from engine.problems(settings.device == "cuda")
    needed = max((run.spec.device.gpu_count for run in plan.runs), default=0)
    if gpus and needed > len(gpus):
        yield Problem(
            "GPUs",
            f"a run of the plan needs {needed}, and {len(gpus)} may be used",
            "Allow more with --gpus, or filter the rows.",
        )
    yield from _disk_problems(settings.output_dir)


def host_warnings(plan: Plan, settings: Settings, engine: Engine) -> Iterator[Problem]:
    """What will not stop the sweep but may disappoint in the morning."""
    yield from engine.warnings()
    if settings.offline or settings.token or settings.backend == "simulated" or not plan.runs:
        return
    yield Problem(
        "Hugging Face",
        "no token was found, so gated models will fail",
        "Log in with `hf auth login`, or set HF_TOKEN.",
    )


def _disk_problems(output_dir: Path) -> Iterator[Problem]:
    existing = output_dir.absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield Problem(
            f"--output-dir {output_dir}", "cannot be written", "Choose a folder of your own."
        )
        return
    free = shutil.disk_usage(existing).free
    if free < SMALLEST_FREE_BYTES:
        yield Problem(
            f"--output-dir {output_dir}",
            f"only {free / 1e6:.0f} MB are free on its disk",
            f"Free at least {SMALLEST_FREE_BYTES / 1e6:.0f} MB.",
        )
