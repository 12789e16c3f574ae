"""What the power trace says of a run: its energy, and what its GPUs went through.

It reads the trace file and asks no device. The trace of a long run has millions of rows; it is read
once, row by row, in constant memory.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmark_core.foreign_programs import ForeignPrograms, OwnPrograms
from benchmark_core.ledger import IDLE_AFTER, LOAD, Span
from benchmark_core.power_trace import TraceRow, rows
from benchmark_core.report.trace_facts import GpuConditions, TraceFacts
from benchmark_core.trace_integral import TraceIntegral

NO_THROTTLING = frozenset({"gpu_idle", "applications_clocks"})
"""Reasons for low clocks that take nothing from a GPU that has work."""

SETTLING_SECONDS = 2.0
"""After loading, so much later at most the driver's count of processes has the model's in it."""

MOST_LIMITS = 16
"""So many power limits of a GPU are named. Two are already too many, and something that sets
another one every second may not fill the report."""


@dataclass(frozen=True)
class TraceAnalysis:
    """`between_joules` is the energy between the windows; None where the trace does not tell."""

    facts: TraceFacts
    between_joules: float | None

    def between_counted_joules(self) -> float | None:
        """The same on the scale of the counter: how far the two disagree is told apart from the
        ledger."""
        joules, disagreement = self.between_joules, self.facts.disagreement
        if joules is None or disagreement is None:
            return joules
        return joules / (1 + disagreement)


def analyse(
    path: Path,
    uuids: Sequence[str],
    spans: Sequence[Span],
    counter_joules: float | None,
    model_on_gpu: bool,
    server_processes: Mapping[str, int] | None = None,
    was_on_gpus: bool = False,
) -> TraceAnalysis:
    """Reads the trace of the GPUs `uuids`, in its order, over windows in the order of time.

    `counter_joules` is the meter's own total from the first opening to the last close. Of a model
    that a server runs, `server_processes` are its processes by GPU, as far as they could be seen;
    they are there all the time. So is this process where it
    `was_on_gpus` before. A trace without rows, or none at all, is one of no samples and a
    single gap.
    """
    places = _Places.of(spans)
    served = server_processes is not None
    by_uuid = server_processes or {}
    own = [OwnPrograms(model_on_gpu, served, by_uuid.get(uuid), was_on_gpus) for uuid in uuids]
    gpus = [_Gpu(uuid, places, programs) for uuid, programs in zip(uuids, own, strict=True)]
    for row in rows(path):
        if 0 <= row.gpu < len(gpus):
            gpus[row.gpu].see(row)
    integrated = _total([gpu.whole.joules() for gpu in gpus]) if spans else None
    facts = TraceFacts(
        samples=min((gpu.samples for gpu in gpus), default=0),
        rate_hertz=min((gpu.rate_hertz() for gpu in gpus), default=0.0),
        longest_gap_seconds=max((gpu.longest_gap_seconds() for gpu in gpus), default=0.0),
        integrated_joules=integrated,
        counter_joules=counter_joules,
        disagreement=_disagreement(integrated, counter_joules),
        gpus=tuple(gpu.conditions() for gpu in gpus),
        counter_resets=sum(gpu.counter_resets for gpu in gpus),
    )
    between = _total([gpu.between.joules() for gpu in gpus]) if spans else None
    return TraceAnalysis(facts=facts, between_joules=between)


def _higher(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _total(joules: Sequence[float | None]) -> float | None:
    known = [value for value in joules if value is not None]
    return sum(known) if known and len(known) == len(joules) else None


def _disagreement(integrated: float | None, counter: float | None) -> float | None:
    if integrated is None or counter is None or counter <= 0:
        return None
    return (integrated - counter) / counter


@dataclass(frozen=True)
class _Places:
    """The times of a run that matter for its trace."""

    spans: tuple[Span, ...]
    repetitions: tuple[int | None, ...]
    last_repetition: int | None
    first_opened: float
    last_closed: float
    work_began: float
    work_ended: float
    between: tuple[tuple[float, float], ...]
    load_opened: float
    settled_from: float
    settled_until: float

    @classmethod
    def of(cls, spans: Sequence[Span]) -> "_Places":
        repetitions = tuple(span.repetition for span in spans)
        numbers = [number for number in repetitions if number is not None]
        measured = [span for span in spans if span.repetition is not None]
        first_opened = spans[0].opened_at if spans else 0.0
        last_closed = spans[-1].closed_at if spans else 0.0
        work_begins = measured[0].opened_at if measured else math.inf
        loading = next((span for span in spans if span.name == LOAD), None)
        loaded = loading.closed_at if loading else work_begins
        return cls(
            spans=tuple(spans),
            repetitions=repetitions,
            last_repetition=max(numbers, default=None),
            first_opened=first_opened,
            last_closed=last_closed,
            work_began=measured[0].opened_at if measured else first_opened,
            work_ended=measured[-1].closed_at if measured else last_closed,
            between=tuple((one.closed_at, other.opened_at) for one, other in pairwise(spans)),
            load_opened=loading.opened_at if loading else work_begins,
            settled_from=loaded,
            settled_until=max(work_begins, loaded + SETTLING_SECONDS),
        )


class _Gpu:
    """One GPU's part of the trace."""

    def __init__(self, uuid: str, places: _Places, own: OwnPrograms) -> None:
        self._uuid = uuid
        self._places = places
        self._span = 0
        self.samples = 0
        self.counter_resets = 0
        self.whole = TraceIntegral([(places.first_opened, places.last_closed)])
        self.between = TraceIntegral(places.between)
        settled = (places.settled_from, places.settled_until)
        self._programs = ForeignPrograms(own, places.load_opened, settled)
        self._first_at: float | None = None
        self._last_at = 0.0
        self._powered_at = places.work_began
        self._longest_gap = 0.0
        self._first_celsius = _Mean()
        self._last_celsius = _Mean()
        self._highest_celsius: float | None = None
        self._highest_watts: float | None = None
        self._counter: tuple[float, float] | None = None
        self._limits: dict[float, None] = {}
        self._measured = 0
        self._throttled: Counter[str] = Counter()

    def see(self, row: TraceRow) -> None:
        self.samples += 1
        if self._first_at is None:
            self._first_at = row.seconds
        self._last_at = row.seconds
        self._see_power(row)
        self._highest_celsius = _higher(self._highest_celsius, row.celsius)
        self._see_counter(row)
        self._see_limit(row)
        span = self._span_at(row.seconds)
        repetition = None if span is None else self._places.repetitions[span]
        if repetition is not None:
            self._see_work(row, repetition)
        if row.processes is not None:
            in_idle_after = span is not None and self._places.spans[span].name == IDLE_AFTER
            self._programs.see(row.seconds, row.processes, repetition is not None, in_idle_after)

    def rate_hertz(self) -> float:
        if self._first_at is None or self._last_at <= self._first_at:
            return 0.0
        return (self.samples - 1) / (self._last_at - self._first_at)

    def longest_gap_seconds(self) -> float:
        """The longest time without a power reading while the run worked, both ends included.

        While a model is loaded the driver may be locked for more than a second, which is no harm.
        """
        return max(self._longest_gap, self._places.work_ended - self._powered_at)

    def conditions(self) -> GpuConditions:
        before, during, after = self._programs.found()
        shares = {reason: rows / self._measured for reason, rows in self._throttled.items()}
        return GpuConditions(
            uuid=self._uuid,
            first_celsius=self._first_celsius.value(),
            last_celsius=self._last_celsius.value(),
            highest_celsius=self._highest_celsius,
            highest_watts=self._highest_watts,
            power_limits_watts=tuple(self._limits),
            throttled=shares,
            foreign_before=before,
            foreign_during=during,
            foreign_after=after,
        )

    def _see_power(self, row: TraceRow) -> None:
        best = row.best_watts
        if best is None:
            return
        self._highest_watts = _higher(self._highest_watts, best)
        if row.instant_watts is not None:
            # The average of a second would tell of the window before the pause, not of the pause.
            self.between.see(row.seconds, row.instant_watts)
        # The driver's average has no gaps, and over a run that begins and ends at rest its lag
        # cancels. The instant power sees a part of the time only.
        self.whole.see(row.seconds, best if row.watts is None else row.watts)
        gap = min(row.seconds, self._places.work_ended) - self._powered_at
        self._longest_gap = max(self._longest_gap, gap)
        self._powered_at = max(self._powered_at, row.seconds)

    def _see_counter(self, row: TraceRow) -> None:
        """A counter may be reset within a long window and end it above where it began."""
        if row.counter_joules is None:
            return
        earlier, self._counter = self._counter, (row.seconds, row.counter_joules)
        if earlier is None or row.counter_joules >= earlier[1]:
            return
        if earlier[0] <= self._places.last_closed and row.seconds >= self._places.first_opened:
            self.counter_resets += 1

    def _see_limit(self, row: TraceRow) -> None:
        limit = row.power_limit_watts
        within = self._places.first_opened <= row.seconds <= self._places.last_closed
        if limit is not None and within and len(self._limits) < MOST_LIMITS:
            self._limits[limit] = None

    def _span_at(self, seconds: float) -> int | None:
        spans = self._places.spans
        while self._span < len(spans) and spans[self._span].closed_at < seconds:
            self._span += 1
        inside = self._span < len(spans) and spans[self._span].opened_at <= seconds
        return self._span if inside else None

    def _see_work(self, row: TraceRow, repetition: int) -> None:
        self._measured += 1
        for reason in row.throttle_reasons:
            if reason not in NO_THROTTLING:
                self._throttled[reason] += 1
        if row.celsius is not None and repetition == 1:
            self._first_celsius.see(row.celsius)
        if row.celsius is not None and repetition == self._places.last_repetition:
            self._last_celsius.see(row.celsius)


class _Mean:
    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def see(self, value: float) -> None:
        self._sum += value
        self._count += 1

    def value(self) -> float | None:
        return self._sum / self._count if self._count else None
