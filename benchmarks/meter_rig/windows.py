"""Measures windows of one power shape with all meters: the program of one process.

    python -m benchmarks.meter_rig.windows PLAN.json

The plan names the file that takes the results, one JSON line per meter and window.
"""

import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from benchmarks.meter_rig import subjects
from benchmarks.meter_rig.shapes import Shape, shape_named
from benchmarks.meter_rig.subjects import Subject
from tests.support import simulated_driver

LENGTH_SPREAD = 0.15
"""Lengths vary by this share, so that few windows are a whole number of counter steps."""
LONGEST_PAUSE_SECONDS = 0.37
"""Before each window, at random: the phase of steps and periods at its start is any."""
WARM_UP_SECONDS = 0.2


@dataclass(frozen=True)
class Plan:
    """`lengths` are pairs of a nominal length in seconds and the number of windows.

    `groups` are meters that share windows, one inside the other; meters that wait at the edges of
    a window are alone in theirs.
    """

    shape: str
    lengths: tuple[tuple[float, int], ...]
    groups: tuple[tuple[str, ...], ...]
    seed: int
    folder: str

    @property
    def results_path(self) -> Path:
        return Path(self.folder) / "results.jsonl"

    @property
    def windows(self) -> int:
        """Lines that the results will have."""
        return sum(count for _, count in self.lengths) * sum(len(group) for group in self.groups)

    @property
    def seconds(self) -> float:
        """What it will take, about: the alignment of a window waits for two steps at each end."""
        each = LONGEST_PAUSE_SECONDS / 2 + 0.35
        return sum((length + each) * count for length, count in self.lengths) * len(self.groups)


@dataclass(frozen=True)
class Measured:
    """One meter's figure for one window. `joules` None: it gave no figure."""

    meter: str
    shape: str
    nominal_seconds: float
    seconds: float
    truth_joules: float
    joules: float | None

    @property
    def error_percent(self) -> float | None:
        if self.joules is None:
            return None
        return 100 * (self.joules - self.truth_joules) / self.truth_joules


def measure(plan: Plan) -> None:
    """Each group on its own, one after the other, so that no thread of one disturbs another."""
    shape = shape_named(plan.shape)
    folder = Path(plan.folder)
    with plan.results_path.open("w") as results:
        for group in plan.groups:
            chance = random.Random(f"{plan.seed} {plan.shape} {group}")
            meters = [subjects.create(name, folder) for name in group]
            for meter in meters:
                meter.start()
            measure_window(meters, shape, WARM_UP_SECONDS, WARM_UP_SECONDS)
            _measure_group(meters, shape, plan.lengths, chance, results)
            for meter in meters:
                meter.stop()


def _measure_group(
    meters: Sequence[Subject],
    shape: Shape,
    lengths: Sequence[tuple[float, int]],
    chance: random.Random,
    results: TextIO,
) -> None:
    for nominal, count in lengths:
        for number in range(count):
            turn = number % len(meters)
            nested = [*meters[turn:], *meters[:turn]]
            seconds = nominal * chance.uniform(1 - LENGTH_SPREAD, 1 + LENGTH_SPREAD)
            time.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
            for measured in measure_window(nested, shape, nominal, seconds):
                results.write(json.dumps(asdict(measured)) + "\n")
            results.flush()


def measure_window(
    meters: Sequence[Subject], shape: Shape, nominal: float, seconds: float
) -> list[Measured]:
    """One window, each meter's within that of the one before it, with the work inside them all."""
    for meter in meters:
        meter.prepare()
    opened: list[float] = []
    for meter in meters:
        meter.open()
        opened.append(time.monotonic())
    begun = _switch_work(on=True)
    time.sleep(max(0.0, opened[-1] + seconds - time.monotonic()))
    ended = _switch_work(on=False)
    closing: list[float] = []
    for meter in reversed(meters):
        closing.append(time.monotonic())
        meter.close()
    return [
        Measured(
            meter=meter.name,
            shape=shape.name,
            nominal_seconds=nominal,
            seconds=end - begin,
            truth_joules=shape.joules(begin, end, (begun, ended)),
            joules=meter.joules(),
        )
        for meter, begin, end in zip(meters, opened, reversed(closing), strict=True)
    ]


def _switch_work(on: bool) -> float:
    before = time.monotonic()
    simulated_driver.work(on)
    return (before + time.monotonic()) / 2


def read_results(path: Path) -> list[Measured]:
    return [Measured(**json.loads(line)) for line in path.read_text().splitlines()]


def read_plan(path: Path) -> Plan:
    stored = json.loads(path.read_text())
    return Plan(
        shape=stored["shape"],
        lengths=tuple((length, count) for length, count in stored["lengths"]),
        groups=tuple(tuple(group) for group in stored["groups"]),
        seed=stored["seed"],
        folder=stored["folder"],
    )


if __name__ == "__main__":
    measure(read_plan(Path(sys.argv[1])))
