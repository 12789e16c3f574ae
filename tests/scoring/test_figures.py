"""Figures as they are read, and as they are shown."""

from decimal import Decimal

import pytest

from scoring.figures import figure, number_of, with_interval


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
        (12345.678, 6, "12,345.7"),
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


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (8.06, None, "8.060"),
        (Decimal("2.05"), Decimal("0.2"), "2.050 ± 0.20"),
        (8453.2, 12, "8,453 ± 12"),
        (43504.4, 1234, "43,504 ± 1,234"),
        (0.0004226, 0.00014, "0.0004226 ± 0.00014"),
        (0.0000526, 0, "5.260e-05 ± 0.0"),
    ],
)
def test_in_a_table_all_digits_are_shown(value, half, text):
    assert with_interval(value, half) == text
