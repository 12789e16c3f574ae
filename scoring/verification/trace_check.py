"""Whether the power trace is of this run, and what the report says of it follows from it."""

from collections.abc import Iterator, Sequence
from typing import Final

from benchmark_core.contract import TRACE_FILE
from benchmark_core.ledger import Span
from benchmark_core.meter_facts import TRACING_METERS
from benchmark_core.official import LIMIT_TOLERANCE_WATTS
from benchmark_core.trace_analysis import TraceAnalysis, analyse
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence
from scoring.verification.trace_outline import TraceOutline, outline
from scoring.verification.window_energy import check_energies

LABEL_SECONDS: Final = 0.5
"""A reading may bear the name of a window this long before or after it, where the driver is slow
to answer."""
LARGEST_CUT_SECONDS: Final = 0.1
"""By so much the trace may show the windows of a pass, all but one, longer than the report, on
average. A slow answer makes one of them longer, and only a hand all of them."""
FACTS_TOLERANCE: Final = 1e-6


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
    told = outline(of.path(TRACE_FILE), len(of.environment.gpus), {span.name for span in spans})
    yield from _gpus(of, told)
    yield from _labels(of, spans, told)
    yield from _facts(of, spans)
    yield from check_energies(of, spans)


def _labels(of: RunEvidence, spans: Sequence[Span], told: TraceOutline) -> Iterator[Finding]:
    """Whether the trace and the report speak of the same windows at the same times."""
    for name in told.strange_windows:
        what = f"{name} was open while it was written, and is no window of the report"
        yield of.failed("trace_windows_differ", what, TRACE_FILE)
    cut: dict[str, list[float]] = {}
    for span in spans:
        if span.name not in told.windows:
            if span.seconds > 2 * LABEL_SECONDS:
                what = f"{span.name} lasted {span.seconds:.2f} s, and the trace has no line of it"
                yield of.failed("trace_windows_differ", what, TRACE_FILE)
            continue
        first, last = told.windows[span.name]
        before, after = span.opened_at - first, last - span.closed_at
        if span.repetition is not None:
            cut.setdefault(span.name.split()[0], []).append(max(before, 0) + max(after, 0))
        if max(before, after) > LABEL_SECONDS:
            what = f"{span.name} was open at other times than the report says"
            yield of.failed("trace_windows_differ", what, TRACE_FILE)
    for name, seconds in cut.items():
        others = sorted(seconds)[:-1]
        if others and (mean := sum(others) / len(others)) > LARGEST_CUT_SECONDS:
            what = f"{name} was open {mean:.2f} s longer than the report says, on average"
            yield of.failed("trace_windows_differ", what, TRACE_FILE)


def _gpus(of: RunEvidence, told: TraceOutline) -> Iterator[Finding]:
    """Whether the GPUs of the trace are those of the report, and were metered as it says."""
    if told.strange_gpu:
        yield of.failed("sources_differ", "it has lines of a GPU that nobody names", TRACE_FILE)
    source = of.report.energy_sources.gpu
    counted = all(gpu.has_counter for gpu in told.gpus)
    has_lines = all(gpu.has_lines for gpu in told.gpus)
    if source is not None and has_lines and source.integrated == counted:
        which = "each GPU has" if counted else "not every GPU has"
        what = f"{which} a counter there, and integrated is {source.integrated}"
        yield of.failed("sources_differ", what, TRACE_FILE)
    for gpu, traced in zip(of.environment.gpus, told.gpus, strict=True):
        limit = gpu.power_limit_watts
        if limit is None or not traced.limits:
            continue
        if min(abs(limit - one) for one in traced.limits) > LIMIT_TOLERANCE_WATTS:
            what = f"the power limit is {limit:g} W, and {min(traced.limits):g} W in the trace"
            yield of.failed("sources_differ", what)


def _facts(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    told = of.report.trace
    if told is None:
        yield of.failed("trace_facts_differ", "the report says nothing of the trace")
        return
    made = _analysed(of, spans, was_on_gpus=False)
    if told.gpus != made.facts.gpus:
        # Nobody wrote down whether the program had measured another run before.
        again = _analysed(of, spans, was_on_gpus=True)
        if told.gpus == again.facts.gpus:
            made = again
            because = "the report takes one for the run's own, which it may have been"
            yield of.not_checked("programs on the GPUs before the model", because, TRACE_FILE)
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
