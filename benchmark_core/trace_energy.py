"""How much energy GPUs used between given times, from the power trace, read once. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmark_core.power_trace import LONGEST_GAP_SECONDS, TraceRow, rows

LONGEST_LOOK_SECONDS = 0.1
"""A counter that is found changed did so since the last look, but hardly longer ago than this."""

LONGEST_STEP_SECONDS = 0.5
"""So long before the first and after the last point that is known the energy may be taken to go on
as beside it."""


def joules_between(
    path: Path, gpus: int, windows: Sequence[tuple[float, float]]
) -> list[float | None]:
    """The energy in joules of all GPUs together in each window (start, end), in any order.

    By their counters where the trace has them, else by their power. None for a window of which an
    edge is not covered or lies where no reading came for more than a second, in which a counter
    went back, or in which there was no power reading for more than a second; what a counter counted
    meanwhile is known when it answers again.
    """
    edges = sorted({edge for window in windows for edge in window})
    energies = [_Energy(edges) for _ in range(gpus)]
    for row in rows(path):
        if 0 <= row.gpu < gpus:
            energies[row.gpu].see(row)
    places = [(bisect_left(edges, start), bisect_left(edges, end)) for start, end in windows]
    return _sums([_parts(energy.at_edges(), places) for energy in energies], len(windows))


class _Point(NamedTuple):
    """The cumulative energy at an edge. Only points of one stretch can be subtracted."""

    joules: float
    stretch: int


def _parts(
    points: Sequence[_Point | None], places: Sequence[tuple[int, int]]
) -> list[float | None]:
    """The joules of one GPU between the edges at two places each."""
    pairs = ((points[start], points[end]) for start, end in places)
    return [
        end.joules - start.joules if start and end and start.stretch == end.stretch else None
        for start, end in pairs
    ]


def _sums(of_gpus: Sequence[Sequence[float | None]], count: int) -> list[float | None]:
    if not of_gpus:
        return [None] * count
    return [
        None if None in parts else sum(part for part in parts if part is not None)
        for parts in zip(*of_gpus, strict=True)
    ]


class _Energy:
    """The cumulative energy of one GPU, by its counter and, for want of that, by its power."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._counted = _Curve(edges, spans_gaps=True)
        self._integrated = _Curve(edges, spans_gaps=False)
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

    def at_edges(self) -> list[_Point | None]:
        curve = self._integrated if self._look is None else self._counted
        return curve.points()

    def _see_counter(self, seconds: float, joules: float) -> None:
        earlier, self._look = self._look, (seconds, joules)
        if earlier is not None and earlier[1] != joules:
            # Somewhere between the two looks: in the middle it is not late on average.
            since = min(seconds - earlier[0], LONGEST_LOOK_SECONDS)
            self._counted.add(seconds - since / 2, joules)


class _Curve:
    """A cumulative energy, known at points that come in order, asked for at edges in order.

    Straight between points; beyond the first and the last it goes on as beside them, for as long
    as a counter may take for a step. One that `spans_gaps` is right again after a gap.
    """

    def __init__(self, edges: Sequence[float], spans_gaps: bool) -> None:
        self._edges = edges
        self._spans_gaps = spans_gaps
        self._points: list[_Point | None] = []
        self._last: tuple[float, float] | None = None
        self._slope: float | None = None
        self._stretch = 0

    def add(self, seconds: float, joules: float) -> None:
        last = self._last
        if last is not None and seconds <= last[0]:
            return
        self._last = (seconds, joules)
        if last is None:
            return
        gap = seconds - last[0] > LONGEST_GAP_SECONDS
        back = joules < last[1]
        slope = None if gap or back else (joules - last[1]) / (seconds - last[0])
        if not self._points:
            self._answer(last[0] - LONGEST_STEP_SECONDS, last, None)
        self._answer(seconds, last, slope)
        self._stretch += back or (gap and not self._spans_gaps)
        self._slope = slope

    def points(self) -> list[_Point | None]:
        """One for each edge, None where the energy is not known there. Ends the curve."""
        if self._last is not None:
            self._answer(self._last[0] + LONGEST_STEP_SECONDS, self._last, self._slope)
        return self._points + [None] * (len(self._edges) - len(self._points))

    def _answer(
        self, until_seconds: float, known: tuple[float, float], slope: float | None
    ) -> None:
        """All edges that are left up to a time, from a known point and the power beside it."""
        while len(self._points) < len(self._edges):
            edge = self._edges[len(self._points)]
            if edge > until_seconds:
                return
            joules = None if slope is None else known[1] + slope * (edge - known[0])
            self._points.append(None if joules is None else _Point(joules, self._stretch))
