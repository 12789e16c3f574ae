"""Whether the power trace is of this run, and what the report says of it follows from it."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmark_core.contract import TRACE_FILE
from benchmark_core.ledger import Span
from benchmark_core.meter_facts import TRACING_METERS
from benchmark_core.power_trace import rows
from benchmark_core.trace_analysis import TraceAnalysis, analyse
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence
from scoring.verification.window_energy import check_energies

LABEL_SECONDS: Final = 0.5
"""A reading may bear the name of a window this long before or after it, where the driver is slow
to answer."""
FACTS_TOLERANCE: Final = 1e-6
MOST_STRANGE_WINDOWS: Final = 20


def check_trace(of: RunEvidence) -> Iterator[Finding]:
    if not of.path(TRACE_FILE).exists():
        tracing = sorted(set(TRACING_METERS) & set(of.applied.meters))
        if tracing:
            what = f"the meter {', '.join(tracing)} leaves one"
            yield of.failed("trace_missing", what, TRACE_FILE)
        elif of.report.energy_sources.gpu is not None:
            yield of.not_checked("GPU energy of the windows", "no power trace")
        if of.report.trace is not None:
            yield of.failed("trace_missing", "the report says what was in it", TRACE_FILE)
        return
    spans = of.spans()
    if not spans:
        yield of.not_checked("GPU energy of the windows", "the report has no times of them")
        return
    yield from _labels(of, spans)
    yield from _facts(of, spans)
    yield from check_energies(of, spans)


def _labels(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    """Whether the trace and the report speak of the same windows at the same times."""
    known = {span.name: span for span in spans}
    seen: dict[str, tuple[float, float]] = {}
    strange: dict[str, None] = {}
    for row in rows(of.path(TRACE_FILE)):
        if row.phase in known:
            first, last = seen.get(row.phase, (row.seconds, row.seconds))
            seen[row.phase] = (min(first, row.seconds), max(last, row.seconds))
        elif row.phase and len(strange) < MOST_STRANGE_WINDOWS:
            strange[row.phase[:100]] = None
    for name in strange:
        what = f"{name} was open while it was written, and is no window of the report"
        yield of.failed("trace_windows_differ", what, TRACE_FILE)
    for name, (first, last) in seen.items():
        span = known[name]
        if first < span.opened_at - LABEL_SECONDS or last > span.closed_at + LABEL_SECONDS:
            what = f"{name} was open at other times than the report says"
            yield of.failed("trace_windows_differ", what, TRACE_FILE)
    for span in spans:
        if span.name not in seen and span.seconds > 2 * LABEL_SECONDS:
            what = f"{span.name} lasted {span.seconds:.2f} s, and the trace has no line of it"
            yield of.failed("trace_windows_differ", what, TRACE_FILE)


def _facts(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    told = of.report.trace
    if told is None:
        yield of.failed("trace_facts_differ", "the report says nothing of the trace")
        return
    made = _analysed(of, spans, was_on_gpus=False)
    if told.gpus != made.facts.gpus:
        # Nobody wrote down whether the program had measured another run before.
        again = _analysed(of, spans, was_on_gpus=True)
        made = again if told.gpus == again.facts.gpus else made
    for phrase in differences(told, made.facts, "trace", FACTS_TOLERANCE):
        yield of.failed("trace_facts_differ", phrase)
    ledger = of.report.ledger
    between = ledger.between_joules if ledger else None
    for phrase in differences(
        between, made.between_counted_joules(), "ledger.between_joules", FACTS_TOLERANCE
    ):
        yield of.failed("trace_facts_differ", phrase)


def _analysed(of: RunEvidence, spans: Sequence[Span], was_on_gpus: bool) -> TraceAnalysis:
    applied, ledger = of.applied, of.report.ledger
    return analyse(
        of.path(TRACE_FILE),
        [gpu.uuid for gpu in of.environment.gpus],
        spans,
        ledger.total_joules if ledger else None,
        model_on_gpu=applied.device is not None and applied.device.kind == "cuda",
        server_processes=applied.server_processes if applied.server else None,
        was_on_gpus=was_on_gpus,
    )
