"""What meters cost: their making, their windows, the sampling beside the model. One process each.

    python -m benchmarks.meter_rig.costs KIND FOLDER RESULT.json [ARGUMENT...]

Runs on the simulated driver. Each kind is a function below and leaves its figures in RESULT.json.
"""

import importlib
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark_core.contract import TRACE_FILE
from benchmark_core.meters import power_sampler
from benchmarks.meter_rig import subjects
from tests.support.simulated_driver import uuid

Figures = dict[str, float]

WINDOW_SECONDS = 0.05
SETTLE_SECONDS = 0.5
"""Until a sampler just started has done what it does once."""
BLOCK_SECONDS = 0.25
MATRIX_SIZE = 192
NANOSECONDS = 1e9
PACKAGES_OF: Mapping[str, tuple[str, ...]] = {
    subjects.OURS: ("pynvml", "benchmark_core.meters.nvml"),
    "codecarbon": ("codecarbon",),
    "zeus": ("zeus.monitor",),
}


def creation(folder: Path, meter: str) -> Figures:
    """Seconds to create a meter and to have its first window, of next to no length.

    `making_seconds` leaves out what an approach and a reading wait for, and the imports.
    """
    began = time.monotonic()
    for package in PACKAGES_OF[meter.split()[0]]:
        importlib.import_module(package)
    imported = time.monotonic()
    subject = subjects.create(meter, folder)
    subject.start()
    started = time.monotonic()
    subject.prepare()
    prepared = time.monotonic()
    subject.open()
    subject.close()
    closed = time.monotonic()
    subject.joules()
    read = time.monotonic()
    subject.stop()
    waiting = (prepared - started) + (read - closed) if meter == subjects.OURS else 0.0
    return {
        "import_seconds": imported - began,
        "making_seconds": read - imported - waiting,
        "waiting_seconds": waiting,
    }


def window_cpu(folder: Path, meter: str, windows: str) -> Figures:
    """CPU time of this process, all threads: of open and close, and of what is around them."""
    subject = subjects.create(meter, folder)
    subject.start()
    edges, around = [], []
    for _ in range(int(windows)):
        before = time.process_time()
        subject.prepare()
        prepared = time.process_time()
        subject.open()
        opened = time.process_time()
        time.sleep(WINDOW_SECONDS)
        closing = time.process_time()
        subject.close()
        closed = time.process_time()
        subject.joules()
        around.append(prepared - before + time.process_time() - closed)
        edges.append(opened - prepared + closed - closing)
    subject.stop()
    return {
        "edges_median_ms": 1000 * statistics.median(edges),
        "edges_largest_ms": 1000 * max(edges),
        "around_median_ms": 1000 * statistics.median(around),
    }


def sampler_cpu(folder: Path, seconds: str) -> Figures:
    """Share of a core that the sampling takes, in its own process and in this one."""
    sampler = power_sampler.PowerSampler((uuid(0),), folder / TRACE_FILE)
    sampler.start()
    time.sleep(SETTLE_SECONDS)
    processes = list(_descendants(os.getpid()))
    beside_before = sum(map(_cpu_seconds, processes))
    began, here_before = time.monotonic(), time.process_time()
    time.sleep(float(seconds))
    here, lasted = time.process_time() - here_before, time.monotonic() - began
    beside = sum(map(_cpu_seconds, processes)) - beside_before
    sampler.stop()
    return {"beside_percent": 100 * beside / lasted, "here_percent": 100 * here / lasted}


def throughput(folder: Path, pairs: str) -> Figures:
    """A busy loop with the sampling and with it halted, in turns: median of the pairs' ratios.

    Turns are short, so that what else the machine does is the same for both of a pair.
    `standard_error_percent` is that of the median, from the middle half of the ratios.
    """
    steps_per_second = _busy_loop()
    sampler = power_sampler.PowerSampler((uuid(0),), folder / TRACE_FILE)
    sampler.start()
    processes = list(_descendants(os.getpid()))
    ratios, bare = [], []
    try:
        for number in range(int(pairs)):
            speeds = {}
            for sampled in (True, False) if number % 2 else (False, True):
                for process in processes:
                    os.kill(process, signal.SIGCONT if sampled else signal.SIGSTOP)
                speeds[sampled] = steps_per_second()
            ratios.append(speeds[True] / speeds[False])
            bare.append(speeds[False])
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
        sampler.stop()
    low, _, high = statistics.quantiles(ratios, n=4)
    return {
        "change_percent": 100 * (statistics.median(ratios) - 1),
        "standard_error_percent": 100 * 0.93 * (high - low) / len(ratios) ** 0.5,
        "steps_per_second": statistics.median(bare),
    }


def _busy_loop() -> Callable[[], float]:
    """Works for BLOCK_SECONDS on one core as a model would, and answers steps per second."""
    import torch

    torch.set_num_threads(1)
    matrix = torch.rand(MATRIX_SIZE, MATRIX_SIZE) / MATRIX_SIZE

    def steps_per_second() -> float:
        state, steps, began = matrix, 0, time.perf_counter()
        while (lasted := time.perf_counter() - began) < BLOCK_SECONDS:
            for _ in range(20):
                state = torch.nn.functional.gelu(matrix @ state)
            steps += 20
        return steps / lasted

    steps_per_second()
    return steps_per_second


def _cpu_seconds(pid: int) -> float:
    """Of all threads, to the nanosecond where the kernel counts so finely."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / NANOSECONDS
    return total


def _descendants(parent: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent:
            pid = int(path.parent.name)
            yield pid
            yield from _descendants(pid)


KINDS: Mapping[str, Callable[..., Figures]] = {
    "creation": creation,
    "window_cpu": window_cpu,
    "sampler_cpu": sampler_cpu,
    "throughput": throughput,
}


def main(arguments: list[str]) -> int:
    kind, folder, result, *rest = arguments
    given: Any = KINDS[kind](Path(folder), *rest)
    Path(result).write_text(json.dumps(given))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
