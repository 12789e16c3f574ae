"""What every meter offers."""

from typing import Protocol

from benchmark_core.contract import MeterName
from benchmark_core.report.energy import EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts


class Meter(Protocol):
    """Measures the energy of windows, one at a time: approach, open, close, read.

    The truth of a window is from the return of `open` to the call of `close`. A meter may wait in
    `approach` and in `read` alone: several meters are opened together and closed together, and what
    one waits for between that would be measured by the others.

    Every method raises `MeterFault` when a figure cannot be trusted; none ever answers 0 for
    "not measured": that is None in the reading.
    """

    @property
    def name(self) -> MeterName:
        """Under which it is asked for."""

    def start(self) -> None:
        """Acquire devices and helpers. Called once, before the model is loaded."""

    def approach(self) -> None:
        """Wait for whatever makes the coming edge exact; called right before every `open`.

        Apart from `open`, so that no other meter's window is open meanwhile.
        """

    def open(self, label: str) -> None:
        """Begin a window. Quick, because meters that are open already measure what it takes."""

    def close(self) -> None:
        """End the window. Quick, for the same reason: it marks the instant and waits for nothing.

        What the figure still needs is left to `read`.
        """

    def read(self) -> Reading:
        """The energy of the window just closed. May wait, because all meters are closed by now."""

    def total(self) -> Reading:
        """The energy from the first opening to the last close, by the meter itself.

        For the ledger, so never a sum of windows; an empty reading where the meter has no such sum.
        """

    def stop(self) -> None:
        """Release everything; harmless after a failure and when called twice."""

    def sources(self) -> EnergySources:
        """Which quantities this meter gives, and how. Valid after `start`."""

    def gpus(self) -> tuple[GpuFacts, ...]:
        """The devices it watches; empty for a meter that watches none."""
