"""The rows: doubts about them, whether memory and night are large enough, what disturbs them."""

import re
from collections.abc import Iterator

from benchmark_core.meter_facts import EXPORTER_METERS, GPU_COUNTERS, HOST_METERS
from benchmark_core.named_size import LOADED_BYTES_PER_PARAMETER
from benchmark_core.reasoning.families import family_of
from orchestrator.errors import Problem
from orchestrator.forecast import find_forecast_warnings
from orchestrator.model_size import model_size
from orchestrator.preflight.finding import Finding, trouble, warning, well
from orchestrator.preparation import Preparation
from orchestrator.run_planner import PlannedRun
from orchestrator.settings import AUTO

QUANTIZED_NAME = re.compile(r"[48][-_]?bit|int[48]|fp[48]|awq|gptq|gguf|bnb|nf4", re.I)
"""Whose weights take less than two bytes each."""


def check_catalog(prepared: Preparation) -> Iterator[Finding]:
    settings, plan = prepared.settings, prepared.plan
    yield from map(warning, prepared.doubts)
    if plan.runs or plan.skipped:
        skipped = f", {len(plan.skipped)} rows are skipped" if plan.skipped else ""
        yield well(f"{settings.csv}: {len(plan.runs)} runs are planned{skipped}")


def check_memory(prepared: Preparation) -> Iterator[Finding]:
    settings = prepared.settings
    if not (settings.computes_on_gpus or settings.serves_on_gpus) or not prepared.plan.runs:
        return
    yield from map(warning, _unknown_sizes(prepared))
    known = [gpu.memory_bytes for gpu in prepared.gpus if gpu.memory_bytes]
    if not known:
        return
    too_large = list(_too_large(prepared, min(known)))
    yield from map(warning, too_large)
    if not too_large:
        yield well("every model whose size is known fits into the GPUs of its runs")


def check_time(prepared: Preparation) -> Iterator[Finding]:
    """By the forecast, for whoever asks for weeks without knowing."""
    expected = prepared.forecast
    doubts = list(find_forecast_warnings(expected, prepared.plan, prepared.settings))
    yield from map(warning, doubts)
    wall = expected.wall_seconds
    if expected.runs and wall is None:
        yield well("unknown: no row tells how large its model is, and none was measured before")
    elif wall and not doubts:
        hours = f"{wall.central / 3600:.1f} h ({wall.low / 3600:.1f} to {wall.high / 3600:.1f})"
        yield well(f"the sweep takes about {hours}")


def check_parallel(prepared: Preparation) -> Iterator[Finding]:
    """Runs on GPUs share the host too, but not what their score is made of."""
    settings, expected = prepared.settings, prepared.forecast
    at_a_time = min(expected.parallel, len(expected.runs))
    shares_processor = settings.device == "cpu" and not settings.is_served_elsewhere
    if not shares_processor or settings.is_scheduled or at_a_time < 2:
        return
    counted = "makes the others slower"
    if set(settings.meters) & set(HOST_METERS):
        counted = "makes the others slower, and counts the CPU and RAM energy of all as its own"
    yield warning(
        Problem(
            f"--parallel {settings.parallel or AUTO}",
            f"{at_a_time} runs at a time share the processor: each {counted}."
            " All of them are flagged other_runs_on_host",
            "Leave the flag out for figures of each run alone.",
        )
    )


def check_meters(prepared: Preparation) -> Iterator[Finding]:
    """A meter that asks the driver within the run can only fail where the run is shown no GPU.

    The simulated driver needs no device: an image that has it too reads it all the same.
    """
    settings = prepared.settings
    blind = [one for one in settings.meters if one in GPU_COUNTERS and one not in EXPORTER_METERS]
    if settings.hides_gpus and blind and prepared.plan.runs:
        finding = warning if any(gpu.simulated for gpu in prepared.gpus) else trouble
        yield finding(
            Problem(
                f"--meters {','.join(settings.meters)}",
                f"containers of runs on the CPU are shown no GPU, so {' and '.join(blind)} cannot"
                " read one and every run will fail",
                "Leave it out, compute with --device cuda, or use --engine process.",
            )
        )


def _unknown_sizes(prepared: Preparation) -> Iterator[Problem]:
    """Idle GPUs draw power too, so taking all of them is said aloud."""
    settings = prepared.settings
    rows = [
        run.config.line
        for run in prepared.plan.runs
        if run.config.model_class == "C" and not (run.config.gpus or run.config.parameters_billion)
    ]
    if not rows or settings.gpus_per_run:
        return
    yield Problem(
        f"{settings.csv}, lines {', '.join(map(str, rows))}",
        "class C rows of unknown size take every GPU that may be used",
        "Fill their GPUs or Parameters (B) column, or give --gpus-per-run.",
    )


def _too_large(prepared: Preparation, gpu_bytes: int) -> Iterator[Problem]:
    """By the row's size, or by one in the model's name; each model once."""
    told: set[str] = set()
    for run in prepared.plan.runs:
        billions = _billions(run)
        if billions is None or run.config.model_id in told:
            continue
        needed = billions * 1e9 * LOADED_BYTES_PER_PARAMETER
        given = gpu_bytes * run.spec.device.gpu_count
        if needed <= given:
            continue
        told.add(run.config.model_id)
        yield Problem(
            f"{prepared.settings.csv}, line {run.config.line}",
            f"{run.config.model_id} has about {billions:g} billion parameters, which take some"
            f" {needed / 1e9:.0f} GB in 16 bits, and the GPUs of its run have {given / 1e9:.0f} GB",
            "Give it more GPUs: class C with a GPUs column, or --gpus-per-run.",
        )


def _billions(run: PlannedRun) -> float | None:
    """None where neither row nor name tells, or where the name is of fewer bytes each."""
    config, size = run.config, model_size(run.config)
    if size is None:
        return None
    family = family_of(config.model_id)
    is_small = (
        config.quantization
        or (family is not None and family.packed)
        or QUANTIZED_NAME.search(config.model_id.rpartition("/")[2])
    )
    return None if is_small and config.parameters_billion is None else size.parameters / 1e9
