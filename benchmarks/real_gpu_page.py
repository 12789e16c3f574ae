"""The result page of `real_gpu`, in Markdown. Pure."""

from benchmark_core.report.applied import Applied
from benchmark_core.report.run_report import RunReport
from benchmarks.beside_zeus import Beside

PAGE_FILE = "real_gpu.md"
PLOT_FILE = "power_trace.svg"
LARGEST_DISAGREEMENT_PERCENT = 1.0
NOT_MEASURED = "not measured"

Row = tuple[str, str]


def page(report: RunReport, beside: Beside, parameters: int) -> str:
    lines = ["# The meter on a GPU", ""]
    if report.rehearsal:
        lines += ["**Rehearsal on a simulated driver: nothing here was measured.**", ""]
    rows = [*_hardware(report, parameters), *_run(report), *_conditions(report), *_beside(beside)]
    lines += ["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows), ""]
    lines += [f"![Power over the run]({PLOT_FILE})", ""]
    return "\n".join(lines)


def _hardware(report: RunReport, parameters: int) -> list[Row]:
    environment = report.environment
    gpu = environment.gpus[0] if environment and environment.gpus else None
    applied = report.applied
    return [
        ("GPU", gpu.name if gpu else NOT_MEASURED),
        ("driver", (gpu.driver_version if gpu else None) or NOT_MEASURED),
        ("power limit", _figure(gpu.power_limit_watts if gpu else None, "W")),
        ("model", f"{parameters / 1e9:.3g} billion random parameters"),
        ("weights, as loaded", _weights(applied)),
    ]


def _weights(applied: Applied | None) -> str:
    device = applied.device if applied else None
    return f"{applied.dtype} on {device.kind}" if applied and device else NOT_MEASURED


def _run(report: RunReport) -> list[Row]:
    summary, verdict = report.summary, report.verdict
    energy = summary.gpu_energy_wh if summary else None
    variation = energy and energy.stdev is not None and 100 * energy.stdev / energy.mean
    seconds = sum(window.duration_seconds for one in report.repetitions for window in one.windows)
    prompts = f" of {summary.total_prompts} prompts" if summary else ""
    reasons = ", ".join(verdict.reasons) if verdict else ""
    return [
        ("verdict", f"{verdict.verdict} ({reasons or 'no reasons'})" if verdict else NOT_MEASURED),
        ("official", "yes" if report.official and report.official.official else "no"),
        ("repetitions", f"{len(report.repetitions)}{prompts}, {seconds:.1f} s together"),
        ("GPU energy of a repetition", _figure(energy.mean if energy else None, "Wh")),
        ("95 % confidence interval", _figure(energy.ci95 if energy else None, "Wh, half-width")),
        ("coefficient of variation", _figure(variation or None, "%")),
    ]


def _conditions(report: RunReport) -> list[Row]:
    gate, idle, ledger, trace = report.thermal_gate, report.idle, report.ledger, report.trace
    waited = f"waited {gate.waited_seconds:.1f} s, settled: {gate.settled}" if gate else "none"
    residual = ledger.residual_share if ledger else None
    disagreement = trace.disagreement if trace else None
    return [
        ("thermal gate", waited),
        ("power at rest before the load", _figure(idle.before_watts if idle else None, "W")),
        ("power at rest after the run", _figure(idle.after_watts if idle else None, "W")),
        ("ledger residual", _percent(residual)),
        ("integrated trace against counter", _percent(disagreement)),
        ("trace samples a second", _figure(trace.rate_hertz if trace else None, "")),
    ]


def _beside(beside: Beside) -> list[Row]:
    steps, off = beside.steps, beside.disagreement_percent
    within = "" if off is None else f" ({_is_within(off)} {LARGEST_DISAGREEMENT_PERCENT:g} %)"
    spread = f"{_figure(steps.shortest_ms, 'ms')} to {_figure(steps.longest_ms, 'ms')}"
    return [
        ("window beside Zeus", f"{beside.seconds:.1f} s, {beside.passes} generations"),
        ("our joules", _figure(beside.our_joules, "J")),
        (f"joules of Zeus {beside.zeus_version or ''}".strip(), _figure(beside.zeus_joules, "J")),
        ("ours against Zeus", f"{_figure(off, '%')}{within}"),
        ("counter step, median", _figure(steps.period_ms, "ms")),
        ("counter step, shortest to longest", spread),
        ("time of a step known to", _figure(steps.doubt_ms, "ms, median")),
    ]


def _is_within(percent: float) -> str:
    return "within" if abs(percent) <= LARGEST_DISAGREEMENT_PERCENT else "NOT within"


def _figure(value: float | None, unit: str) -> str:
    return NOT_MEASURED if value is None else f"{value:.4g} {unit}".strip()


def _percent(share: float | None) -> str:
    return _figure(None if share is None else 100 * share, "%")
