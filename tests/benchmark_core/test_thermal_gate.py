"""When a GPU counts as being at rest, and that nobody waits for ever."""

import threading
import time
from pathlib import Path

import pytest

from benchmark_core import thermal_gate
from benchmark_core.contract import GpuRest
from benchmark_core.power_trace import HEADER, TraceRow, format_row

KNOWN = GpuRest(watts=80, celsius=35)


def course(watts: tuple[float, float], celsius: tuple[float, float]) -> list[TraceRow]:
    """Hundred rows in which both go evenly from the first value to the second."""

    def between(ends: tuple[float, float], n: int) -> float:
        return ends[0] + (ends[1] - ends[0]) * n / 99

    return [
        TraceRow(n / 20, 0, "", instant_watts=between(watts, n), celsius=between(celsius, n))
        for n in range(100)
    ]


@pytest.mark.parametrize(
    ("watts", "celsius", "known", "rests"),
    [
        ((80, 80), (35, 35), None, True),
        ((80, 80), (60, 60), None, True),
        ((80, 80), (60, 60), KNOWN, False),
        ((80, 80), (39, 39), KNOWN, True),
        ((120, 120), (35, 35), KNOWN, False),
        ((86, 86), (35, 35), KNOWN, True),
        ((140, 80), (35, 35), None, False),
        ((80, 140), (35, 35), None, True),
        ((80, 80), (40, 35), None, False),
    ],
)
def test_power_and_temperature_fall_no_more_and_are_near_what_is_known(
    watts: tuple[float, float], celsius: tuple[float, float], known: GpuRest | None, rests: bool
) -> None:
    assert thermal_gate.is_at_rest(course(watts, celsius), known) is rests


def test_a_gpu_that_does_not_tell_its_temperature_is_judged_by_its_power() -> None:
    rows = [TraceRow(n / 20, 0, "", watts=80) for n in range(100)]
    assert thermal_gate.is_at_rest(rows, KNOWN)
    assert not thermal_gate.is_at_rest([], None)


class Sampling(threading.Thread):
    """Writes a trace of one GPU as the sampling process does, until it is told to stop."""

    def __init__(self, path: Path, watts: float | None) -> None:
        super().__init__()
        self._path = path
        self._watts = watts
        self._done = threading.Event()

    def __enter__(self) -> None:
        with self._path.open("w") as stream:
            stream.write(HEADER)
        self.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.wait(0.02):
            row = TraceRow(time.monotonic(), 0, "", instant_watts=self._watts, celsius=41)
            with self._path.open("a") as stream:
                stream.write(format_row(row))


def wait(path: Path, watts: float | None, known: dict[str, GpuRest], longest: float = 60.0):
    with Sampling(path, watts):
        return thermal_gate.wait(path, ["GPU-1"], 0.15, known, longest)


def test_what_was_waited_and_how_the_gpu_was_then_are_told(tmp_path: Path) -> None:
    gate = wait(tmp_path / "trace.csv", 85, {})
    assert gate.settled
    assert 0.6 <= gate.waited_seconds < 60
    assert gate.at_rest == {"GPU-1": GpuRest(watts=85, celsius=41)}


def test_a_gpu_that_stays_hot_is_waited_for_no_longer_than_allowed(tmp_path: Path) -> None:
    gate = wait(tmp_path / "trace.csv", 300, {"GPU-1": KNOWN}, longest=1.0)
    assert not gate.settled
    assert gate.waited_seconds >= 1.0
    assert gate.at_rest["GPU-1"].watts == pytest.approx(300)


def test_a_gpu_that_gets_no_cooler_than_this_is_at_rest_in_the_end(tmp_path: Path) -> None:
    gate = wait(tmp_path / "trace.csv", 110, {"GPU-1": KNOWN})
    assert gate.settled
    assert gate.waited_seconds >= thermal_gate.PATIENCE * thermal_gate.LOOKED_BACK * 0.15


def test_a_gpu_whose_power_cannot_be_read_is_not_waited_for(tmp_path: Path) -> None:
    gate = wait(tmp_path / "trace.csv", None, {}, longest=60.0)
    assert not gate.settled
    assert gate.waited_seconds < 30
    assert gate.at_rest == {}
