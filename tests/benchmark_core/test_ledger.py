"""The windows of a run against the meter's own total."""

from dataclasses import replace
from itertools import pairwise
from math import floor

import pytest

from benchmark_core.ledger import Span, balance, balances, tolerated_joules
from benchmark_core.trace_integral import TraceIntegral

SPANS = (
    Span("idle_before", 100.0, 105.0, 500.0),
    Span("load", 105.2, 110.0, 1000.0),
    Span("generate 1", 111.0, 121.0, 6000.0),
)


def test_what_windows_and_between_leave_is_the_residual():
    ledger = balance(SPANS, 7680.0, 120.0)
    assert [entry.name for entry in ledger.entries] == ["idle_before", "load", "generate 1"]
    assert ledger.entries[1].opened_at_seconds == 105.2
    assert ledger.entries[1].duration_seconds == pytest.approx(4.8)
    assert ledger.total_seconds == pytest.approx(21.0)
    assert ledger.residual_joules == pytest.approx(60.0)
    assert ledger.residual_share == pytest.approx(60 / 7680)
    assert balances(ledger) is True


@pytest.mark.parametrize(
    ("residual", "expected"), [(84.9, True), (85.1, False), (-84.9, True), (-85.1, False)]
)
def test_only_the_time_between_windows_is_uncertain(residual, expected):
    """5 J, 5 % of 400 J, and two gaps of 0.05 s at the 600 W of the last window."""
    ledger = balance(SPANS, 7500.0 + 400.0 + residual, 400.0)
    assert tolerated_joules(ledger) == pytest.approx(85.0)
    assert balances(ledger) is expected


def test_a_few_joules_never_count():
    small = [Span("generate 1", 0.0, 0.2, 20.0)]
    assert balances(balance(small, 24.9, 0.0)) is True
    assert balances(balance(small, 25.2, 0.0)) is False


@pytest.mark.parametrize("seconds", [0.0, 1e-4])
def test_a_window_shorter_than_a_sample_has_no_power(seconds):
    short = [Span("preprocess 1", 0.0, seconds, 2.0), Span("generate 1", 1.0, 2.0, 30.0)]
    assert tolerated_joules(balance(short, 32.0, 0.0)) == pytest.approx(5.0 + 0.05 * 40.0)


WORK_WATTS, REST_WATTS = 600.0, 70.0


def realistic(pass_seconds=60.0):
    """Ten repetitions of three passes, and rest around them; 0.2 to 0.5 s between the windows."""
    spans = [Span("idle_before", 0.013, 5.013, 5 * REST_WATTS)]
    for repetition in range(1, 11):
        for number, name in enumerate(("preprocess", "prefill", "generate")):
            opened = spans[-1].closed_at + 0.2 + 0.0371 * ((3 * repetition + number) % 9)
            closed = opened + pass_seconds
            spans.append(Span(f"{name} {repetition}", opened, closed, pass_seconds * WORK_WATTS))
    last = spans[-1].closed_at
    return [*spans, Span("idle_after", last + 0.3, last + 5.3, 5 * REST_WATTS)]


def true_total(spans):
    gaps = sum(later.opened_at - earlier.closed_at for earlier, later in pairwise(spans))
    return sum(span.gpu_joules for span in spans) + gaps * REST_WATTS


def read_between(spans, scale):
    """By 20 readings a second of a power that the driver renews ten times a second."""
    integral = TraceIntegral([(one.closed_at, other.opened_at) for one, other in pairwise(spans)])
    current = 0
    for number in range(round(spans[-1].closed_at * 20) + 10):
        renewed_at = floor(number / 2) / 10
        while current < len(spans) - 1 and spans[current].closed_at < renewed_at:
            current += 1
        inside = spans[current].opened_at <= renewed_at and spans[current].repetition is not None
        integral.see(number / 20, scale * (WORK_WATTS if inside else REST_WATTS))
    return integral.joules()


@pytest.mark.parametrize("scale", [0.95, 1.0, 1.05])
@pytest.mark.parametrize("pass_seconds", [60.0, 2.0171])
def test_errors_of_sampling_balance(pass_seconds, scale):
    spans = realistic(pass_seconds)
    ledger = balance(spans, true_total(spans), read_between(spans, scale))
    assert ledger.residual_joules != 0
    assert balances(ledger) is True


@pytest.mark.parametrize("lost", ["preprocess 1", "prefill 5", "generate 10"])
@pytest.mark.parametrize("pass_seconds", [60.0, 10.0])
def test_a_window_that_lost_half_its_energy_is_found(pass_seconds, lost):
    """One of thirty: less than 2 % of the whole run."""
    spans = realistic(pass_seconds)
    total, between = true_total(spans), read_between(spans, 1.0)
    halved = [
        replace(span, gpu_joules=span.gpu_joules / 2) if span.name == lost else span
        for span in spans
    ]
    ledger = balance(halved, total, between)
    assert abs(ledger.residual_share) < 0.02
    assert balances(ledger) is False


@pytest.mark.parametrize(
    ("total", "between", "window"), [(None, 1.0, 1.0), (9.0, None, 1.0), (9.0, 1.0, None)]
)
def test_what_was_not_measured_cannot_balance(total, between, window):
    ledger = balance([*SPANS, Span("idle_after", 121.5, 125.0, window)], total, between)
    assert ledger.residual_joules is None
    assert ledger.residual_share is None
    assert balances(ledger) is None


def test_a_total_of_nothing_is_no_share():
    ledger = balance(SPANS, 0.0, 0.0)
    assert ledger.residual_share is None
    assert balances(ledger) is False


def test_a_run_without_windows_has_an_empty_ledger():
    ledger = balance([], None, None)
    assert (ledger.entries, ledger.total_seconds) == ((), 0.0)


@pytest.mark.parametrize(
    ("name", "repetition"), [("generate 12", 12), ("preprocess 1", 1), ("load", None), ("12", None)]
)
def test_the_repetition_stands_at_the_end_of_the_name(name, repetition):
    assert Span(name, 0.0, 1.0, None).repetition == repetition
