"""All formats by name; a file's is recognised by what is in it. A new one is a file and a line."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmark_core.report.imported import ImportFormat
from orchestrator.errors import Problem, UsageError
from orchestrator.importing import (
    ai_energy_benchmarks,
    codecarbon_emissions,
    master_results,
    optimum_report,
)
from orchestrator.importing.source_file import Source
from orchestrator.importing.told_run import Given, ToldRun


@dataclass(frozen=True)
class Format:
    """`known_by` says for people what a file of it has."""

    known_by: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Given], list[ToldRun]]


FORMATS: dict[ImportFormat, Format] = {
    module.NAME: Format(module.KNOWN_BY, module.recognises, module.read)
    for module in (ai_energy_benchmarks, optimum_report, master_results, codecarbon_emissions)
}


def read_runs(source: Source, given: Given) -> list[ToldRun]:
    """The runs that the file tells, in its order.

    Raises:
        UsageError: its format is unknown, or something of it cannot be read.
    """
    _refuse_own_report(source)
    for one in FORMATS.values():
        if one.recognises(source):
            return one.read(source, given)
    known = "; ".join(f"{name} ({one.known_by})" for name, one in FORMATS.items())
    what = f"is in no format known here. It has: {source.names}"
    raise UsageError(Problem(str(source.path), what, f"Known are: {known}."))


def _refuse_own_report(source: Source) -> None:
    if isinstance(source.content, dict) and {"schema_version", "run_id"} <= {*source.content}:
        what = "is a report of this program"
        remedy = "Nothing is to import: keep its run folder, and `rebuild` makes the table."
        raise UsageError(Problem(str(source.path), what, remedy))
