"""Verdict, deviations and rehearsal, judged once more from the same evidence."""

from collections.abc import Iterator

from benchmark_core import official, verdict
from benchmark_core.contract import LAUNCH_FILE
from benchmark_core.evidence import Evidence
from scoring.bundles.manifest import MANIFEST_FILE
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence


def check_judgement(of: RunEvidence) -> Iterator[Finding]:
    """Raises SpecFault where this version does not run the task."""
    report = of.report
    evidence = Evidence(
        spec=of.spec,
        applied=of.applied,
        summary=of.summary,
        repetitions=report.repetitions,
        sources=report.energy_sources,
        gpus=of.environment.gpus,
        ledger=report.ledger,
        trace=report.trace,
        gate=report.thermal_gate,
        runs_beside=report.runs_beside,
        reasoning=report.reasoning,
    )
    for phrase in differences(report.verdict, verdict.judge(evidence), "verdict"):
        yield of.failed("verdict_differs", phrase)
    yield from _beside(of)
    told = {"report": report.rehearsal, MANIFEST_FILE: of.run.rehearsal}
    if of.launch.rehearsal is not None:
        told[LAUNCH_FILE] = of.launch.rehearsal
    for place, is_one in told.items():
        if is_one != evidence.rehearsal:
            what = f"rehearsal is {is_one} in the {place}, and {evidence.rehearsal} follows"
            yield of.failed("rehearsal_differs", what)
    if "model-config" in of.sealed:
        yield of.not_checked(
            "deviations from the protocol", "the model's configuration is redacted"
        )
    else:
        for phrase in differences(report.official, official.examine(evidence), "official"):
            yield of.failed("official_differs", phrase)
    if report.official is None or of.run.official != report.official.official:
        yield of.failed("official_differs", f"{MANIFEST_FILE} and the report do not agree")


def _beside(of: RunEvidence) -> Iterator[Finding]:
    """The host goes on noting what runs beside until the run has ended, so the launch may know more
    than the report, and never less."""
    told, known = set(of.report.runs_beside), set(of.launch.runs_beside)
    if not told <= known:
        what = f"{LAUNCH_FILE} does not name all the runs beside it that the report names"
        yield of.failed("verdict_differs", what)
    elif known and not told:
        because = f"{LAUNCH_FILE} names runs, and the report was written without them"
        yield of.not_checked("whether it was alone on its host", because)
