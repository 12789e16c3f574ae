"""What a cell of `master_results.csv` takes of a run: something of one part, or nothing without it.

Each `of_...` makes a column of what is to be read of that part.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.outline import ReportOutline
from orchestrator.run_record import Record

Cell = str | int | float | bool | None
Column = Callable[[Record], Cell]
Part = TypeVar("Part")


def _of(part: Callable[[Record], Part | None]) -> Callable[[Callable[[Part], Cell]], Column]:
    def make(read: Callable[[Part], Cell]) -> Column:
        def cell(record: Record) -> Cell:
            found = part(record)
            return None if found is None else read(found)

        return cell

    return make


def _of_report(
    part: Callable[[ReportOutline], Part | None],
) -> Callable[[Callable[[Part], Cell]], Column]:
    return _of(lambda record: part(record.report) if record.report else None)


of_limits = _of(lambda record: record.asked.limits)
of_import = _of(lambda record: record.imported)
of_outcome = _of(lambda record: record.outcome)
of_verdict = _of(lambda record: record.verdict)
of_summary = _of(lambda record: record.summary)
of_tokens = _of(lambda record: record.summary.tokens if record.summary else None)
of_report = _of(lambda record: record.report)
of_official = _of_report(lambda report: report.official)
of_reasoning = _of_report(lambda report: report.reasoning)
of_applied = _of_report(lambda report: report.applied)
of_environment = _of_report(lambda report: report.environment)
of_gate = _of_report(lambda report: report.thermal_gate)
of_idle = _of_report(lambda report: report.idle)
of_ledger = _of_report(lambda report: report.ledger)
of_trace = _of_report(lambda report: report.trace)
of_single_pass = _of_report(lambda report: report.single_pass)
of_carbon = _of_report(lambda report: report.carbon)


def of_gpus(read: Callable[[GpuFacts], Cell]) -> Column:
    """What the GPUs of a run have in common; where they differ, each value once."""
    return of_environment(lambda environment: _common(read(gpu) for gpu in environment.gpus))


def usable(column: Column) -> Column:
    """GPU energy and what is made of it: empty where the verdict is invalid, for one-liners that
    read no verdict. The report keeps the figures."""
    return lambda record: None if record.is_invalid else column(record)


def joined(texts: Iterable[str]) -> str | None:
    return "; ".join(texts) or None


def yes_or_no(answer: bool | None) -> str | None:
    return None if answer is None else "yes" if answer else "no"


def _common(values: Iterable[Cell]) -> Cell:
    different = [value for value in dict.fromkeys(values) if value is not None]
    return different[0] if len(different) == 1 else joined(map(str, different))
