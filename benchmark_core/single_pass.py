"""Prefill and decode told apart within one pass, where their parts are long enough.

It reads the power trace and writes nothing.

The methodology measures a pass with one new token and subtracts it from the pass with all of them.
Here the generate pass alone is split where each sample's first token came. The power trace is read
once, row by row, in constant memory but for three times of each sample.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.power_trace import LONGEST_GAP_SECONDS, TraceRow, rows
from benchmark_core.report.trace_facts import SinglePass

SHORTEST_SECONDS = 0.5
"""Five steps of a counter that is renewed every 0.1 s. In less, the energy of a part is mostly that
of its neighbour."""

LARGEST_SHORT_SHARE = 0.1
"""So many of the samples may have a shorter part; a few long ones may not carry the mean."""

LONGEST_LOOK_SECONDS = 0.1
"""A counter that is found changed did so since the last look, but hardly longer ago than this."""


@dataclass(frozen=True)
class TokenMark:
    """When a sample began, had its first new token, and ended, on the clock of the trace."""

    started_at: float
    first_token_at: float
    ended_at: float


def split(
    path: Path, uuids_count: int, generate_marks: Sequence[Sequence[TokenMark]]
) -> SinglePass:
    """The split of the generate passes, one list of marks for each repetition.

    Samples are in the order of time and one after the other. The energy of all GPUs is summed up,
    by their counters where the trace has them, else by their power.
    """
    obstacle = _too_short([mark for marks in generate_marks for mark in marks])
    if obstacle is None and not all(generate_marks):
        obstacle = "a repetition has no sample with the time of its first token"
    if obstacle is not None:
        return _no_split(obstacle)
    edges = [
        edge
        for marks in generate_marks
        for mark in marks
        for edge in (mark.started_at, mark.first_token_at, mark.ended_at)
    ]
    if any(later < earlier for earlier, later in pairwise(edges)):
        return _no_split("the samples overlap in time")
    joules = _joules_at(path, uuids_count, edges)
    if joules is None:
        return _no_split("the power trace does not cover every sample, or a counter went back")
    starts, firsts, ends = joules[0::3], joules[1::3], joules[2::3]
    prefill = sum(first - start for start, first in zip(starts, firsts, strict=True))
    decode = sum(end - first for first, end in zip(firsts, ends, strict=True))
    per_repetition = JOULES_PER_WH * len(generate_marks)
    return SinglePass(
        prefill_wh=prefill / per_repetition, decode_wh=decode / per_repetition, because=None
    )


def _no_split(because: str) -> SinglePass:
    return SinglePass(prefill_wh=None, decode_wh=None, because=because)


def _too_short(marks: Sequence[TokenMark]) -> str | None:
    """Why the parts are too short for the meter, None where they are not."""
    if not marks:
        return "the times of the first tokens were not taken"
    parts = {
        "prefill": [mark.first_token_at - mark.started_at for mark in marks],
        "decode": [mark.ended_at - mark.first_token_at for mark in marks],
    }
    for name, seconds in parts.items():
        mean = statistics.fmean(seconds)
        if mean < SHORTEST_SECONDS:
            return f"{name} lasts {mean:.2g} s on average, the meter needs {SHORTEST_SECONDS:g} s"
    for name, seconds in parts.items():
        short = sum(value < SHORTEST_SECONDS for value in seconds)
        if short > LARGEST_SHORT_SHARE * len(seconds):
            return (
                f"{name} lasts less than the {SHORTEST_SECONDS:g} s that the meter needs"
                f" in {short} of {len(seconds)} samples"
            )
    return None


def _joules_at(path: Path, gpus: int, edges: Sequence[float]) -> list[float] | None:
    """The energy of all GPUs together at times in order, from an arbitrary zero."""
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
            self._answer_until(self._last[0] + SHORTEST_SECONDS, self._last)
        if self._broken or len(self._values) < len(self._edges):
            return None
        return self._values

    def _answer_until(self, seconds: float, last: tuple[float, float]) -> None:
        while len(self._values) < len(self._edges) and self._edges[len(self._values)] <= seconds:
            edge = self._edges[len(self._values)]
            self._values.append(last[1] + self._slope * (edge - last[0]))
