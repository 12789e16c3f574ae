"""Waits until the GPUs have come to rest, so that a hot card does not pay for the run before.

A hotter GPU draws more for the same work. Before a model is loaded the power trace is watched
until neither power nor temperature falls any more, and both are near the coolest state known of
that GPU. A GPU that has not cooled any further for long is at rest as well: the room is warmer now,
or its neighbours are.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark_core.contract import GpuRest
from benchmark_core.power_trace import TraceRow, tail
from benchmark_core.report.rest import ThermalGate

LONGEST_WAIT_SECONDS = 300.0
LOOK_SECONDS = 0.25
# So many times `idle_seconds` are looked back on: 20 s of the usual 5.
LOOKED_BACK = 4
# After so many times the time looked back on, a GPU that is steady need not be as cool as ever.
PATIENCE = 4
# From the first to the second half of the time looked back on, power may fall by so much.
STEADY_SHARE, STEADY_WATTS = 0.03, 2.0
STEADY_CELSIUS = 1.0
# And be so much above the coolest state known.
NEAR_SHARE, NEAR_WATTS = 0.10, 5.0
NEAR_CELSIUS = 5.0


def wait(
    trace_path: Path,
    gpu_uuids: Sequence[str],
    idle_seconds: float,
    known: Mapping[str, GpuRest],
    longest_seconds: float = LONGEST_WAIT_SECONDS,
) -> ThermalGate:
    """Bounded: after `longest_seconds` the run goes on, and the report says that it did not settle.

    A GPU whose power cannot be read never settles, and is not waited for.
    """
    started = time.monotonic()
    look_back = LOOKED_BACK * idle_seconds
    while True:
        time.sleep(LOOK_SECONDS)
        now = time.monotonic()
        rows = [row for row in tail(trace_path, now - look_back) if row.seconds >= started]
        seen = {
            uuid: [row for row in rows if row.gpu == number and row.best_watts is not None]
            for number, uuid in enumerate(gpu_uuids)
        }
        waited = now - started
        watched = waited >= look_back
        wanted = known if waited < PATIENCE * look_back else {}
        settled = watched and all(is_at_rest(seen[uuid], wanted.get(uuid)) for uuid in gpu_uuids)
        unreadable = watched and not all(seen.values())
        if settled or unreadable or waited >= longest_seconds:
            at_rest = {uuid: rest for uuid, own in seen.items() if (rest := _rest(_halves(own)[1]))}
            return ThermalGate(waited_seconds=waited, settled=settled, at_rest=at_rest)


def is_at_rest(rows: Sequence[TraceRow], known: GpuRest | None) -> bool:
    """Whether the rows of one GPU show power and temperature that fall no more."""
    halves = [rest for half in _halves(rows) if (rest := _rest(half))]
    if len(halves) < 2:
        return False
    first, second = halves
    if first.watts - second.watts > max(STEADY_WATTS, STEADY_SHARE * first.watts):
        return False
    if _warmer(first, second) > STEADY_CELSIUS:
        return False
    if known is None:
        return True
    near_watts = second.watts <= known.watts + max(NEAR_WATTS, NEAR_SHARE * known.watts)
    return near_watts and _warmer(second, known) <= NEAR_CELSIUS


def _halves(rows: Sequence[TraceRow]) -> tuple[Sequence[TraceRow], Sequence[TraceRow]]:
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]


def _rest(rows: Sequence[TraceRow]) -> GpuRest | None:
    watts = [row.best_watts for row in rows if row.best_watts is not None]
    celsius = [row.celsius for row in rows if row.celsius is not None]
    if not watts:
        return None
    return GpuRest(
        watts=statistics.fmean(watts), celsius=statistics.fmean(celsius) if celsius else None
    )


def _warmer(one: GpuRest, other: GpuRest) -> float:
    """By how many degrees; 0 where a temperature is unknown."""
    if one.celsius is None or other.celsius is None:
        return 0.0
    return one.celsius - other.celsius
