"""A figure that is not measured: what it is likely to be, and between what."""

from typing import Self

from pydantic import model_validator

from benchmark_core.documents import Frozen


class Estimate(Frozen):
    """`central` is the best guess; the truth is expected between `low` and `high`."""

    low: float
    central: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 <= self.low <= self.central <= self.high:
            raise ValueError("an estimate is not in order")
        return self


def two_digits(value: float) -> str:
    """More than an estimate knows: `0.35`, `3.5`, `660`."""
    return f"{float(f'{value:.2g}'):.0f}" if value >= 10 else f"{value:.2g}"
