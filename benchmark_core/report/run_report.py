"""The report of a run, the file that a run leaves as its last act."""

from benchmark_core.report.ledger import Ledger
from benchmark_core.report.outline import ReportOutline
from benchmark_core.report.repetition import Repetition


class RunReport(ReportOutline):
    """The container's last act, on success and on failure."""

    repetitions: tuple[Repetition, ...] = ()
    ledger: Ledger | None = None
