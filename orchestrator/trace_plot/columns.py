"""A power trace in about as many columns as a plot has pixels, however long it is. Pure.

Columns begin finer than the trace's samples. Whenever there are too many, neighbours are joined, so
a trace of any length is read once, in constant memory.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from benchmark_core.power_trace import LONGEST_GAP_SECONDS, TraceRow
from benchmark_core.trace_analysis import NO_THROTTLING

FINEST_SECONDS = 0.01
MOST_COLUMNS = 1000
# What lies beyond is damage: one such line would flatten the plot, or take endless memory.
MOST_GPUS = 64
HIGHEST_WATTS = 100_000.0
LONGEST_TRACE_SECONDS = 366 * 86400.0

POWER_CAP = "sw_power_cap"
KINDS = ("idle", "load", "warm-up", "preprocess", "prefill", "generate", "forward", "call", "other")
_KINDS_BY_WORD = {"idle_before": "idle", "idle_after": "idle", "warm_up": "warm-up"}


@lru_cache(maxsize=1024)
def kind_of(phase: str) -> str:
    """The kind of the window that a row names; empty between windows."""
    if not phase:
        return ""
    word = phase.split(" ")[0]
    kind = _KINDS_BY_WORD.get(word, word)
    return kind if kind in KINDS else "other"


@dataclass(slots=True)
class Mean:
    """Of the values that are known."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.total += value
            self.count += 1

    def join(self, other: "Mean") -> None:
        self.total += other.total
        self.count += other.count

    @property
    def value(self) -> float:
        """NaN where nothing is known, which plots leave out."""
        return self.total / self.count if self.count else math.nan


@dataclass(slots=True)
class Column:
    """What one GPU did in one stretch of time."""

    seconds: Mean = field(default_factory=Mean)
    watts: Mean = field(default_factory=Mean)
    average_watts: Mean = field(default_factory=Mean)
    lowest_watts: float = math.nan
    highest_watts: float = math.nan
    celsius: Mean = field(default_factory=Mean)
    sm_clock_mhz: Mean = field(default_factory=Mean)
    utilisation_percent: Mean = field(default_factory=Mean)
    power_limit_watts: float = math.nan
    capped: bool = False
    throttled: bool = False

    def add(self, row: TraceRow, seconds: float) -> None:
        self.seconds.add(seconds)
        watts = row.best_watts
        if watts is not None:
            self.watts.add(watts)
            self._widen(watts, watts)
        if row.instant_watts is not None:
            self.average_watts.add(row.watts)
        self.celsius.add(row.celsius)
        self.sm_clock_mhz.add(row.sm_clock_mhz)
        self.utilisation_percent.add(row.utilisation_percent)
        if row.power_limit_watts is not None:
            self.power_limit_watts = row.power_limit_watts
        for reason in row.throttle_reasons:
            if reason == POWER_CAP:
                self.capped = True
            elif reason not in NO_THROTTLING:
                self.throttled = True

    def join(self, later: "Column") -> None:
        for name in (
            "seconds",
            "watts",
            "average_watts",
            "celsius",
            "sm_clock_mhz",
            "utilisation_percent",
        ):
            getattr(self, name).join(getattr(later, name))
        self._widen(later.lowest_watts, later.highest_watts)
        if not math.isnan(later.power_limit_watts):
            self.power_limit_watts = later.power_limit_watts
        self.capped |= later.capped
        self.throttled |= later.throttled

    def _widen(self, lowest: float, highest: float) -> None:
        # Written so that a NaN, which is smaller and larger than nothing, gives way.
        if not self.lowest_watts <= lowest and not math.isnan(lowest):
            self.lowest_watts = lowest
        if not self.highest_watts >= highest and not math.isnan(highest):
            self.highest_watts = highest


def means(trace: Sequence[Column | None], name: str, unit: float = 1.0) -> list[float]:
    """The means of one quantity, NaN in gaps."""
    return [getattr(column, name).value / unit if column else math.nan for column in trace]


@dataclass(frozen=True)
class Stretch:
    """Seconds since the start of the trace in which one thing was so."""

    name: str
    start: float
    end: float


class TraceColumns:
    """The columns of every GPU, by GPU and place."""

    def __init__(self, samples: Iterable[TraceRow] = ()) -> None:
        self.width_seconds = FINEST_SECONDS
        self._start: float | None = None
        self._gpus: dict[int, dict[int, Column]] = {}
        self._kinds: dict[int, Counter[str]] = {}
        for row in samples:
            self._add(row)

    @property
    def gpus(self) -> list[int]:
        return sorted(self._gpus)

    @property
    def end_seconds(self) -> float:
        """Of the last column, since the start of the trace."""
        return (max(self._kinds) + 1) * self.width_seconds if self._kinds else 0.0

    def of(self, gpu: int) -> Iterator[Column | None]:
        """In order of time, with None wherever the trace has a gap."""
        columns = self._gpus[gpu]
        longest = self._longest_step()
        before: int | None = None
        for place in sorted(columns):
            if before is not None and place - before > longest:
                yield None
            yield columns[place]
            before = place

    def phases(self) -> list[Stretch]:
        """Where a kind of window was open longer than anything else was so."""
        return self._stretches(
            {place: kinds.most_common(1)[0][0] for place, kinds in self._kinds.items()}
        )

    def slow_downs(self) -> list[Stretch]:
        """Where any GPU was `throttled`, or else held by its power `capped`."""
        found = dict.fromkeys(self._kinds, "")
        for columns in self._gpus.values():
            for place, column in columns.items():
                if column.throttled:
                    found[place] = "throttled"
                elif column.capped:
                    found[place] = found[place] or "capped"
        return self._stretches(found)

    def _add(self, row: TraceRow) -> None:
        if self._start is None:
            self._start = row.seconds
        seconds = row.seconds - self._start
        if not 0 <= seconds <= LONGEST_TRACE_SECONDS or not 0 <= row.gpu < MOST_GPUS:
            return
        if not 0 <= (row.best_watts or 0.0) <= HIGHEST_WATTS:
            return
        while seconds >= MOST_COLUMNS * self.width_seconds:
            self._join_neighbours()
        place = int(seconds / self.width_seconds)
        columns = self._gpus.setdefault(row.gpu, {})
        column = columns.get(place)
        if column is None:
            column = columns[place] = Column()
            self._kinds.setdefault(place, Counter())
        column.add(row, seconds)
        self._kinds[place][kind_of(row.phase)] += 1

    def _join_neighbours(self) -> None:
        self.width_seconds *= 2
        for gpu, columns in self._gpus.items():
            wider: dict[int, Column] = {}
            for place in sorted(columns):
                if place // 2 in wider:
                    wider[place // 2].join(columns[place])
                else:
                    wider[place // 2] = columns[place]
            self._gpus[gpu] = wider
        kinds: dict[int, Counter[str]] = {}
        for place, counted in self._kinds.items():
            kinds.setdefault(place // 2, Counter()).update(counted)
        self._kinds = kinds

    def _longest_step(self) -> int:
        """The most columns from one with samples to the next before it counts as a gap."""
        return max(2, math.ceil(LONGEST_GAP_SECONDS / self.width_seconds))

    def _stretches(self, names: dict[int, str]) -> list[Stretch]:
        """Neighbours of one name joined, the nameless left out."""
        longest = self._longest_step()
        places = sorted(names)
        found: list[Stretch] = []
        for place, following in zip(places, [*places[1:], None], strict=True):
            near = following is not None and following - place <= longest
            start = place * self.width_seconds
            end = (following if near and following else place + 1) * self.width_seconds
            if not names[place]:
                continue
            if found and found[-1].name == names[place] and math.isclose(found[-1].end, start):
                start = found.pop().start
            found.append(Stretch(names[place], start, end))
        return found
