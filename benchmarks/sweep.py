"""How well a sweep fills eight GPUs, and what it adds to each run.

    python benchmarks/sweep.py [--image ai_energy_score] [--rows 60] [--seconds 5]

The 60 rows of models.csv on eight made-up GPUs, some of them over several, in processes of their
own that sleep for unequal times drawn from a fixed seed. What the whole command takes is compared
with what no order can beat: the longest run, or all GPU-seconds over eight, by the runs' own times
as outcome.json has them; so what a run costs the processors while it starts is the run's, and
waiting between two runs, or at the end, is ours. Beside that the command may take as long as it
takes around a single run that sleeps not at all, measured in the same call. Where an engine has the
image, time per run is compared with a bare `docker run`. Exit code 1 when a bound is not kept.

Eight interpreters that start at once cost two processors more than they have: on a busy machine the
starts, and with them the lower bound, grow; the sleeps are long enough that they stay small.
"""

import argparse
import csv
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bare_container import (  # noqa: E402
    LARGEST_EXTRA_SECONDS,
    LARGEST_RATIO,
    Comparison,
    can_compare,
    compare,
    seconds_of,
)
from benchmarks.finished_rows import HEADER  # noqa: E402
from orchestrator.run_directory import RunDirectory  # noqa: E402
from orchestrator.run_folder import RunFolder  # noqa: E402

GPUS = 8
SEED = 7
PROMPTS, REPETITIONS = 4, 1
SHORTEST_SHARE, LONGEST_SHARE = 0.3, 2.5
"""Of the middle length: what the runs sleep, evenly on a logarithmic scale."""
LARGEST_SHARE = 1.05
EMPTY_ROUNDS = 3
ORIGINAL_EXTRA_SECONDS, ORIGINAL_SHARE = 3.54, 13.4
"""Measured on the predecessor with the same stub: beside each run, and over the lower bound."""


@dataclass(frozen=True)
class Spent:
    """One run, by its own files: seconds since the sweep's first run began, and its GPUs."""

    begin: float
    end: float
    gpus: int

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Filled:
    """A whole sweep. `slept_seconds` is what its runs were told to sleep, over all their GPUs."""

    command_seconds: float
    runs: Sequence[Spent]
    launch_seconds: float

    @property
    def longest_seconds(self) -> float:
        return max(run.seconds for run in self.runs)

    @property
    def gpu_seconds(self) -> float:
        return sum(run.seconds * run.gpus for run in self.runs)

    @property
    def lower_bound(self) -> float:
        return max(self.longest_seconds, self.gpu_seconds / GPUS)

    @property
    def makespan(self) -> float:
        """From the first start to the last end."""
        return max(run.end for run in self.runs)

    @property
    def bound_seconds(self) -> float:
        return LARGEST_SHARE * self.lower_bound + self.launch_seconds

    @property
    def is_kept(self) -> bool:
        return self.command_seconds <= self.bound_seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--image", default="ai_energy_score")
    parser.add_argument("--rows", type=int, default=60, help="of models.csv")
    parser.add_argument("--seconds", type=float, default=5.0, help="middle length of a run")
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison with docker run")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        filled = fill(place, options.rows, options.seconds)
        compared = None
        if can_compare(options.image):
            compared = compare(place, options.image, options.rounds, runs=5)
    _show(filled, compared)
    return 0 if filled.is_kept and (compared is None or compared.is_kept) else 1


def fill(place: Path, rows: int, seconds: float) -> Filled:
    """The sweep over the first rows of the catalog, and what is launched with nothing in it."""
    launches = [_launch_seconds(place / f"empty{number}") for number in range(EMPTY_ROUNDS)]
    folder = place / "filled"
    folder.mkdir()
    with (ROOT / "models.csv").open(encoding="utf-8", newline="") as stream:
        catalog = list(csv.reader(stream))[: 1 + rows]
    with (folder / "models.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(catalog)
    lengths = _lengths(folder, seconds)
    (folder / "simulation.yaml").write_text(yaml.safe_dump({"runs": lengths}))
    command_seconds = seconds_of(_command(folder))
    runs = _spent(folder)
    if len(runs) != rows:
        raise SystemExit(f"{len(runs)} of {rows} runs have finished")
    return Filled(command_seconds, runs, statistics.median(launches))


def _launch_seconds(folder: Path) -> float:
    """What the command takes around one run: its own start, plan, and end."""
    folder.mkdir()
    (folder / "models.csv").write_text(f"{HEADER}sim/empty,1,A,text_gen,Off,\n")
    (folder / "simulation.yaml").write_text("default: {seconds_per_sample: 0.0}\n")
    whole = seconds_of(_command(folder))
    (run,) = _spent(folder)
    return whole - run.seconds


def _command(folder: Path) -> list[str]:
    return [
        *(sys.executable, str(ROOT / "batch_runner.py"), "--csv", str(folder / "models.csv")),
        *("--engine", "process", "--backend", "simulated", "--gpus", f"simulated:{GPUS}"),
        *("--parallel", "auto", "--simulation", str(folder / "simulation.yaml")),
        *("--num-prompts", str(PROMPTS), "--repetitions", str(REPETITIONS)),
        *("--output-dir", str(folder / "results")),
    ]


def _lengths(folder: Path, middle_seconds: float) -> dict[str, dict[str, float]]:
    """What each run of the catalog is to sleep, half of it while it loads."""
    import batch_runner
    from benchmark_core.contract import Simulation
    from benchmark_core.simulated_time import run_seconds
    from benchmark_core.tasks import registry as tasks
    from model_config_parser import ModelConfigParser
    from orchestrator.run_planner import REFERENCE_GPUS, make_plan
    from orchestrator.settings_sources import from_arguments
    from orchestrator.simulation_file import Simulations

    configs = ModelConfigParser(folder / "models.csv").parse()
    (folder / "simulation.yaml").write_text("")
    flags = batch_runner.build_parser().parse_args(_command(folder)[2:])
    plan = make_plan(configs, from_arguments(flags, {}), REFERENCE_GPUS, None, Simulations())
    one_second = Simulation(load_seconds=0.0, seconds_per_sample=1.0)
    draw = random.Random(SEED)
    found = {}
    for run in plan.runs:
        spec, kind = run.spec, tasks.get(run.spec.task).kinds[0]
        share = SHORTEST_SHARE * (LONGEST_SHARE / SHORTEST_SHARE) ** draw.random()
        samples = run_seconds(one_second, kind, spec.limits, spec.steps, PROMPTS, REPETITIONS)
        found[run.run_id] = {
            "load_seconds": round(middle_seconds * share / 2, 3),
            "seconds_per_sample": round(middle_seconds * share / 2 / samples, 6),
        }
    return found


def _spent(folder: Path) -> list[Spent]:
    found = [_times(one) for one in RunDirectory(folder / "results").folders()]
    first = min(begin for begin, _, _ in found)
    return [
        Spent((begin - first).total_seconds(), (end - first).total_seconds(), gpus)
        for begin, end, gpus in found
    ]


def _times(folder: RunFolder) -> tuple[datetime, datetime, int]:
    outcome, launch = folder.outcome(), folder.launch()
    if not (outcome and outcome.started_at and outcome.outcome == "finished" and launch):
        raise SystemExit(f"{folder.run_id} has not finished")
    begin, end = (datetime.fromisoformat(one) for one in (outcome.started_at, outcome.finished_at))
    return begin, end, len(launch.gpu_uuids)


def _show(filled: Filled, compared: Comparison | None) -> None:
    wide = sum(run.gpus > 1 for run in filled.runs)
    over = filled.command_seconds / filled.lower_bound
    print(f"{len(filled.runs)} runs on {GPUS} simulated GPUs, {wide} of them over several")
    print(f"  GPU-seconds / {GPUS}      {filled.gpu_seconds / GPUS:8.2f} s")
    print(f"  longest run          {filled.longest_seconds:8.2f} s")
    print(f"  first start to last end {filled.makespan:5.2f} s")
    print(f"  the whole command    {filled.command_seconds:8.2f} s")
    print(f"  launch time          {filled.launch_seconds:8.2f} s   (around one empty run)")
    if compared:
        print("\ntime per run through the Docker engine")
        print(compared)
    print(f"\n{'':26}{'ours':>10}{'bound':>28}{'original':>12}")
    print(
        f"{'sweep over lower bound':26}{f'{over:.3f}x':>10}"
        f"{f'1.05x + launch = {filled.bound_seconds / filled.lower_bound:.3f}x':>28}"
        f"{f'{ORIGINAL_SHARE}x':>12}   {'kept' if filled.is_kept else 'NOT KEPT'}"
    )
    if compared:
        bound = f"{LARGEST_RATIO:.2f}x + {LARGEST_EXTRA_SECONDS} s"
        allowed = f"{bound} = {compared.bound_seconds - compared.bare_seconds:+.2f} s"
        print(
            f"{'beside each run':26}{f'{compared.extra_seconds:+.2f} s':>10}{allowed:>28}"
            f"{f'{ORIGINAL_EXTRA_SECONDS:+} s':>12}   {'kept' if compared.is_kept else 'NOT KEPT'}"
        )
    print("The original's figures were measured on the predecessor with the same stub.")


if __name__ == "__main__":
    sys.exit(main())
