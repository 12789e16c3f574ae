"""Imported reports on screen: what each phase took, the score, and what speaks against it."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

from benchmark_core.report import Spread
from orchestrator.importing.optimum_report import ImportedPhase, ImportedReport
from orchestrator.terminal_text import printable

EMPTY = "–"
HEADINGS = ("phase", "GPU Wh", "stdev", "± 95 %", "repetitions")


def show(reports: Sequence[ImportedReport], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"reports": [_document(report) for report in reports]}, indent=2))
        return
    for number, report in enumerate(reports):
        if number:
            print()
        for line in _lines(report):
            print(printable(line))


def _lines(report: ImportedReport) -> Iterator[str]:
    reasons = "; ".join(report.verdict.reasons)
    yield f"{report.path}: {report.verdict.verdict}{f' ({reasons})' if reasons else ''}"
    rows = [HEADINGS, *map(_phase_cells, report.phases)]
    rows.append(("sum", *_figures(report.gpu_energy_wh), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for name, *figures in rows:
        cells = (cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
        yield f"  {name.ljust(widths[0])}  {'  '.join(cells)}".rstrip()
    score = report.wh_per_1000_queries
    told = "no figure" if score is None else f"{score:.6g} Wh of GPU energy per 1,000 queries"
    yield f"  score: {told}, of passes over {report.samples:,} samples"
    for finding in report.findings:
        yield f"  {finding.reason}: {finding.message}"
    for note in report.notes:
        yield f"  note: {note}"


def _phase_cells(phase: ImportedPhase) -> tuple[str, ...]:
    count = str(phase.repetitions) if phase.repetitions else EMPTY
    return (phase.key, *_figures(phase.gpu_wh), count)


def _figures(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return (EMPTY, EMPTY, EMPTY)
    return (_figure(spread.mean), _figure(spread.stdev), _figure(spread.ci95))


def _figure(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.6g}"


def _document(report: ImportedReport) -> dict[str, Any]:
    return {
        "file": str(report.path),
        "samples": report.samples,
        "phases": [
            {
                "name": phase.name,
                "key": phase.key,
                "gpu_wh": _spread(phase.gpu_wh),
                "repetitions": phase.repetitions,
            }
            for phase in report.phases
        ],
        "gpu_energy_wh": _spread(report.gpu_energy_wh),
        "wh_per_1000_queries": report.wh_per_1000_queries,
        "verdict": report.verdict.verdict,
        "verdict_reasons": report.verdict.reasons,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "notes": report.notes,
    }


def _spread(spread: Spread | None) -> dict[str, float | None] | None:
    return spread.model_dump() if spread else None
