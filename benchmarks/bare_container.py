"""Time per run of a sweep through the Docker engine, beside a plain `docker run` of the same."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.finished_rows import HEADER

ROOT = Path(__file__).resolve().parents[1]
LARGEST_RATIO, LARGEST_EXTRA_SECONDS = 1.10, 0.3


@dataclass(frozen=True)
class Comparison:
    """Seconds per run, one figure for each round."""

    bare: Sequence[float]
    ours: Sequence[float]

    @property
    def bare_seconds(self) -> float:
        return statistics.median(self.bare)

    @property
    def our_seconds(self) -> float:
        return statistics.median(self.ours)

    @property
    def extra_seconds(self) -> float:
        return self.our_seconds - self.bare_seconds

    @property
    def bound_seconds(self) -> float:
        return LARGEST_RATIO * self.bare_seconds + LARGEST_EXTRA_SECONDS

    @property
    def is_kept(self) -> bool:
        return self.our_seconds <= self.bound_seconds

    def __str__(self) -> str:
        return (
            f"  bare docker run       {self.bare_seconds:7.3f} s   ({_all(self.bare)})\n"
            f"  this batch runner     {self.our_seconds:7.3f} s   ({_all(self.ours)})\n"
            f"  ratio {self.our_seconds / self.bare_seconds:.2f}, extra {self.extra_seconds:+.3f}"
            f" s; bound 1.10x + 0.3 s = {self.bound_seconds:.3f} s:"
            f" {'kept' if self.is_kept else 'NOT KEPT'}"
        )


def can_compare(image: str) -> bool:
    """Whether an engine answers that has the image; if not, that is printed."""
    inspect = ["docker", "image", "inspect", image]
    if shutil.which("docker") and not subprocess.run(inspect, capture_output=True).returncode:
        return True
    print(f"no container engine answers that has {image}: time per run was not measured")
    return False


def compare(place: Path, image: str, rounds: int, runs: int) -> Comparison:
    """Both sides in turns; each sweep has so many runs."""
    bare, ours = [], []
    for number in range(rounds):
        sweep_dir = place / f"sweep{number}"
        ours.append(_sweep_seconds(place, sweep_dir, image, runs) / runs)
        bare.append(_bare_seconds(place, sweep_dir, image))
    return Comparison(bare, ours)


def _sweep_seconds(place: Path, output_dir: Path, image: str, runs: int) -> float:
    catalog, simulation = place / "models.csv", place / "simulation.yaml"
    catalog.write_text(HEADER + "".join(f"sim/m{n},1,A,text_gen,Off,\n" for n in range(runs)))
    simulation.write_text("default: {seconds_per_sample: 0.0}\n")
    flags = [
        *("--csv", str(catalog), "--image", image, "--engine", "docker"),
        *("--backend", "simulated", "--simulation", str(simulation)),
        *("--num-prompts", "5", "--repetitions", "2", "--output-dir", str(output_dir)),
    ]
    return seconds_of([sys.executable, str(ROOT / "batch_runner.py"), *flags])


def _bare_seconds(place: Path, sweep_dir: Path, image: str) -> float:
    """One plain `docker run` on a copy of a run folder the sweep has just measured."""
    folder = place / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = sweep_dir / "individual_runs" / "sim_m0_Off"
    for name in ("run_spec.json", "launch.json"):
        shutil.copy(source / name, folder / name)
    flags = [
        *("--rm", "--user", f"{os.getuid()}:{os.getgid()}", "--network", "none"),
        *("--shm-size", "1g", "-v", f"{folder}:/results"),
    ]
    return seconds_of(["docker", "run", *flags, image, "run", "/results"])


def seconds_of(command: Sequence[str]) -> float:
    """From its start to its end; SystemExit with its last words where it fails."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began


def _all(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
