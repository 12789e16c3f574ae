"""What the times of the sides come to. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.loop_rig.job import BARE, BARE_AGAIN, OURS, THEIR_BARE, THEIRS, TIMES
from benchmarks.loop_rig.rounds import Found
from benchmarks.meter_rig.bounds import Bound

MOST_ADDED_PERCENT = 3.0
NOISE_PERCENT = 5.0
"""By that much two runs of one loop differ here, each with a model of its own and seconds apart."""
TOTAL = "total"
Times = Mapping[str, Sequence[TIMES]]


@dataclass(frozen=True)
class Ratio:
    """One side over another: of the medians, and the median over the rounds.

    The times are the medians, in seconds.
    """

    upper_seconds: float
    lower_seconds: float
    of_medians: float
    of_rounds: float

    @property
    def added_percent(self) -> float:
        """By the rounds: each pair of times lies close together, whatever the machine does."""
        return 100 * (self.of_rounds - 1)


def ratio(times: Times, upper: str, lower: str, name: str = TOTAL) -> Ratio:
    """Of the pass `name`, or of all passes together."""
    above = [_seconds(one, name) for one in times[upper]]
    below = [_seconds(one, name) for one in times[lower]]
    medians = statistics.median(above), statistics.median(below)
    return Ratio(
        upper_seconds=medians[0],
        lower_seconds=medians[1],
        of_medians=medians[0] / medians[1],
        of_rounds=statistics.median(a / b for a, b in zip(above, below, strict=True)),
    )


def _seconds(times: TIMES, name: str) -> float:
    return sum(times.values()) if name == TOTAL else times[name]


def bounds_of(subject: str, found: Found) -> list[Bound]:
    """On all passes together."""
    added = ratio(found.blocks, OURS, BARE).added_percent
    bounds = [Bound(f"{subject}: ours adds to the bare loop", added, MOST_ADDED_PERCENT)]
    if THEIRS in found.times:
        longer = ratio(found.times, OURS, THEIRS).added_percent
        what = f"{subject}: runs of ours last longer than energy_star's by"
        bounds.append(Bound(what, longer, NOISE_PERCENT))
    return bounds


Row = tuple[str, ...]
BLOCK_HEADER: Row = (
    *("loops on one model", "samples", "pass"),
    *("ours ms", "bare ms", "ratio", "by round", "bare/bare"),
)
RUN_HEADER: Row = (
    *("whole runs", "samples", "pass", "ours ms", "bare ms", "ratio", "by round"),
    *("energy_star ms", "its bare ms", "ratio", "by round"),
)


def block_rows(subject: str, found: Found) -> list[Row]:
    """The bare loop over itself says how far the other ratios may be off."""
    return [
        (
            *(subject, str(found.block), name),
            *_cells(found.blocks, found.block, OURS, BARE, name),
            f"{ratio(found.blocks, BARE_AGAIN, BARE, name).of_rounds:.4f}",
        )
        for name in _passes(found)
    ]


def run_rows(subject: str, found: Found) -> list[Row]:
    """Ours beside the bare loop, and the other benchmark beside its own."""
    return [
        (
            *(subject, str(found.samples), name),
            *_cells(found.times, found.samples, OURS, BARE, name),
            *_cells(found.times, found.samples, THEIRS, THEIR_BARE, name),
        )
        for name in _passes(found)
    ]


def _passes(found: Found) -> list[str]:
    """The passes, and all of them together where there are several."""
    names = list(found.times[BARE][0])
    return names if len(names) == 1 else [*names, TOTAL]


def _cells(times: Times, samples: int, upper: str, lower: str, name: str) -> Row:
    if upper not in times:
        return ("–",) * 4
    one = ratio(times, upper, lower, name)
    return (
        f"{1000 * one.upper_seconds / samples:.3f}",
        f"{1000 * one.lower_seconds / samples:.3f}",
        f"{one.of_medians:.4f}",
        f"{one.of_rounds:.4f}",
    )


def table(header: Row, lines: Sequence[Row]) -> str:
    """In columns; the first and the third are words."""
    widths = [max(len(line[at]) for line in (header, *lines)) for at in range(len(header))]
    aligned: list[Callable[[str, int], str]] = [
        str.ljust if at in (0, 2) else str.rjust for at in range(len(header))
    ]
    return "\n".join(
        "  ".join(
            align(cell, width) for align, cell, width in zip(aligned, line, widths, strict=True)
        ).rstrip()
        for line in (header, *lines)
    )
