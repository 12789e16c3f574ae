"""The two small energy files that other programs read beside the report."""

import json
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import GPU_ENERGY_FILE, GPU_ENERGY_SUMMARY_FILE
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import mean
from benchmark_core.statistics import impossible_phases


def write_energy_files(folder: Path, report: RunReport) -> None:
    for name, text in energy_texts(report).items():
        write_text(folder / name, text)


def energy_texts(report: RunReport) -> dict[str, str]:
    """The content of each file by its name.

    `GPU_ENERGY_WH.txt` holds one number in Wh; it is absent without a figure that may be used.

    A number on its own cannot say that it is invalid, so an invalid run has none here either.
    """
    summary, verdict = report.summary, report.verdict
    usable = summary is not None and (verdict is None or verdict.verdict != "invalid")
    total_wh = mean(summary.gpu_energy_wh) if summary and usable else None
    phases = summary.phases_gpu_wh if summary else {}
    source = report.energy_sources.gpu
    content: dict[str, object] = {
        "units": "Wh",
        "total": total_wh,
        "format": "ai_energy_score_batch_runner",
        **{f"{name}_wh": value if usable else None for name, value in phases.items()},
        "per": "repetition",
        "repetitions": len(report.repetitions),
        "source": source.kind if source else None,
        "meter": source.meter if source else None,
        "rehearsal": report.rehearsal,
        "verdict": verdict.verdict if verdict else None,
        "verdict_reasons": list(verdict.reasons) if verdict else [],
    }
    texts: dict[str, str] = {}
    if total_wh is None:
        content["not_measured_because"] = _why_not(report)
    else:
        texts[GPU_ENERGY_FILE] = f"{total_wh!r}\n"
    texts[GPU_ENERGY_SUMMARY_FILE] = json.dumps(content, indent=2) + "\n"
    return texts


def _why_not(report: RunReport) -> str:
    if report.failure:
        return report.failure.message
    if report.energy_sources.gpu is None:
        return "no GPU energy meter was chosen or possible"
    impossible = impossible_phases(report.repetitions)
    if impossible:
        names = ", ".join(sorted(impossible))
        return f"a repetition has zero or less GPU energy for {names}, which no work can have"
    if report.verdict and report.verdict.verdict == "invalid":
        return f"the figures are invalid: {', '.join(report.verdict.reasons)}"
    return "the GPU energy meter gave no figure for at least one phase"
