"""The windows of a run against the meter's own total."""

import pytest

from benchmark_core.ledger import Span, balance, balances

SPANS = (
    Span("idle_before", 100.0, 105.0, 500.0),
    Span("load", 105.2, 110.0, 1000.0),
    Span("generate 1", 111.0, 121.0, 6000.0),
)


def test_what_windows_and_between_leave_is_the_residual():
    ledger = balance(SPANS, 7700.0, 120.0)
    assert [entry.name for entry in ledger.entries] == ["idle_before", "load", "generate 1"]
    assert ledger.entries[1].opened_at_seconds == 105.2
    assert ledger.entries[1].duration_seconds == pytest.approx(4.8)
    assert ledger.total_seconds == pytest.approx(21.0)
    assert ledger.residual_joules == pytest.approx(80.0)
    assert ledger.residual_share == pytest.approx(80 / 7700)
    assert balances(ledger) is True


@pytest.mark.parametrize(
    ("between", "expected"), [(2000, True), (1999, False), (3000, True), (3001, False)]
)
def test_up_to_five_percent_balances_in_either_direction(between, expected):
    """The windows are 7,500 J of 10,000 J."""
    assert balances(balance(SPANS, 10000.0, between)) is expected


def test_a_few_joules_never_count():
    small = [Span("generate 1", 0.0, 0.2, 20.0)]
    assert balances(balance(small, 24.9, 0.0)) is True
    assert balances(balance(small, 25.2, 0.0)) is False


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
