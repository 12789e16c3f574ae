"""The power that the simulated device draws over time, and its exact energy. Pure.

Times are of the monotonic clock, in seconds; the periods of the shapes count from its beginning.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Shape(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def behaviour(self) -> Mapping[str, object]:
        """What the simulated driver is told: AIES_SIM_* variables without that prefix."""

    def joules(self, begin: float, end: float, busy: tuple[float, float]) -> float:
        """The energy from `begin` to `end`; `busy` is when the work was on."""


@dataclass(frozen=True)
class Constant:
    watts: float
    name: str = "constant"

    @property
    def behaviour(self) -> Mapping[str, object]:
        return {"shape": "constant", "watts": self.watts}

    def joules(self, begin: float, end: float, busy: tuple[float, float]) -> float:
        return self.watts * (end - begin)


@dataclass(frozen=True)
class Square:
    """The first half of each period low, the second high."""

    low: float
    high: float
    period_seconds: float
    name: str = "square"

    @property
    def behaviour(self) -> Mapping[str, object]:
        return {"shape": f"square:{self.low}:{self.high}:{self.period_seconds}"}

    def joules(self, begin: float, end: float, busy: tuple[float, float]) -> float:
        return self._until(end) - self._until(begin)

    def _until(self, seconds: float) -> float:
        whole, rest = _split(seconds, self.period_seconds)
        half = self.period_seconds / 2
        partial = self.low * min(rest, half) + self.high * max(0.0, rest - half)
        return whole * (self.low + self.high) * half + partial


@dataclass(frozen=True)
class Ramp:
    """Rises from low to high in each period, then falls back at once."""

    low: float
    high: float
    period_seconds: float
    name: str = "ramp"

    @property
    def behaviour(self) -> Mapping[str, object]:
        return {"shape": f"ramp:{self.low}:{self.high}:{self.period_seconds}"}

    def joules(self, begin: float, end: float, busy: tuple[float, float]) -> float:
        return self._until(end) - self._until(begin)

    def _until(self, seconds: float) -> float:
        whole, rest = _split(seconds, self.period_seconds)
        slope = (self.high - self.low) / self.period_seconds
        per_period = (self.low + self.high) / 2 * self.period_seconds
        return whole * per_period + self.low * rest + slope * rest**2 / 2


@dataclass(frozen=True)
class Work:
    """Idle power outside the work, busy power while it is on: the shape of real runs."""

    idle: float
    busy: float
    name: str = "work"

    @property
    def behaviour(self) -> Mapping[str, object]:
        return {"shape": f"work:{self.idle}:{self.busy}"}

    def joules(self, begin: float, end: float, busy: tuple[float, float]) -> float:
        overlap = max(0.0, min(end, busy[1]) - max(begin, busy[0]))
        return self.idle * (end - begin) + (self.busy - self.idle) * overlap


SHAPES: Sequence[Shape] = (
    Constant(350),
    Square(100, 700, 0.37),
    Ramp(100, 700, 2.3),
    Work(100, 600),
)


def shape_named(name: str) -> Shape:
    return next(shape for shape in SHAPES if shape.name == name)


def _split(seconds: float, period_seconds: float) -> tuple[float, float]:
    whole = math.floor(seconds / period_seconds)
    return whole, seconds - whole * period_seconds
