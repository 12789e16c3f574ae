"""What is done again and again while thousands of runs wait or are finished."""

import io
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from model_config_parser import ModelConfig
from orchestrator.display.sweep_drawing import SweepDrawing
from orchestrator.estimate import Estimate
from orchestrator.placement import Placed, Room
from orchestrator.pulse import Pulse
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_picture.tally import SweepTally
from orchestrator.sweep_picture.watch import SweepWatch
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord
from orchestrator.todo import Todo
from orchestrator.waiting_list import WaitingList

TIMES = 20
GPUS = 8
LARGEST_SECONDS: Mapping[str, Mapping[str, float]] = {
    "watch": {"first look": 3.0, "later look": 0.25},
    "live view": {"redraw, 80 columns": 0.05, "redraw, 200 columns": 0.05},
    "waiting list": {"start, one GPU": 0.01, "start, wide": 0.01, "no room": 0.01},
}
"""Bounds of the figures of each measure."""


def watch(results: Path, rows: int) -> dict[str, float]:
    """A sweep of twice as many runs, of which the second half has not begun."""
    record = _record(2 * rows, datetime.fromtimestamp(0, UTC).isoformat())
    found = SweepWatch(RunDirectory(results), record)
    first, *later = [_seconds(found.look) for _ in range(6)]
    picture = found.picture()
    if (picture.finished, picture.queued) != (rows, rows):
        raise SystemExit(f"the folders were not understood: {picture}")
    return {"first look": first, "later look": statistics.median(later), **_peak()}


def live_view(results: Path, rows: int) -> dict[str, float]:
    """Every GPU is at work, half of the runs have ended, the others wait."""
    record = _record(rows, datetime.now(UTC).isoformat())
    tally = SweepTally(record, 0.0)
    for number, run in enumerate(record.runs[: rows // 2 + GPUS]):
        tally.started(run.run_id, [f"GPU-{number % GPUS}"], 0.0)
        tally.progressed(run.run_id, Pulse(None, 300.0, 1e6, "generate"), 1.0)
        if number < rows // 2:
            tally.ended(run.run_id, "finished", seconds=60.0)
    figures = {}
    for width in (80, 200):
        console = Console(force_terminal=True, width=width, height=50, file=io.StringIO())
        draw = _times(lambda: console.print(SweepDrawing(tally.picture(2.0))))  # noqa: B023
        figures[f"redraw, {width} columns"] = draw
    return figures | _peak()


def waiting_list(results: Path, rows: int) -> dict[str, float]:
    """One start of many: half of the rows take one GPU, and of the others as many as there are."""
    from benchmarks.finished_rows import plan_of

    todos = [Todo(run) for run in plan_of(results.parent).runs]
    waiting = WaitingList(lambda run_id: 60.0 + len(run_id), takes_gpus=True)
    for number, todo in enumerate(todos):
        waiting.add([_with_gpus(todo, GPUS if number % 2 else 1)])
    beside = [Placed(1, 100.0 + number) for number in range(GPUS - 1)]
    one_free = Room(total=GPUS, free=1, running=beside, parallel=GPUS)
    all_free = Room(total=GPUS, free=GPUS, running=[], parallel=GPUS)
    none_free = Room(total=GPUS, free=0, running=beside, parallel=GPUS)
    return {
        "start, one GPU": _times(lambda: waiting.take(one_free, 0.0)),
        "start, wide": _times(lambda: waiting.take(all_free, 0.0)),
        "no room": _times(lambda: waiting.take(none_free, 0.0)),
        **_peak(),
    }


MEASURES: Mapping[str, Callable[[Path, int], dict[str, float]]] = {
    "watch": watch,
    "live view": live_view,
    "waiting list": waiting_list,
}
"""By name; each is told a directory with so many finished runs."""


def _record(rows: int, started_at: str) -> SweepRecord:
    forecast = Estimate(low=30, central=60, high=120)
    return SweepRecord(
        host="here",
        process=1,
        started_at=started_at,
        engine="process",
        parallel=GPUS,
        gpus=tuple(SweepGpu(index=n, uuid=f"GPU-{n}", name="NVIDIA H100") for n in range(GPUS)),
        runs=tuple(
            ExpectedRun(run_id=f"sim_m{n}_Off", gpu_count=1, seconds=forecast) for n in range(rows)
        ),
    )


def _with_gpus(todo: Todo, count: int) -> Todo:
    spec = todo.run.spec
    device = spec.device.model_copy(update={"gpu_count": count})
    config: ModelConfig = todo.run.config
    return Todo(PlannedRun(config, spec.model_copy(update={"device": device})))


def _times(work: Callable[[], object]) -> float:
    return statistics.median(_seconds(work) for _ in range(TIMES))


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _peak() -> dict[str, float]:
    return {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
