"""What holds for the edges of a window, however the counters of a meter are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from benchmark_core.faults import MeterFault
from benchmark_core.report.energy import Reading

# An edge may be so far from the watching of the counters. Other meters open and close between the
# two, in milliseconds; farther out the power at the edge would be a guess.
LONGEST_GAP_SECONDS = 1.0

MISUSE = "Please report this."

AnyCourse = TypeVar("AnyCourse")


@dataclass(frozen=True)
class Edge(Generic[AnyCourse]):
    """The courses of all counters by UUID, and a time of the monotonic clock."""

    courses: dict[str, AnyCourse]
    at_seconds: float


def refuse_gap(seconds: float, side: str) -> None:
    """Raises MeterFault where the counters were watched too long before or after a window."""
    if seconds > LONGEST_GAP_SECONDS:
        raise MeterFault(
            f"{seconds:.1f} s {side} a GPU energy window nobody watched the counters, and"
            f" {LONGEST_GAP_SECONDS:g} s is the most that the energy at its edge can be told from",
            "The machine was overloaded or stopped, or another meter is slow: run the row again.",
            "edges_not_found",
        )


def summed(by_device: Mapping[str, float], doubt_joules: float | None) -> Reading:
    """Of all devices together, or of none, when one of them has no energy to show."""
    if min(by_device.values(), default=0) <= 0:
        return Reading()
    return Reading(
        gpu_joules=sum(by_device.values()),
        gpu_joules_by_device=dict(by_device),
        gpu_doubt_joules=doubt_joules,
    )
