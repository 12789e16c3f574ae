"""Repetitions of a backend that measures by itself, against the files that it left."""

from collections.abc import Iterator
from typing import Final

from benchmark_core.backend_facts import BACKEND_FACTS
from benchmark_core.contract import OPTIMUM_DIR
from benchmark_core.optimum.results import read_result
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence

NOT_ITS: Final = ("ledger", "trace", "idle", "thermal_gate", "single_pass")
"""Parts of a report that only runs have which meters of this program watched."""


def measures_itself(of: RunEvidence) -> bool:
    return BACKEND_FACTS[of.spec.backend.name].measures_itself


def check_delegated(of: RunEvidence) -> Iterator[Finding]:
    """Raises OSError and ContractError where the files are none of optimum-benchmark."""
    for name in NOT_ITS:
        if getattr(of.report, name) is not None:
            yield of.failed("delegated_differs", f"{name} is told, and no such run has one")
    for number, repetition in enumerate(of.report.repetitions, start=1):
        place = f"{OPTIMUM_DIR}/{number}"
        if not of.path(place).is_dir():
            what = f"there are no files of repetition {number}"
            yield of.failed("delegated_differs", what, OPTIMUM_DIR)
            continue
        made = read_result(of.path(place))
        for phrase in differences(repetition, made.repetition, f"repetition {number}"):
            yield of.failed("delegated_differs", phrase, place)
        if made.findings.ran.samples != of.applied.samples_used:
            what = f"it ran {made.findings.ran.samples} samples"
            yield of.failed("delegated_differs", what, place)
