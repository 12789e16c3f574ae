"""What the errors of all windows come to, and which bounds are kept. Pure."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.meter_rig.subjects import OURS, PEERS
from benchmarks.meter_rig.windows import Measured

STEADY_SHAPES = ("constant", "work")
CHANGING_SHAPES = ("square", "ramp")
LARGEST_ERRORS: Mapping[float, tuple[float, float]] = {
    0.2: (0.3, 3.0),
    1.0: (0.05, 0.3),
    5.0: (0.02, 0.1),
}
"""For steady shapes by window length: the median and the largest error in percent, at most."""
SHARE_OF_PEERS_RMS = 0.7
SHARE_OF_PEERS_MEDIAN = 0.25
MEDIAN_COMPARED_AT = 1.0


@dataclass(frozen=True)
class Cell:
    """The absolute errors in percent of one meter for one shape and length.

    `unread` windows gave no figure and are in none of the others. The figures are None when there
    is none to be had.
    """

    meter: str
    shape: str
    nominal_seconds: float
    windows: int
    unread: int
    median: float | None
    largest: float | None
    rms: float | None


@dataclass(frozen=True)
class Bound:
    """`value` None: it was not measured, so it is not kept."""

    what: str
    value: float | None
    limit: float | None
    unit: str = "%"

    @property
    def kept(self) -> bool:
        return self.value is not None and self.limit is not None and self.value <= self.limit

    def __str__(self) -> str:
        if self.value is None or self.limit is None:
            return f"{self.what}: not measured: NOT KEPT"
        verdict = "kept" if self.kept else "NOT KEPT"
        return f"{self.what}: {self.value:.4g} {self.unit}, at most {self.limit:.4g}: {verdict}"


def cells(windows: Iterable[Measured]) -> list[Cell]:
    """One for every meter, shape and length there are windows of."""
    grouped: dict[tuple[str, str, float], list[Measured]] = {}
    for window in windows:
        key = (window.meter, window.shape, window.nominal_seconds)
        grouped.setdefault(key, []).append(window)
    return [_cell(*key, group) for key, group in grouped.items()]


def _cell(meter: str, shape: str, nominal: float, windows: Sequence[Measured]) -> Cell:
    errors = [abs(error) for window in windows if (error := window.error_percent) is not None]
    return Cell(
        meter=meter,
        shape=shape,
        nominal_seconds=nominal,
        windows=len(windows),
        unread=len(windows) - len(errors),
        median=statistics.median(errors) if errors else None,
        largest=max(errors, default=None),
        rms=math.sqrt(statistics.fmean(error**2 for error in errors)) if errors else None,
    )


def accuracy_bounds(found: Sequence[Cell], lengths: Iterable[float]) -> list[Bound]:
    """Every bound on accuracy, also those that nothing was measured for."""
    by_key = {(cell.meter, cell.shape, cell.nominal_seconds): cell for cell in found}
    bounds: list[Bound] = []
    for length in lengths:
        for shape in STEADY_SHAPES:
            bounds += _steady_bounds(by_key.get((OURS, shape, length)), shape, length)
        for shape in CHANGING_SHAPES:
            ours = by_key.get((OURS, shape, length))
            peers = [by_key.get((peer, shape, length)) for peer in PEERS]
            bounds += _changing_bounds(ours, peers, shape, length)
    unread = sum(cell.unread for cell in found if cell.meter == OURS)
    return [*bounds, Bound("ours: windows without a figure", unread, 0, "windows")]


def _steady_bounds(ours: Cell | None, shape: str, length: float) -> list[Bound]:
    median_limit, largest_limit = LARGEST_ERRORS.get(length, (None, None))
    return [
        Bound(f"ours, {shape}, {length:g} s, median", _of(ours, "median"), median_limit),
        Bound(f"ours, {shape}, {length:g} s, largest", _of(ours, "largest"), largest_limit),
    ]


def _changing_bounds(
    ours: Cell | None, peers: Sequence[Cell | None], shape: str, length: float
) -> list[Bound]:
    """Against the better peer, which needs every peer to be there."""
    rms = [error for cell in peers if (error := _of(cell, "rms")) is not None]
    medians = [error for cell in peers if (error := _of(cell, "median")) is not None]
    complete = len(rms) == len(PEERS)
    bounds = [
        Bound(
            f"ours, {shape}, {length:g} s, root mean square, {SHARE_OF_PEERS_RMS:g} of the best"
            " peer's",
            _of(ours, "rms"),
            SHARE_OF_PEERS_RMS * min(rms) if complete else None,
        )
    ]
    if length == MEDIAN_COMPARED_AT:
        bounds.append(
            Bound(
                f"ours, {shape}, {length:g} s, median, {SHARE_OF_PEERS_MEDIAN:g} of the best"
                " peer's",
                _of(ours, "median"),
                SHARE_OF_PEERS_MEDIAN * min(medians) if complete else None,
            )
        )
    return bounds


def _of(cell: Cell | None, figure: Literal["median", "largest", "rms"]) -> float | None:
    """None where the cell is not there, and where some of its windows gave no figure."""
    if cell is None or cell.unread:
        return None
    return {"median": cell.median, "largest": cell.largest, "rms": cell.rms}[figure]


def table(found: Sequence[Cell]) -> str:
    """Markdown: median / largest / root mean square error in percent."""
    meters = list(dict.fromkeys(cell.meter for cell in found))
    by_key = {(cell.meter, cell.shape, cell.nominal_seconds): cell for cell in found}
    rows = sorted({(cell.shape, cell.nominal_seconds) for cell in found})
    lines = [
        "| shape | window | " + " | ".join(meters) + " |",
        "| --- | --- |" + " --- |" * len(meters),
    ]
    for shape, length in rows:
        texts = [_errors(by_key.get((meter, shape, length))) for meter in meters]
        lines.append(f"| {shape} | {length:g} s | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def _errors(cell: Cell | None) -> str:
    if cell is None or cell.median is None or cell.largest is None or cell.rms is None:
        return "not measured"
    return f"{cell.median:.3g} / {cell.largest:.3g} / {cell.rms:.3g}"
