"""What flags take for a value; anything else is refused with the reason."""

import argparse

from orchestrator import settings


def positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > settings.MOST_RETRIES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number from 0 to {settings.MOST_RETRIES}"
        )
    return int(text)


def parallel(text: str) -> int:
    """0 for as many as the GPUs take."""
    if text == settings.AUTO:
        return 0
    value = positive(text)
    if value > settings.MOST_PARALLEL:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {settings.MOST_PARALLEL}")
    return value


def concurrency(text: str) -> int:
    value = positive(text)
    if value > settings.MOST_CONCURRENT:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {settings.MOST_CONCURRENT}")
    return value


def seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 999999999")
    return int(text)


def seconds(text: str) -> float:
    return _above_zero(text, "seconds")


def hours(text: str) -> float:
    return _above_zero(text, "hours")


def watt_hours(text: str) -> float:
    return _above_zero(text, "Wh")


def _above_zero(text: str, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit} above 0")
    return value


def idle_seconds(text: str) -> float:
    value = seconds(text)
    shortest, longest = settings.SHORTEST_IDLE_SECONDS, settings.LONGEST_IDLE_SECONDS
    if not shortest <= value <= longest:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {shortest:g} and {longest:g}")
    return value


def percent(text: str) -> float:
    """The share that a percentage such as 0.5% means: 0.005."""
    number, sign, rest = text.strip().partition("%")
    if not sign or rest:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; 1% means one hundredth")
    try:
        # Shifting the decimal point in the text keeps 0.7 % at 0.007; dividing does not.
        share = float(f"{number.strip()}e-2")
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0% and below 100%")
    return share
