"""Power traces whose energy is known, written as the sampling process writes them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark_core.power_trace import HEADER, TraceRow, format_row

SAMPLE_SECONDS = 0.05


def write_trace(path: Path, rows: Iterable[TraceRow]) -> Path:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(HEADER)
        stream.writelines(map(format_row, rows))
    return path


def sampled(
    until: float, look: Callable[[float, int], TraceRow | None], gpus: int = 1, since: float = 0.0
) -> list[TraceRow]:
    """What `look` says of each GPU, 20 times a second; None is a sample that was never taken."""
    times = (since + number * SAMPLE_SECONDS for number in range(round((until - since) * 20) + 1))
    looks = (look(seconds, gpu) for seconds in times for gpu in range(gpus))
    return [row for row in looks if row is not None]


def two_gpus(until: float, phase: str = "generate 3") -> list[TraceRow]:
    """Of 100 and 300 W by counter and average; the second tells 310 W as its instant power."""

    def look(seconds: float, gpu: int) -> TraceRow:
        watts = 100.0 + 200 * gpu
        joules = 5000.0 + watts * seconds
        return TraceRow(seconds, gpu, phase, watts, 310.0 if gpu else None, joules)

    return sampled(until, look, gpus=2)
