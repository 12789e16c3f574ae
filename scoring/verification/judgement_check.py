"""Verdict, deviations and rehearsal, judged once more from the same evidence."""

from collections.abc import Iterator

from benchmark_core import official, verdict
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
    for place, told in (("report", report.rehearsal), (MANIFEST_FILE, of.run.rehearsal)):
        if told != evidence.rehearsal:
            what = f"rehearsal is {told} in the {place}, and {evidence.rehearsal} follows"
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
