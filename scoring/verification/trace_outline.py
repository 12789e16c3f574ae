"""What the lines of a power trace say: of which GPUs they are, and which window was open.

Read once, in constant memory, whatever the trace has.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmark_core.power_trace import TraceRow, rows

MOST_STRANGE: Final = 20
"""So many windows and power limits that nobody knows are named."""


@dataclass
class GpuOutline:
    """`limits` are power limits in watts."""

    has_lines: bool = False
    has_counter: bool = False
    limits: set[float] = field(default_factory=set)

    def see(self, row: TraceRow) -> None:
        self.has_lines = True
        self.has_counter = self.has_counter or row.counter_joules is not None
        if row.power_limit_watts is not None and len(self.limits) < MOST_STRANGE:
            self.limits.add(row.power_limit_watts)


@dataclass
class TraceOutline:
    """`windows` has the first and the last reading of each that is known, in seconds; `gpus` what
    is said of those that are named, by their places; `strange_gpu` whether there are others."""

    gpus: tuple[GpuOutline, ...]
    windows: dict[str, tuple[float, float]] = field(default_factory=dict)
    strange_windows: dict[str, None] = field(default_factory=dict)
    strange_gpu: bool = False

    def see(self, row: TraceRow, known: Collection[str]) -> None:
        if 0 <= row.gpu < len(self.gpus):
            self.gpus[row.gpu].see(row)
        else:
            self.strange_gpu = True
        if row.phase in known:
            first, last = self.windows.get(row.phase, (row.seconds, row.seconds))
            self.windows[row.phase] = (min(first, row.seconds), max(last, row.seconds))
        elif row.phase and len(self.strange_windows) < MOST_STRANGE:
            self.strange_windows[row.phase[:100]] = None


def outline(path: Path, gpus: int, windows: Collection[str]) -> TraceOutline:
    """Of a trace of so many GPUs with windows of these names. Raises OSError."""
    found = TraceOutline(tuple(GpuOutline() for _ in range(gpus)))
    for row in rows(path):
        found.see(row, windows)
    return found
