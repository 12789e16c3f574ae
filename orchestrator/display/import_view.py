"""Imported runs on screen: what was found, the score, what speaks against it, what is not told."""

import json
from collections.abc import Iterator, Sequence

from benchmark_core.report.imported import Imported
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import Spread, mean
from benchmark_core.report.summary import PartialSummary
from benchmark_core.terminal_text import printable
from orchestrator.importing.told_run import ImportedPhase, ImportedRun
from orchestrator.importing.writing import Written

EMPTY = "–"
HEADINGS = ("phase", "GPU Wh", "stdev", "± 95 %", "repetitions")


def show(runs: Sequence[ImportedRun], written: Written | None, as_json: bool) -> None:
    """On the screen, or the reports as JSON."""
    if as_json:
        document: dict[str, object] = {
            "reports": [run.report.model_dump(mode="json") for run in runs]
        }
        if written:
            document |= {"imported": written.new, "kept": written.kept}
        print(json.dumps(document, indent=2))
        return
    for number, run in enumerate(runs):
        if number:
            print()
        for line in _lines(run):
            print(printable(line))
    if written:
        print()
        for line in _ending(written):
            print(printable(line))


def _lines(run: ImportedRun) -> Iterator[str]:
    report, imported = run.report, run.report.imported
    if report.failure:
        yield f"{run.told.where}: failed ({report.failure.message})"
    if report.verdict:
        reasons = "; ".join(report.verdict.reasons)
        yield f"{run.told.where}: {report.verdict.verdict} ({reasons})"
    if report.summary:
        yield from _table(run.told.phases, report.summary.gpu_energy_wh)
        yield from _figures_of(report)
    if imported:
        yield from _facts(imported)


def _table(phases: Sequence[ImportedPhase], total: Spread | None) -> Iterator[str]:
    """The phases and their sum, for sources that tell them apart."""
    if not phases:
        return
    rows = [HEADINGS, *map(_phase_cells, phases)]
    rows.append(("sum", *_cells(total), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for name, *figures in rows:
        cells = (cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))
        yield f"  {name.ljust(widths[0])}  {'  '.join(cells)}".rstrip()


def _figures_of(report: RunReport) -> Iterator[str]:
    """What is invalid is shown as it was told, and makes no score."""
    summary = report.summary or PartialSummary()
    yield (
        f"  energy: GPU {_figure(mean(summary.gpu_energy_wh))} Wh,"
        f" CPU {_figure(mean(summary.cpu_energy_wh))} Wh,"
        f" RAM {_figure(mean(summary.ram_energy_wh))} Wh"
    )
    tokens = summary.tokens.completion if summary.tokens else None
    yield (
        f"  of {_figure(summary.successful_prompts)} successful prompts,"
        f" {_figure(tokens)} generated tokens,"
        f" {_figure(mean(summary.total_duration_seconds))} s"
    )
    score = summary.wh_per_1000_queries
    is_invalid = report.verdict is not None and report.verdict.verdict == "invalid"
    told = (
        "no figure"
        if score is None or is_invalid
        else f"{score:.6g} Wh of GPU energy per 1,000 queries"
    )
    samples = summary.total_prompts
    passes = "" if samples is None else f", of passes over {samples:,} samples"
    yield f"  score: {told}{passes}"


def _facts(imported: Imported) -> Iterator[str]:
    known = (
        imported.model_id,
        imported.model_class and f"class {imported.model_class}",
        imported.task,
        imported.reasoning_state,
    )
    yield f"  run: {', '.join(part for part in known if part) or EMPTY}"
    yield f"  format: {imported.format}; {imported.scope}"
    for finding in imported.findings:
        yield f"  {finding.reason}: {finding.message}"
    for note in imported.notes:
        yield f"  note: {note}"
    yield f"  cannot tell: {', '.join(imported.cannot_tell)}"


def _ending(written: Written) -> Iterator[str]:
    for run_id in written.new:
        yield f"imported {run_id}"
    for run_id in written.kept:
        yield f"kept {run_id}: imported before; remove its folder to import it again"
    yield f"wrote {written.table_path}"


def _phase_cells(phase: ImportedPhase) -> tuple[str, ...]:
    count = str(phase.repetitions) if phase.repetitions else EMPTY
    return (phase.key, *_cells(phase.gpu_wh), count)


def _cells(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return (EMPTY, EMPTY, EMPTY)
    return (_figure(spread.mean), _figure(spread.stdev), _figure(spread.ci95))


def _figure(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.6g}"
