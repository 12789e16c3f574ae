"""The files that optimum-benchmark left of one repetition, read as one. Pure."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from benchmark_core.documents import ContractError, one_line, read_bounded
from benchmark_core.optimum.energies import Counts, read_repetition
from benchmark_core.optimum.findings import Findings
from benchmark_core.optimum.worker import FINDINGS_FILE, REPORT_FILE
from benchmark_core.report.repetition import Repetition


class OptimumResult(NamedTuple):
    """What was measured, and what was found in that which ran."""

    repetition: Repetition
    findings: Findings


def read_result(place: Path) -> OptimumResult:
    """The repetition whose files are in `place`.

    Raises:
        OSError: one of them cannot be read.
        ContractError: one of them is not what optimum-benchmark and its worker write.
    """
    try:
        findings = Findings.model_validate_json(read_bounded(place / FINDINGS_FILE))
    except ValidationError as error:
        raise ContractError(f"is not valid: {one_line(error)}") from error
    counts = Counts(
        samples=findings.ran.samples,
        prompt=findings.prompts.tokens,
        new_tokens=findings.ran.max_new_tokens or 0,
    )
    tracked = 0 < findings.tracker.gpus == len(findings.model.gpu_uuids)
    report = read_bounded(place / REPORT_FILE)
    return OptimumResult(read_repetition(report, counts, tracked), findings)
