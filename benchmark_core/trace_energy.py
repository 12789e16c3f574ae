"""How much energy GPUs had used at given times, from the power trace, read once. Pure."""

from collections.abc import Sequence
from pathlib import Path

from benchmark_core.power_trace import LONGEST_GAP_SECONDS, TraceRow, rows

LONGEST_LOOK_SECONDS = 0.1
"""A counter that is found changed did so since the last look, but hardly longer ago than this."""

LONGEST_STEP_SECONDS = 0.5
"""So long after the last point that is known the energy may be taken to go on as before."""


def joules_at(path: Path, gpus: int, edges: Sequence[float]) -> list[float] | None:
    """The energy in joules of all GPUs together at times in order, from an arbitrary zero.

    By their counters where the trace has them, else by their power. None where one of the times is
    not covered, a counter went back, or two readings between the first and the last time lie more
    than a second apart.
    """
    energies = [_Energy(edges) for _ in range(gpus)]
    for row in rows(path):
        if 0 <= row.gpu < gpus:
            energies[row.gpu].see(row)
    values = [energy.at_edges() for energy in energies]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return [sum(of_all) for of_all in zip(*known, strict=True)]


class _Energy:
    """The cumulative energy of one GPU, by its counter and, for want of that, by its power."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._counted = _Curve(edges)
        self._integrated = _Curve(edges)
        self._look: tuple[float, float] | None = None
        self._power: tuple[float, float] | None = None
        self._joules = 0.0

    def see(self, row: TraceRow) -> None:
        if row.counter_joules is not None:
            self._see_counter(row.seconds, row.counter_joules)
        watts = row.best_watts
        if watts is not None:
            seconds, earlier_watts = self._power or (row.seconds, watts)
            self._joules += (row.seconds - seconds) * (earlier_watts + watts) / 2
            self._power = (row.seconds, watts)
            self._integrated.add(row.seconds, self._joules)

    def at_edges(self) -> list[float] | None:
        curve = self._integrated if self._look is None else self._counted
        return curve.values()

    def _see_counter(self, seconds: float, joules: float) -> None:
        earlier, self._look = self._look, (seconds, joules)
        if earlier is not None and earlier[1] != joules:
            # Somewhere between the two looks: in the middle it is not late on average.
            since = min(seconds - earlier[0], LONGEST_LOOK_SECONDS)
            self._counted.add(seconds - since / 2, joules)


class _Curve:
    """A cumulative energy, known at points that come in order, asked for at times in order.

    Straight between points; past the last point it goes on as before, for as long as a counter may
    take for its next step.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = edges
        self._values: list[float] = []
        self._last: tuple[float, float] | None = None
        self._slope = 0.0
        self._broken = False

    def add(self, seconds: float, joules: float) -> None:
        last = self._last
        if last is not None and seconds <= last[0]:
            return
        self._last = (seconds, joules)
        if last is None:
            self._broken = seconds > self._edges[0]
            return
        asked = last[0] < self._edges[-1] and seconds > self._edges[0]
        gap = seconds - last[0] > LONGEST_GAP_SECONDS
        self._broken = self._broken or joules < last[1] or (gap and asked)
        self._slope = (joules - last[1]) / (seconds - last[0])
        self._answer_until(seconds, last)

    def values(self) -> list[float] | None:
        """The energy at each of the times, None where one of them is not known. Ends the curve."""
        if self._last is not None:
            self._answer_until(self._last[0] + LONGEST_STEP_SECONDS, self._last)
        if self._broken or len(self._values) < len(self._edges):
            return None
        return self._values

    def _answer_until(self, seconds: float, last: tuple[float, float]) -> None:
        while len(self._values) < len(self._edges) and self._edges[len(self._values)] <= seconds:
            edge = self._edges[len(self._values)]
            self._values.append(last[1] + self._slope * (edge - last[0]))
