"""Figures as text: read exactly as they stand, shown with the digits that matter."""

from decimal import Decimal, InvalidOperation
from typing import Final

# Far beyond any run; a text of a million digits would be exact for minutes.
LONGEST_NUMBER: Final = 40
LARGEST_EXPONENT: Final = 30
DIGITS: Final = 6
"""More than a meter tells, or a factor is known to."""
LARGEST_WRITTEN_OUT: Final = 1e15


def number_of(text: str) -> Decimal | None:
    """None for what is empty, too long, too large, or no number."""
    text = text.strip()
    if not text or len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Python's numbers may have underscores and digits of any script, and no program writes them.
    if "_" in text or not text.isascii() or not number.is_finite():
        return None
    return number if abs(number.adjusted()) <= LARGEST_EXPONENT else None


def figure(value: float | Decimal, digits: int = DIGITS) -> str:
    """So many significant digits, none of them cut off before the point."""
    text = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e+" in text and abs(float(value)) < LARGEST_WRITTEN_OUT else text


def plain(number: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
