"""The documents of one bundled run, read and believed only as far as their form goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmark_core.contract import (
    LAUNCH_FILE,
    OUTCOME_FILE,
    REPORT_FILE,
    SPEC_FILE,
    Launch,
    RunSpec,
)
from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.ledger import Span
from benchmark_core.report.applied import Applied
from benchmark_core.report.environment import Environment
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.summary import Summary
from scoring.bundles.end_of_run import EndOfRun
from scoring.bundles.manifest import BundledRun, Sealed, run_member
from scoring.bundles.unambiguous_json import name_told_twice
from scoring.failed_point import FailedPoint, Finding, NotChecked

Read = TypeVar("Read", RunSpec, Launch, RunReport, EndOfRun)


@dataclass(frozen=True)
class RunEvidence:
    """A finished run of ours. `folder` has its files as they were unpacked."""

    run: BundledRun
    folder: Path
    sealed: frozenset[Sealed]
    spec: RunSpec
    launch: Launch
    report: RunReport
    end: EndOfRun
    applied: Applied
    summary: Summary
    environment: Environment

    def path(self, name: str) -> Path:
        return self.folder / name

    def member(self, name: str) -> str:
        return run_member(self.run.run_id, name)

    def failed(self, code: str, what: str, name: str = REPORT_FILE) -> FailedPoint:
        return FailedPoint(code, what, self.member(name))

    def not_checked(self, what: str, because: str, name: str = REPORT_FILE) -> NotChecked:
        return NotChecked(what, because, self.member(name))

    def spans(self) -> tuple[Span, ...]:
        """The windows of the run in the order of time; none without a ledger."""
        ledger = self.report.ledger
        return tuple(
            Span(
                entry.name,
                entry.opened_at_seconds,
                entry.opened_at_seconds + entry.duration_seconds,
                entry.gpu_joules,
            )
            for entry in (ledger.entries if ledger else ())
        )


def read_evidence(
    run: BundledRun, folder: Path, sealed: frozenset[Sealed]
) -> tuple[RunEvidence | None, list[Finding]]:
    """The evidence, or what is the matter with its documents."""
    problems: list[Finding] = []

    def read(kind: type[Read], name: str) -> Read | None:
        where = run_member(run.run_id, name)
        try:
            document = kind.read(folder / name)
            twice = name_told_twice(read_bounded(folder / name))
        except (ContractError, OSError, ValueError) as error:
            problems.append(FailedPoint("document_invalid", str(error), where))
            return None
        if twice is not None:
            what = f"it has the name {twice[:100]} twice in one object"
            problems.append(FailedPoint("document_invalid", what, where))
        return document

    spec, launch = read(RunSpec, SPEC_FILE), read(Launch, LAUNCH_FILE)
    report, end = read(RunReport, REPORT_FILE), read(EndOfRun, OUTCOME_FILE)
    if spec is None or launch is None or report is None or end is None:
        return None, problems
    where = run_member(run.run_id, REPORT_FILE)
    problems += [FailedPoint("document_invalid", what, where) for what in _unusable(report, end)]
    applied, summary, environment = report.applied, report.summary, report.environment
    if problems or not applied or not isinstance(summary, Summary) or not environment:
        return None, problems
    evidence = RunEvidence(
        run, folder, sealed, spec, launch, report, end, applied, summary, environment
    )
    return evidence, []


def _unusable(report: RunReport, end: EndOfRun) -> Iterator[str]:
    """Why no figure of a report can be recomputed."""
    if report.imported:
        yield "it is of an imported run, whose evidence another program has"
    elif report.outcome != "finished" or end.outcome != "finished":
        yield "it is of a run that did not finish"
    elif not report.environment or not report.verdict or not report.official:
        yield "it lacks the environment, the verdict or the list of deviations"
    elif not report.repetitions:
        yield "it has no repetition"
