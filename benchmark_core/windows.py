"""The windows of a run: work inside, energy out, and a list of all there were."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from benchmark_core.ledger import Span
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.report.energy import Reading

Result = TypeVar("Result")


@dataclass(frozen=True)
class Measured:
    duration_seconds: float
    reading: Reading


class Windows:
    """One after the other, never nested. `synchronise` waits for the device to finish its work."""

    def __init__(self, meter: MeterPanel, synchronise: Callable[[], None]) -> None:
        self._meter = meter
        self._synchronise = synchronise
        self.spans: list[Span] = []

    def measure(self, label: str, work: Callable[[], Result]) -> tuple[Measured, Result]:
        """Do `work` in a window. Raises MeterFault, and whatever the work raises."""
        self._meter.approach()
        self._meter.open(label)
        opened_at = time.monotonic()
        result = work()
        self._synchronise()
        closed_at = time.monotonic()
        self._meter.close()
        reading = self._meter.read()
        self.spans.append(Span(label, opened_at, closed_at, reading.gpu_joules))
        return Measured(closed_at - opened_at, reading), result
