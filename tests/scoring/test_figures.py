"""Figures as they are read, and as they are shown."""

from decimal import Decimal

import pytest

from scoring.figures import figure, number_of


def test_a_number_is_written_as_programs_write_it():
    assert number_of(" 1E3 ") == 1000
    for text in ("\u0663", "\uff11\uff12", "1_000", "infinity", "1e31", "1" * 41, ""):
        assert number_of(text) is None


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234567.8, 6, "1,234,568"),
        (2e6, 6, "2,000,000"),
        (999999.7, 6, "1,000,000"),
        (12345.678, 6, "12345.7"),
        (0.000012345678, 6, "1.23457e-05"),
        (Decimal("1234"), 2, "1,234"),
        (Decimal("0.1"), 2, "0.1"),
        (Decimal("0.100"), 2, "0.10"),
        (1e30, 6, "1e+30"),
        (-54321, 4, "-54,321"),
    ],
)
def test_a_large_figure_is_written_out(value, digits, text):
    assert figure(value, digits) == text
