"""Where the GPU energy of a run went: its windows against the meter's own total. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark_core.report import Ledger, LedgerEntry

IDLE_BEFORE = "idle_before"
LOAD = "load"
WARM_UP = "warm_up"
IDLE_AFTER = "idle_after"

TOLERANCE = 0.05
"""The largest residual, as a share of the total.

The windows and the total are of one counter, but the time between windows is told by power
readings, which on their own are off by up to 5 %.
"""

TOLERANCE_JOULES = 5.0
"""And no smaller residual counts. Power readings are renewed every 0.1 s or so; in a rehearsal of a
second the few joules that are told wrongly around the windows are more than 5 %."""


@dataclass(frozen=True)
class Span:
    """One window of the run, on the monotonic clock."""

    name: str
    opened_at: float
    closed_at: float
    gpu_joules: float | None

    @property
    def seconds(self) -> float:
        return self.closed_at - self.opened_at

    @property
    def repetition(self) -> int | None:
        """The number at the end of the name; None for windows outside the repetitions."""
        _, space, number = self.name.rpartition(" ")
        return int(number) if space and number.isdecimal() else None


def balance(
    spans: Sequence[Span], total_joules: float | None, between_joules: float | None
) -> Ledger:
    """The ledger of windows in the order of time, none inside another."""
    windows = _sum(span.gpu_joules for span in spans)
    residual = None
    if total_joules is not None and between_joules is not None and windows is not None:
        residual = total_joules - between_joules - windows
    share = residual / total_joules if residual is not None and total_joules else None
    return Ledger(
        entries=tuple(
            LedgerEntry(
                name=span.name,
                opened_at_seconds=span.opened_at,
                duration_seconds=span.seconds,
                gpu_joules=span.gpu_joules,
            )
            for span in spans
        ),
        total_seconds=spans[-1].closed_at - spans[0].opened_at if spans else 0.0,
        total_joules=total_joules,
        between_joules=between_joules,
        residual_joules=residual,
        residual_share=share,
    )


def balances(ledger: Ledger) -> bool | None:
    """Whether the windows account for the total; None where something was not measured."""
    if ledger.residual_joules is None or ledger.total_joules is None:
        return None
    tolerated = max(TOLERANCE * abs(ledger.total_joules), TOLERANCE_JOULES)
    return abs(ledger.residual_joules) <= tolerated


def _sum(values: Iterable[float | None]) -> float | None:
    known: list[float] = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return sum(known)
