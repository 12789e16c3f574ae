"""Where the GPU energy of a run went, window by window."""

from benchmark_core.documents import Frozen
from benchmark_core.report.unread import Unread


class LedgerEntry(Frozen):
    """One window of the run. `opened_at_seconds` is on the clock of the power trace."""

    name: str
    opened_at_seconds: float
    duration_seconds: float
    gpu_joules: float | None


class LedgerOutline(Frozen):
    """Where the GPU energy of the run went, from the opening of its first window to the last close.

    `total_joules` is the meter's own total over that time. `between_joules` is what the power trace
    says of the time between the windows, on the scale of the meter. What the windows and that leave
    of the total is the residual; None where one of them was not measured.
    """

    entries: tuple[Unread, ...]
    total_seconds: float
    total_joules: float | None
    between_joules: float | None
    residual_joules: float | None
    residual_share: float | None


class Ledger(LedgerOutline):
    entries: tuple[LedgerEntry, ...]
