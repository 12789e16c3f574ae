"""What every meter offers."""

from typing import Protocol

from benchmark_core.contract import EnergySources, GpuFacts, Reading


class Meter(Protocol):
    """Measures the energy of windows, one at a time.

    Every method raises `MeterFault` when a figure cannot be trusted; none ever answers 0 for
    "not measured": that is None in the reading.
    """

    def start(self) -> None:
        """Acquire devices and helpers. Called once, before the model is loaded."""

    def open(self, label: str) -> None:
        """Begin a window. The window's truth starts when this returns."""

    def close(self) -> Reading:
        """End the window. Its truth ends when this is called."""

    def stop(self) -> None:
        """Release everything; harmless after a failure and when called twice."""

    def sources(self) -> EnergySources:
        """Which quantities this meter gives, and how. Valid after `start`."""

    def gpus(self) -> tuple[GpuFacts, ...]:
        """The devices it watches; empty for a meter that watches none."""
