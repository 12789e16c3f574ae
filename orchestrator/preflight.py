"""Every problem of host and plan, found before anything is spent."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark_core.official import hardware_deviations
from benchmark_core.report import GpuFacts
from orchestrator.engines.base import Engine
from orchestrator.errors import Problem
from orchestrator.exporter import find_exporter_problems, find_exporter_warnings
from orchestrator.gpus import Gpu
from orchestrator.model_access import find_access_warnings
from orchestrator.model_server import find_meter_warnings, find_server_problems
from orchestrator.own_server import find_own_server_problems
from orchestrator.run_planner import Plan
from orchestrator.settings import Settings

SMALLEST_FREE_BYTES = 200 * 10**6


def host_problems(
    plan: Plan, settings: Settings, engine: Engine, gpus: Sequence[Gpu] = ()
) -> Iterator[Problem]:
    """What this machine, the exporter that is to watch `gpus`, or the server of the plan lacks.

    Each with the remedy.
    """
    yield from engine.problems(settings.computes_on_gpus)
    yield from find_exporter_problems(settings, gpus)
    yield from find_server_problems(plan, settings)
    yield from find_own_server_problems(settings)
    yield from _disk_problems(settings.output_dir)


def host_warnings(
    plan: Plan, settings: Settings, engine: Engine, gpus: Sequence[Gpu] = ()
) -> Iterator[Problem]:
    """What will not stop the sweep but may disappoint in the morning."""
    yield from engine.warnings()
    yield from _other_hardware(gpus)
    yield from find_exporter_warnings(settings)
    yield from find_meter_warnings(settings)
    yield from _unknown_sizes(plan, settings)
    yield from find_access_warnings(plan, settings)
    if settings.offline or settings.token or settings.is_simulated or not plan.runs:
        return
    yield Problem(
        "Hugging Face",
        "no token was found, so gated models will fail",
        "Log in with `hf auth login`, or set HF_TOKEN.",
    )


def _other_hardware(gpus: Sequence[Gpu]) -> Iterator[Problem]:
    """GPUs known by name that are not what the official protocol asks for."""
    for gpu in gpus:
        if gpu.simulated or not gpu.name:
            continue
        facts = GpuFacts(
            uuid=gpu.uuid,
            name=gpu.name,
            memory_bytes=gpu.memory_bytes,
            power_limit_watts=gpu.power_limit_watts,
            default_power_limit_watts=gpu.default_power_limit_watts,
        )
        deviations = list(hardware_deviations([facts]))
        if deviations:
            yield Problem(
                f"GPU {gpu.index} ({gpu.name})",
                f"is not the official hardware ({'; '.join(deviations)})",
                "Runs are measured all the same, and none of them is official.",
            )


def _unknown_sizes(plan: Plan, settings: Settings) -> Iterator[Problem]:
    """Idle GPUs draw power too, so taking all of them is said aloud."""
    takes_by_size = settings.computes_on_gpus or settings.serves_on_gpus
    rows = [
        run.config.line
        for run in plan.runs
        if run.config.model_class == "C" and not (run.config.gpus or run.config.parameters_billion)
    ]
    if not rows or settings.gpus_per_run or not takes_by_size:
        return
    yield Problem(
        f"{settings.csv}, lines {', '.join(map(str, rows))}",
        "class C rows of unknown size take every GPU that may be used",
        "Fill their GPUs or Parameters (B) column, or give --gpus-per-run.",
    )


def _disk_problems(output_dir: Path) -> Iterator[Problem]:
    place = f"--output-dir {output_dir}"
    try:
        existing = output_dir.absolute()
        while not existing.exists():
            existing = existing.parent
        writable = existing.is_dir() and os.access(existing, os.W_OK)
        free = shutil.disk_usage(existing).free
    except OSError as error:
        yield Problem(place[:200], f"cannot be used ({error.strerror})", "Choose another folder.")
        return
    if not writable:
        yield Problem(place, "cannot be written", "Choose a folder of your own.")
    elif free < SMALLEST_FREE_BYTES:
        yield Problem(
            place,
            f"only {free / 1e6:.0f} MB are free on its disk",
            f"Free at least {SMALLEST_FREE_BYTES / 1e6:.0f} MB.",
        )
