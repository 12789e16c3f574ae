"""Measures the costs, each in a process of its own, and holds them against their bounds."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.meter_rig import subjects
from benchmarks.meter_rig.bounds import Bound
from tests.support import simulated_driver

Costs = dict[str, dict[str, float]]
"""Figures by what was measured, such as `creation ours`."""

CODECARBON_MODES = ("codecarbon start/stop", "codecarbon task")
CREATIONS = 5
WINDOWS = 40
SAMPLED_SECONDS = 20
THROUGHPUT_PAIRS = 160

LARGEST_EDGES_MS = 2.0
SHARE_OF_CODECARBON = 0.1
LARGEST_SAMPLER_PERCENT = 1.0
LARGEST_SLOWDOWN_PERCENT = 1.0


def measure(place: Path, driver: Path, say: Callable[[str], None]) -> Costs:
    """All costs of the meters that are installed. Takes about three minutes."""
    meters = (subjects.OURS, *subjects.installed_peers())
    costs: Costs = {}
    say("costs: about 3 minutes")
    for meter in meters:
        rounds = [measure_one(place, driver, "creation", meter) for _ in range(CREATIONS)]
        costs[f"creation {meter}"] = {
            name: statistics.median(one[name] for one in rounds) for name in rounds[0]
        }
        costs[f"window_cpu {meter}"] = measure_one(place, driver, "window_cpu", meter, str(WINDOWS))
    costs["sampler_cpu"] = measure_one(place, driver, "sampler_cpu", str(SAMPLED_SECONDS))
    costs["throughput"] = measure_one(place, driver, "throughput", str(THROUGHPUT_PAIRS))
    return costs


def measure_one(place: Path, driver: Path, kind: str, *arguments: str) -> dict[str, float]:
    """The figures of one kind of `costs`."""
    folder = place / "costs"
    folder.mkdir(parents=True, exist_ok=True)
    result = folder / "result.json"
    environment = simulated_driver.environment(driver, watts=350)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.meter_rig.costs"),
            *(kind, str(folder), str(result), *arguments),
        ],
        env=subjects.environment(folder, environment),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{kind} of {arguments} cannot be measured:\n{done.stderr[-4000:]}")
    figures: dict[str, float] = json.loads(result.read_text())
    return figures


def bounds(costs: Mapping[str, Mapping[str, float]]) -> list[Bound]:
    codecarbon = [
        costs[f"creation {mode}"]["making_seconds"]
        for mode in CODECARBON_MODES
        if f"creation {mode}" in costs
    ]
    return [
        Bound(
            "ours: CPU of opening plus closing a window, median",
            costs[f"window_cpu {subjects.OURS}"]["edges_median_ms"],
            LARGEST_EDGES_MS,
            "ms",
        ),
        Bound(
            "ours: creating the meter and its first window, a tenth of CodeCarbon's time",
            costs[f"creation {subjects.OURS}"]["making_seconds"],
            SHARE_OF_CODECARBON * min(codecarbon) if codecarbon else None,
            "s",
        ),
        Bound(
            "sampling beside the model: share of a core",
            sum(costs["sampler_cpu"].values()),
            LARGEST_SAMPLER_PERCENT,
        ),
        Bound(
            "sampling beside the model: what it takes of the throughput of a busy loop",
            abs(costs["throughput"]["change_percent"]),
            LARGEST_SLOWDOWN_PERCENT,
        ),
    ]


def table(costs: Mapping[str, Mapping[str, float]]) -> str:
    """Markdown: every figure that was measured, with its unit in its name."""
    lines = ["| cost | figure | value |", "| --- | --- | --- |"]
    for what, figures in costs.items():
        lines += [f"| {what} | {name} | {value:.4g} |" for name, value in figures.items()]
    return "\n".join(lines)
