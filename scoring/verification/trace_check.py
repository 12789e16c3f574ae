"""GPU energy of every window against the power trace, and what the report says of that trace."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmark_core.contract import TRACE_FILE
from benchmark_core.ledger import Span
from benchmark_core.meter_facts import TRACING_METERS
from benchmark_core.power_trace import rows
from benchmark_core.report.trace_facts import TraceFacts
from benchmark_core.trace_analysis import TraceAnalysis, analyse
from benchmark_core.trace_energy import joules_at
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence

WINDOW_SHARE: Final = 0.01
INTEGRATED_SHARE: Final = 0.05
"""For GPUs without a counter: power readings are off by so much on their own."""
EDGE_SECONDS: Final = 0.1
"""For each edge of a window, at the highest power of the trace: a counter is renewed ten times a
second, and what it read in between is a straight line."""
LABEL_SECONDS: Final = 0.5
"""A reading may bear the name of a window this long before or after it, where the driver is slow
to answer."""
FACTS_TOLERANCE: Final = 1e-6
TOLD_GAPS: Final = frozenset({"trace_incomplete", "counter_reset"})
"""Reasons of a verdict that say why a trace cannot tell the energy of a window."""


def check_trace(of: RunEvidence) -> Iterator[Finding]:
    source = of.report.energy_sources.gpu
    path = of.path(TRACE_FILE)
    if not path.exists():
        if source is not None and source.meter in TRACING_METERS:
            what = f"the meter {source.meter} leaves one"
            yield of.failed("trace_missing", what, TRACE_FILE)
        elif source is not None:
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
    yield from _energies(of, spans)


def _labels(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    """Whether the trace and the report speak of the same windows at the same times."""
    seen: dict[str, tuple[float, float]] = {}
    for row in rows(of.path(TRACE_FILE)):
        first, last = seen.get(row.phase, (row.seconds, row.seconds))
        seen[row.phase] = (min(first, row.seconds), max(last, row.seconds))
    seen.pop("", None)
    known = {span.name: span for span in spans}
    for name, (first, last) in seen.items():
        span = known.get(name)
        if span is None:
            what = f"{name[:100]} was open while it was written, and is no window of the report"
            yield of.failed("trace_windows_differ", what, TRACE_FILE)
        elif first < span.opened_at - LABEL_SECONDS or last > span.closed_at + LABEL_SECONDS:
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


def _energies(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    measured = [span for span in spans if span.repetition is not None]
    edges = [edge for span in measured for edge in (span.opened_at, span.closed_at)]
    known = joules_at(of.path(TRACE_FILE), len(of.environment.gpus), sorted(edges))
    if known is None:
        yield _gap(of)
        return
    parts = [end - start for start, end in zip(known[0::2], known[1::2], strict=True)]
    watts = _highest_watts(of.report.trace, measured, parts)
    source = of.report.energy_sources.gpu
    share = INTEGRATED_SHARE if source is None or source.integrated else WINDOW_SHARE
    for span, joules in zip(measured, parts, strict=True):
        if span.gpu_joules is None:
            continue
        off = abs(span.gpu_joules - joules)
        allowed = share * abs(joules) + 2 * EDGE_SECONDS * watts
        if off > allowed:
            what = (
                f"{span.name} is told with {span.gpu_joules:.1f} J, and {joules:.1f} J follow from"
                f" the trace ({off:.1f} J off, {allowed:.1f} J allowed)"
            )
            yield of.failed("window_energy_differs", what)
    yield from _whole(of, measured, known, watts, share)


def _gap(of: RunEvidence) -> Finding:
    """A gap that the verdict tells of is no forgery, and one that it hides may be."""
    because = "the power trace has a gap, or a counter went back"
    verdict = of.report.verdict
    if verdict and TOLD_GAPS & set(verdict.reasons):
        return of.not_checked("GPU energy of the windows", because, TRACE_FILE)
    return of.failed("window_energy_differs", f"{because}, and the verdict hides it", TRACE_FILE)


def _whole(
    of: RunEvidence, measured: Sequence[Span], known: Sequence[float], watts: float, share: float
) -> Iterator[Finding]:
    """All windows of all repetitions at once: what is off at one edge is back at the next."""
    told = [span.gpu_joules for span in measured if span.gpu_joules is not None]
    if not measured or len(told) < len(measured):
        return
    between = sum(known[2::2]) - sum(known[1:-1:2])
    joules = known[-1] - known[0] - between
    allowed = share * abs(joules) + (1 + len(measured) ** 0.5) * EDGE_SECONDS * watts
    if abs(sum(told) - joules) > allowed:
        what = f"all windows are told with {sum(told):.1f} J, and {joules:.1f} J follow"
        yield of.failed("window_energy_differs", what)


def _highest_watts(
    trace: TraceFacts | None, measured: Sequence[Span], joules: Sequence[float]
) -> float:
    """Of all GPUs together: by the power readings, and by the counters where there are none.

    What the report has of the readings is proven by what is looked at before.
    """
    read = sum(gpu.highest_watts or 0.0 for gpu in trace.gpus) if trace else 0.0
    counted = (
        part / max(span.seconds, EDGE_SECONDS) for span, part in zip(measured, joules, strict=True)
    )
    return max((read, *counted))
