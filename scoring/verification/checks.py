"""Everything that is looked at of one run, by its name."""

import csv
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple

from benchmark_core.contract import REASONING_FILE
from benchmark_core.documents import ContractError
from benchmark_core.faults import RunFault
from scoring.failed_point import Finding
from scoring.verification.delegated_check import check_delegated, measures_itself
from scoring.verification.evidence import RunEvidence
from scoring.verification.figures_check import (
    check_carbon,
    check_energy_files,
    check_idle,
    check_summary,
)
from scoring.verification.host_energy import check_host_energy, is_host_metered
from scoring.verification.identity_check import check_identity
from scoring.verification.judgement_check import check_judgement
from scoring.verification.reasoning_check import check_reasoning, is_told_a_state
from scoring.verification.row_check import check_row
from scoring.verification.samples_check import check_samples
from scoring.verification.sources_check import check_sources
from scoring.verification.trace_check import check_trace
from scoring.verification.windows_check import check_ledger, check_phases


def _always(_: RunEvidence) -> bool:
    return True


def _walked(of: RunEvidence) -> bool:
    return not measures_itself(of)


class _Check(NamedTuple):
    """`applies` says whether a run has anything that it could look at."""

    look: Callable[[RunEvidence], Iterator[Finding]]
    applies: Callable[[RunEvidence], bool] = _always


def _reasons(of: RunEvidence) -> bool:
    told = (window for one in of.report.repetitions for window in one.windows)
    return (
        is_told_a_state(of)
        or of.path(REASONING_FILE).exists()
        or any(
            window.tokens.reasoning is not None or window.truncated is not None for window in told
        )
    )


CHECKS: Final[Mapping[str, _Check]] = {
    "run, spec and settings": _Check(check_identity),
    "meters and GPUs": _Check(check_sources),
    "samples": _Check(check_samples, _walked),
    "reasoning tokens": _Check(check_reasoning, _reasons),
    "phases": _Check(check_phases),
    "ledger": _Check(check_ledger, _walked),
    "GPU energy by the power trace": _Check(check_trace, _walked),
    "CPU and RAM energy": _Check(check_host_energy, lambda of: _walked(of) and is_host_metered(of)),
    "energy by optimum-benchmark": _Check(check_delegated, measures_itself),
    "summary": _Check(check_summary),
    "power at rest": _Check(check_idle, _walked),
    "CO2": _Check(check_carbon),
    "verdict and protocol": _Check(check_judgement),
    "GPU_ENERGY files": _Check(check_energy_files),
}

ROW: Final = "row of the table"
MOST_FINDINGS: Final = 20
"""Of one point; a forged file could have a million."""

IMPOSSIBLE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError),
    *(ContractError, RunFault, csv.Error),
)
"""What arithmetic on evidence that makes no sense ends with."""


def check_run(of: RunEvidence, row: Mapping[str, str] | None) -> tuple[list[str], list[Finding]]:
    """The names of the points that hold, and what speaks against the others."""
    holds: list[str] = []
    findings: list[Finding] = []
    every = {name: check.look(of) for name, check in CHECKS.items() if check.applies(of)}
    for name, checked in (*every.items(), (ROW, check_row(of, row))):
        found = _looked(of, name, checked)
        findings += found
        if not found:
            holds.append(f"{of.run.run_id}: {name}")
    return holds, findings


def _looked(of: RunEvidence, name: str, checked: Iterator[Finding]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(islice(checked, MOST_FINDINGS))
        if next(checked, None) is not None:
            found.append(of.not_checked(name, f"more than {MOST_FINDINGS} things speak against it"))
    except IMPOSSIBLE as error:
        what = f"{name}: {type(error).__name__}: {error}"
        found.append(of.failed("evidence_impossible", what))
    return found
