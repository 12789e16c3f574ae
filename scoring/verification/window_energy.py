"""GPU energy of every window of a run, and of the run as a whole, against the power trace."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmark_core.contract import TRACE_FILE
from benchmark_core.ledger import LOAD, Span
from benchmark_core.trace_energy import joules_between
from scoring.failed_point import Finding
from scoring.verification.evidence import RunEvidence

COUNTED_SHARE: Final = 0.005
INTEGRATED_SHARE: Final = 0.05
"""For GPUs without a counter: power readings are off by so much on their own."""
EDGE_SECONDS: Final = 0.1
"""For each edge of a window, at the power beside it: a counter is renewed ten times a second, and
what it read in between is a straight line."""
MOST_OF_LIMIT: Final = 2.0
"""No GPU draws more than so many times its power limit, whatever a line of the trace says."""
TOLD_GAPS: Final = frozenset({"trace_incomplete", "counter_reset"})
"""Reasons of a verdict that say why a trace cannot tell the energy of a window."""


def check_energies(of: RunEvidence, spans: Sequence[Span]) -> Iterator[Finding]:
    """`spans` are the windows in the order of time, one at least. Raises OSError."""
    windows = [(span.opened_at, span.closed_at) for span in spans]
    whole = (spans[0].opened_at, spans[-1].closed_at)
    edges = list(dict.fromkeys(edge for window in windows for edge in window))
    beside = [(edge - EDGE_SECONDS, edge) for edge in edges]
    beside += [(edge, edge + EDGE_SECONDS) for edge in edges]
    gpus = len(of.environment.gpus)
    known = joules_between(of.path(TRACE_FILE), gpus, [*windows, whole, *beside])
    parts, total = known[: len(spans)], known[len(spans)]
    allowed = _at_edges(of, edges, known[len(spans) + 1 :])
    yield from _windows(of, spans, parts, allowed)
    yield from _whole_run(of, whole, total, allowed)
    yield from _score(of, spans, parts, allowed)


def _at_edges(
    of: RunEvidence, edges: Sequence[float], beside: Sequence[float | None]
) -> dict[float, float]:
    """How many joules a reading at each edge may be off: what went by there, before or after."""
    limits = [gpu.power_limit_watts for gpu in of.environment.gpus]
    watts = [limit * MOST_OF_LIMIT for limit in limits if limit is not None]
    most = EDGE_SECONDS * sum(watts) if len(watts) == len(limits) else float("inf")
    pairs = zip(beside[: len(edges)], beside[len(edges) :], strict=True)
    return {
        edge: min(most, max((joules for joules in pair if joules is not None), default=0.0))
        for edge, pair in zip(edges, pairs, strict=True)
    }


def _windows(
    of: RunEvidence,
    spans: Sequence[Span],
    parts: Sequence[float | None],
    at_edges: Mapping[float, float],
) -> Iterator[Finding]:
    unknown: list[str] = []
    for span, joules in zip(spans, parts, strict=True):
        if joules is None:
            if span.gpu_joules is not None:
                unknown.append(span.name)
            continue
        allowed = _share(of) * abs(joules) + at_edges[span.opened_at] + at_edges[span.closed_at]
        yield from _compared(of, span.name, span.gpu_joules, joules, allowed)
    if unknown:
        yield _unknown(of, ", ".join(unknown), while_loading=unknown == [LOAD])


def _whole_run(
    of: RunEvidence,
    whole: tuple[float, float],
    joules: float | None,
    at_edges: Mapping[float, float],
) -> Iterator[Finding]:
    told = of.report.ledger.total_joules if of.report.ledger else None
    if told is None and _is_integrated(of):
        # Beside the power readings there is nothing that tells a total.
        return
    if joules is None:
        if told is not None:
            yield _unknown(of, "the whole run", while_loading=_is_integrated(of))
        return
    allowed = _share(of) * abs(joules) + sum(at_edges[edge] for edge in whole)
    yield from _compared(of, "the whole run", told, joules, allowed)


def _score(
    of: RunEvidence,
    spans: Sequence[Span],
    parts: Sequence[float | None],
    at_edges: Mapping[float, float],
) -> Iterator[Finding]:
    """All windows of all repetitions at once: what is off at one edge is back at the next."""
    measured = [
        (span, joules)
        for span, joules in zip(spans, parts, strict=True)
        if span.repetition is not None and span.gpu_joules is not None and joules is not None
    ]
    told = sum(span.gpu_joules or 0.0 for span, _ in measured)
    joules = sum(joules for _, joules in measured)
    edges = [at_edges[edge] for span, _ in measured for edge in (span.opened_at, span.closed_at)]
    by_chance = sum(edge**2 for edge in edges) ** 0.5
    allowed = _share(of) * abs(joules) + max(edges, default=0.0) + by_chance
    yield from _compared(of, "all windows of the score", told, joules, allowed)


def _compared(
    of: RunEvidence, name: str, told: float | None, joules: float, allowed: float
) -> Iterator[Finding]:
    """A meter tells nothing where it counted nothing, so that what is left out is a 0."""
    off = abs((told or 0.0) - joules)
    if off > allowed:
        shown = "none" if told is None else f"{told:.1f} J"
        what = (
            f"{name}: {shown} are told, and {joules:.1f} J follow from the trace"
            f" ({off:.1f} J off, {allowed:.1f} J allowed)"
        )
        yield of.failed("window_energy_differs", what)


def _unknown(of: RunEvidence, name: str, while_loading: bool) -> Finding:
    """A gap that the verdict tells of is no forgery, nor is one in loading, when the driver may be
    locked; one that it hides may be."""
    because = "the power trace has a gap, or a counter went back"
    verdict = of.report.verdict
    if while_loading or (verdict and TOLD_GAPS & set(verdict.reasons)):
        return of.not_checked(f"GPU energy of {name}", because, TRACE_FILE)
    what = f"{name}: {because}, and the verdict hides it"
    return of.failed("window_energy_differs", what, TRACE_FILE)


def _share(of: RunEvidence) -> float:
    return INTEGRATED_SHARE if _is_integrated(of) else COUNTED_SHARE


def _is_integrated(of: RunEvidence) -> bool:
    source = of.report.energy_sources.gpu
    return source is None or source.integrated
