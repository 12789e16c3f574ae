"""CPU and RAM energy of every measured window, against CodeCarbon's own lines."""

import csv
from collections.abc import Iterator, Mapping
from typing import Final

from benchmark_core.contract import EMISSIONS_DIR
from benchmark_core.meter_facts import HOST_METERS
from scoring.failed_point import Finding
from scoring.verification.comparison import differences
from scoring.verification.evidence import RunEvidence

BY_WINDOW: Final = f"{EMISSIONS_DIR}/emissions_by_window.csv"
JOULES_PER_KWH: Final = 3.6e6
TOLERANCE: Final = 1e-6


def is_host_metered(of: RunEvidence) -> bool:
    """Whether a meter of ours was to measure CPU and RAM, whatever came of it, or did."""
    return bool(set(HOST_METERS) & set(of.applied.meters)) or of.path(BY_WINDOW).exists()


def check_host_energy(of: RunEvidence) -> Iterator[Finding]:
    """Raises csv.Error, ValueError, KeyError and OSError where CodeCarbon's lines are none."""
    if not of.path(BY_WINDOW).exists():
        yield of.failed("host_energy_differs", "the meter codecarbon leaves it", BY_WINDOW)
        return
    told = {
        f"{window.name} {number}": {
            "cpu": window.reading.cpu_joules,
            "ram": window.reading.ram_joules,
        }
        for number, repetition in enumerate(of.report.repetitions, start=1)
        for window in repetition.windows
    }
    made = _lines(of, told)
    for label, readings in told.items():
        if label not in made:
            yield of.failed("host_energy_differs", f"there is no line for {label}", BY_WINDOW)
            continue
        for phrase in differences(readings, made[label], label, TOLERANCE):
            yield of.failed("host_energy_differs", phrase)


def _lines(of: RunEvidence, wanted: Mapping[str, object]) -> dict[str, dict[str, float | None]]:
    """Joules by window. Raises as `check_host_energy`."""
    found: dict[str, dict[str, float | None]] = {}
    with of.path(BY_WINDOW).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, strict=True):
            # Each name has the window's number in front, as in "005 generate 1".
            label = row["task_name"].partition(" ")[2]
            if label in found:
                raise ValueError(f"{label} has two lines in {BY_WINDOW}")
            if label in wanted:
                # The meter takes nothing at all for not measured.
                found[label] = {
                    name: float(row[f"{name}_energy"]) * JOULES_PER_KWH or None
                    for name in ("cpu", "ram")
                }
    return found
