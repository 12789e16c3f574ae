"""Quantities as low, central and high, and how they are known."""

from dataclasses import dataclass
from typing import Literal, Self

Kind = Literal["measured", "estimated", "simulated", "reported", "published", "assumed", "given"]
"""`reported` is by another program that does not say how, `given` by the user."""


@dataclass(frozen=True)
class Range:
    """low <= central <= high, none below 0. Sums and products take all ends at once."""

    low: float
    central: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Self:
        return cls(value, value, value)

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.central + other.central, self.high + other.high)

    def __mul__(self, other: "Range | float") -> "Range":
        by = other if isinstance(other, Range) else Range.exactly(other)
        return Range(self.low * by.low, self.central * by.central, self.high * by.high)

    def at_least(self, other: "Range") -> "Range":
        return Range(
            max(self.low, other.low), max(self.central, other.central), max(self.high, other.high)
        )

    @property
    def is_known(self) -> bool:
        """Whether it spans anything; otherwise nobody told how far off it may be."""
        return self.low < self.high


@dataclass(frozen=True)
class Part:
    """IT energy in Wh by what used it: how it is known, and from where."""

    name: str
    title: str
    range: Range
    kind: Kind
    how: str


@dataclass(frozen=True)
class Amount:
    """A calculated quantity. `range` is None where it is not known; `how` says why, then."""

    name: str
    title: str
    unit: str
    range: Range | None
    how: str
