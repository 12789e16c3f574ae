"""Everything that is looked at of one run, by its name."""

import csv
from collections.abc import Callable, Iterator, Mapping

from benchmark_core.documents import ContractError
from benchmark_core.faults import RunFault
from scoring.failed_point import Finding
from scoring.verification.evidence import RunEvidence
from scoring.verification.figures_check import (
    check_carbon,
    check_energy_files,
    check_idle,
    check_summary,
)
from scoring.verification.identity_check import check_identity
from scoring.verification.judgement_check import check_judgement
from scoring.verification.row_check import check_row
from scoring.verification.samples_check import check_reasoning_tokens, check_samples
from scoring.verification.trace_check import check_trace
from scoring.verification.windows_check import check_host_energy, check_ledger, check_phases

CHECKS: Mapping[str, Callable[[RunEvidence], Iterator[Finding]]] = {
    "run, spec and settings": check_identity,
    "samples": check_samples,
    "reasoning tokens": check_reasoning_tokens,
    "phases": check_phases,
    "ledger": check_ledger,
    "GPU energy by the power trace": check_trace,
    "CPU and RAM energy": check_host_energy,
    "summary": check_summary,
    "power at rest": check_idle,
    "CO2": check_carbon,
    "verdict and protocol": check_judgement,
    "GPU_ENERGY files": check_energy_files,
}

ROW = "row of the table"

IMPOSSIBLE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError),
    *(ContractError, RunFault, csv.Error),
)
"""What arithmetic on evidence that makes no sense ends with."""


def check_run(of: RunEvidence, row: Mapping[str, str] | None) -> tuple[list[str], list[Finding]]:
    """The names of the points that hold, and what speaks against the others."""
    holds: list[str] = []
    findings: list[Finding] = []
    every = {name: check(of) for name, check in CHECKS.items()}
    for name, checked in (*every.items(), (ROW, check_row(of, row))):
        found: list[Finding] = []
        try:
            found.extend(checked)
        except IMPOSSIBLE as error:
            what = f"{name}: {type(error).__name__}: {error}"
            found.append(of.failed("evidence_impossible", what))
        findings += found
        if not found:
            holds.append(f"{of.run.run_id}: {name}")
    return holds, findings
