"""`power_trace.csv`: what the GPUs of a run drew, one line per sample and GPU. Pure.

Times are of the system's monotonic clock, which all processes of a machine share, in seconds. `gpu`
is the position among the GPUs of the run. `phase` is the window that was open, empty between
windows. `watts` is the driver's average, `instant_watts` its instant power. An empty cell means
that the driver did not say.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS = (
    "time_seconds",
    "gpu",
    "phase",
    "watts",
    "instant_watts",
    "counter_joules",
    "celsius",
    "sm_clock_mhz",
    "utilisation_percent",
    "throttle_reasons",
    "power_limit_watts",
    "processes",
)
TAIL_BLOCK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One sample of one GPU. `processes` is how many programs compute on it."""

    seconds: float
    gpu: int
    phase: str
    watts: float | None = None
    instant_watts: float | None = None
    counter_joules: float | None = None
    celsius: float | None = None
    sm_clock_mhz: float | None = None
    utilisation_percent: float | None = None
    throttle_reasons: tuple[str, ...] = ()
    power_limit_watts: float | None = None
    processes: int | None = None

    @property
    def best_watts(self) -> float | None:
        """The instant power where the driver tells it: its average lags behind by up to a second."""
        return self.watts if self.instant_watts is None else self.instant_watts
