"""`power_trace.csv`: what the GPUs of a run drew, one line per sample and GPU.

Times are of the system's monotonic clock, which all processes of a machine share, in seconds. `gpu`
is the position among the GPUs of the run. `phase` is the window that was open, empty between
windows. `watts` is the driver's average, `instant_watts` its instant power. An empty cell means
that the driver did not say; of the throttle reasons it may also mean that there were none.

The file grows while a run lasts and may be damaged by a crash or a full disk, so readers take the
whole lines that they understand and pass over all others.
"""

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

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
HEADER = ",".join(COLUMNS) + "\n"
READ_BLOCK_BYTES = 1 << 20
TAIL_BLOCK_BYTES = 65536
# No line of ours comes near; it bounds the memory that a damaged file can take.
LONGEST_LINE_BYTES = 4096

# The power at an edge is taken from the nearest sample, if that is no farther away.
LONGEST_EDGE_SECONDS = 0.15
LONGEST_GAP_SECONDS = 1.0

# The driver's bits for why a GPU does not run at its highest clocks.
THROTTLE_WORDS = {
    0x04: "sw_power_cap",
    0x08: "hw_slowdown",
    0x20: "sw_thermal",
    0x40: "hw_thermal",
    0x80: "hw_power_brake",
    0x10: "sync_boost",
    0x01: "gpu_idle",
    0x100: "display_clocks",
    0x02: "applications_clocks",
}


class TraceRow(NamedTuple):
    """One sample of one GPU. `processes` is how many programs compute on it.

    A tuple, because a long run has millions of them.
    """

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
        """The instant power where the driver tells it: its average lags by up to a second."""
        return self.watts if self.instant_watts is None else self.instant_watts


@lru_cache(maxsize=256)
def throttle_words(bits: int) -> tuple[str, ...]:
    """The reasons in a mask of the driver; a bit without a word stays a number, as `0x200`."""
    unknown = bits & ~sum(THROTTLE_WORDS)
    numbers = (1 << place for place in range(unknown.bit_length()) if unknown >> place & 1)
    words = (word for bit, word in THROTTLE_WORDS.items() if bits & bit)
    return (*words, *map(hex, numbers))


def format_row(row: TraceRow) -> str:
    """The row's whole line, end of line included."""
    joules = "" if row.counter_joules is None else f"{row.counter_joules:.3f}"
    return (
        f"{row.seconds:.6f},{row.gpu},{_quoted(row.phase)}"
        f",{_cell(row.watts)},{_cell(row.instant_watts)},{joules}"
        f",{_cell(row.celsius)},{_cell(row.sm_clock_mhz)},{_cell(row.utilisation_percent)}"
        f",{'+'.join(row.throttle_reasons)},{_cell(row.power_limit_watts)},{_cell(row.processes)}\n"
    )


def rows(path: Path) -> Iterator[TraceRow]:
    """All rows in the order of the file, read as they are asked for; none without a file."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        yield from filter(None, map(parse_row, _lines(stream)))


def tail(path: Path, since_seconds: float) -> list[TraceRow]:
    """The rows at the end of the file that are not older, in the order of the file.

    Reads no more of the file than that. Empty without a file.
    """
    newest_first = []
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return []
    with stream:
        for row in filter(None, map(parse_row, _lines_backwards(stream))):
            if row.seconds < since_seconds:
                break
            newest_first.append(row)
    return newest_first[::-1]


def integrate(samples: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    """Joules from `start` to `end` of (seconds, watts), in order of time, by the trapezoid rule.

    None where the samples do not tell: an edge is more than 0.15 s outside them, or two neighbours
    lie more than 1 s apart.
    """
    if not samples or end < start:
        return None
    seconds = itemgetter(0)
    first = max(0, bisect_right(samples, start, key=seconds) - 1)
    last = max(first, min(len(samples) - 1, bisect_left(samples, end, key=seconds)))
    begin_seconds, begin_watts = samples[first]
    finish_seconds, finish_watts = samples[last]
    before = begin_seconds - start
    after = end - finish_seconds
    if max(before, after) > LONGEST_EDGE_SECONDS:
        return None
    joules = begin_watts * max(0.0, min(end, begin_seconds) - start)
    joules += finish_watts * max(0.0, end - max(start, finish_seconds))
    for earlier, later in pairwise(samples[first : last + 1]):
        if later[0] - earlier[0] > LONGEST_GAP_SECONDS:
            return None
        joules += _joules_between(earlier, later, start, end)
    return joules


def _joules_between(
    earlier: tuple[float, float], later: tuple[float, float], start: float, end: float
) -> float:
    """Under the straight line between two samples, as far as it lies between `start` and `end`."""
    seconds = later[0] - earlier[0]
    covered = min(end, later[0]) - max(start, earlier[0])
    if covered <= 0:
        return 0.0
    middle = (min(end, later[0]) + max(start, earlier[0])) / 2
    slope = (later[1] - earlier[1]) / seconds
    return covered * (earlier[1] + slope * (middle - earlier[0]))


def _cell(value: float | None) -> str:
    return "" if value is None else str(value)


def _quoted(text: str) -> str:
    """One cell on one line, whatever the text is."""
    if not any(mark in text for mark in ',"\r\n'):
        return text
    flat = text.replace("\r", " ").replace("\n", " ").replace('"', '""')
    return f'"{flat}"'


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Whole lines, without their ends; what comes after the last end of line is torn."""
    rest = b""
    while block := stream.read(READ_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[: LONGEST_LINE_BYTES + 1]
        yield from _texts(lines)


def _lines_backwards(stream: BinaryIO) -> Iterator[str]:
    """The same lines from the last to the first."""
    position = stream.seek(0, 2)
    # What follows the last end of line is torn: it never gets into `lines`.
    rest: bytes | None = None
    while position:
        size = min(TAIL_BLOCK_BYTES, position)
        position = stream.seek(position - size)
        block = stream.read(size)
        first, *lines = block.split(b"\n")
        if lines:
            if rest is not None:
                lines[-1] += rest
            else:
                lines.pop()
            yield from _texts(lines[::-1])
            rest = first
        elif rest is not None:
            rest = first + rest
        if rest is not None:
            rest = rest[: LONGEST_LINE_BYTES + 1]
    if rest is not None:
        yield from _texts([rest])


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        if len(line) <= LONGEST_LINE_BYTES:
            try:
                yield line.decode()
            except UnicodeDecodeError:
                continue


def parse_row(line: str) -> TraceRow | None:
    """None for a line that is no row: the header, and damage."""
    try:
        cells = next(csv.reader([line])) if '"' in line else line.split(",")
        (
            time,
            gpu,
            phase,
            watts,
            instant,
            joules,
            celsius,
            clock,
            busy,
            reasons,
            limit,
            processes,
        ) = cells
        row = TraceRow(
            float(time),
            int(gpu),
            phase,
            float(watts) if watts else None,
            float(instant) if instant else None,
            float(joules) if joules else None,
            float(celsius) if celsius else None,
            float(clock) if clock else None,
            float(busy) if busy else None,
            tuple(reasons.split("+")) if reasons else (),
            float(limit) if limit else None,
            int(processes) if processes else None,
        )
    except (ValueError, csv.Error, StopIteration):
        return None
    return row if _is_finite(row) else None


def _is_finite(row: TraceRow) -> bool:
    return isfinite(
        row.seconds
        + (row.watts or 0.0)
        + (row.instant_watts or 0.0)
        + (row.counter_joules or 0.0)
        + (row.celsius or 0.0)
        + (row.sm_clock_mhz or 0.0)
        + (row.utilisation_percent or 0.0)
        + (row.power_limit_watts or 0.0)
    )
