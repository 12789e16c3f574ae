"""Where the GPU energy of a run went: its windows against the meter's own total. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark_core.report.ledger import Ledger, LedgerEntry

IDLE_BEFORE = "idle_before"
LOAD = "load"
WARM_UP = "warm_up"
IDLE_AFTER = "idle_after"

# Windows and total are of one counter, so only the time between windows is uncertain. What may
# be left unexplained grows with that time alone: a share of the whole run would hide a lost window.

TOLERANCE_OF_BETWEEN = 0.05
"""Power readings, which tell the time between windows, are off by up to 5 % on their own."""

TOLERANCE_SECONDS = 0.05
"""For each gap between windows, at the highest power there was. The trace has a sample every 0.05 s
and draws a straight line to the next, so a change of power may be told so much too early or late.
"""

TOLERANCE_JOULES = 5.0
"""In a rehearsal of a second the edges of all windows together are off by a few joules, and there
is hardly any time between windows to allow for them."""


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
    return abs(ledger.residual_joules) <= tolerated_joules(ledger)


def tolerated_joules(ledger: Ledger) -> float:
    """The largest residual that uncertain readings between the windows can explain."""
    gaps = max(0, len(ledger.entries) - 1)
    between = abs(ledger.between_joules or 0.0)
    steps = gaps * TOLERANCE_SECONDS * _highest_watts(ledger)
    return TOLERANCE_JOULES + TOLERANCE_OF_BETWEEN * between + steps


def _highest_watts(ledger: Ledger) -> float:
    """The highest mean power of any window. One shorter than a sample has no power to speak of: the
    uncertain edges of a millisecond would make it any number of kilowatts."""
    return max(
        (
            (entry.gpu_joules or 0.0) / max(entry.duration_seconds, TOLERANCE_SECONDS)
            for entry in ledger.entries
        ),
        default=0.0,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known: list[float] = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return sum(known)
