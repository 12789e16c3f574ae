"""What orchestration costs: time per run over a bare container, and time and memory per row.

    python benchmarks/orchestration.py [--image ai_energy_score] [--rounds 5] [--rows 10000]

Both sides of a ratio are measured in turns within this one call; medians are compared, because a
single time on a busy machine says nothing. Exit code 1 when a bound is not kept.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.finished_rows import HEADER, write_rows  # noqa: E402

LARGEST_RATIO, LARGEST_EXTRA_SECONDS = 1.10, 0.3
LARGEST_SECONDS, LARGEST_MEGABYTES = 5.0, 300.0
ROUNDS_PER_SIZE = 3
LARGEST_GROWTH = 1.6
"""Time per row at the full size over time per row at a quarter of it; 1 is linear, 4 quadratic."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--image", default="ai_energy_score")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5, help="runs per sweep")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--measure-rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_rows:
        return _measure_rows(options.measure_rows)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        kept = [_compare_rows(place, options.rows)]
        if _engine_answers():
            kept.append(_compare_containers(place, options.image, options.rounds, options.runs))
        else:
            print("no container engine answers: time per run was not measured")
    return 0 if all(kept) else 1


# ------------------------------------------------------------------ time per run


def _compare_containers(place: Path, image: str, rounds: int, runs: int) -> bool:
    """Seconds per run: a sweep through the Docker engine beside `docker run` of the same spec."""
    bare, ours = [], []
    for number in range(rounds):
        sweep_dir = place / f"sweep{number}"
        ours.append(_sweep_seconds(place, sweep_dir, image, runs) / runs)
        bare.append(_bare_seconds(place, sweep_dir, image))
    bare_median, ours_median = statistics.median(bare), statistics.median(ours)
    bound = LARGEST_RATIO * bare_median + LARGEST_EXTRA_SECONDS
    print(f"\ntime per run, medians of {rounds} rounds in turns, {runs} runs per sweep")
    print(f"  bare docker run       {bare_median:7.3f} s   ({_all(bare)})")
    print(f"  this batch runner     {ours_median:7.3f} s   ({_all(ours)})")
    print(
        f"  ratio {ours_median / bare_median:.2f}, extra {ours_median - bare_median:+.3f} s;"
        f" bound 1.10x + 0.3 s = {bound:.3f} s: {_kept(ours_median <= bound)}"
    )
    return ours_median <= bound


def _sweep_seconds(place: Path, output_dir: Path, image: str, runs: int) -> float:
    catalog = place / "models.csv"
    catalog.write_text(HEADER + "".join(f"sim/m{n},1,A,text_gen,Off,\n" for n in range(runs)))
    simulation = place / "simulation.yaml"
    simulation.write_text("default: {seconds_per_sample: 0.0}\n")
    command = [
        sys.executable,
        str(ROOT / "batch_runner.py"),
        "--csv",
        str(catalog),
        "--image",
        image,
        "--engine",
        "docker",
        "--backend",
        "simulated",
        "--simulation",
        str(simulation),
        "--num-prompts",
        "5",
        "--repetitions",
        "2",
        "--output-dir",
        str(output_dir),
    ]
    return _seconds(command)


def _bare_seconds(place: Path, sweep_dir: Path, image: str) -> float:
    """One plain `docker run` on a copy of a run folder the sweep has just measured."""
    folder = place / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = sweep_dir / "individual_runs" / "sim_m0_Off"
    for name in ("run_spec.json", "launch.json"):
        shutil.copy(source / name, folder / name)
    user = f"{os.getuid()}:{os.getgid()}"
    return _seconds(
        [
            "docker",
            "run",
            "--rm",
            "--user",
            user,
            "--network",
            "none",
            "--shm-size",
            "1g",
            "-v",
            f"{folder}:/results",
            image,
            "run",
            "/results",
        ]
    )


def _seconds(command: list[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return time.monotonic() - began


def _engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


# ------------------------------------------------------------------ time and memory per row


def _compare_rows(place: Path, rows: int) -> bool:
    """Planning and aggregating at a quarter of the rows, at half and at all, each on its own."""
    print(f"{'rows':>7} {'parse + plan':>13} {'aggregate':>10} {'together':>9} {'peak memory':>12}")
    found = []
    for share in (4, 2, 1):
        folder = place / f"rows{share}"
        write_rows(folder, rows // share)
        # A sweep's folders have long reached the disk; writing these out is not what is timed.
        os.sync()
        result = _median_of_rounds(folder)
        found.append(result)
        together = result["plan_seconds"] + result["aggregate_seconds"]
        print(
            f"{rows // share:7} {result['plan_seconds']:11.2f} s"
            f" {result['aggregate_seconds']:8.2f} s {together:7.2f} s"
            f" {result['peak_megabytes']:9.0f} MB"
        )
    per_row = [
        (one["plan_seconds"] + one["aggregate_seconds"]) / (rows // share)
        for one, share in zip(found, (4, 2, 1), strict=True)
    ]
    growth = per_row[-1] / per_row[0]
    good = bool(
        per_row[-1] * rows < LARGEST_SECONDS
        and found[-1]["peak_megabytes"] < LARGEST_MEGABYTES
        and growth < LARGEST_GROWTH
    )
    print(
        f"bound 5 s, 300 MB; time per row grows {growth:.2f}x from {rows // 4} to {rows} rows"
        f" (1 is linear): {_kept(good)}"
    )
    return good


def _median_of_rounds(folder: Path) -> dict[str, float]:
    """Of ROUNDS_PER_SIZE calls in processes of their own."""
    rounds = []
    for _ in range(ROUNDS_PER_SIZE):
        done = subprocess.run(
            [sys.executable, __file__, "--measure-rows", str(folder)],
            capture_output=True,
            text=True,
            check=True,
        )
        rounds.append(json.loads(done.stdout))
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def _measure_rows(folder: Path) -> int:
    import resource

    import batch_runner
    from model_config_parser import ModelConfigParser
    from orchestrator.master_table import MasterTable
    from orchestrator.run_directory import RunDirectory
    from orchestrator.run_planner import REFERENCE_GPUS, make_plan
    from orchestrator.settings import from_arguments
    from orchestrator.simulation_file import Simulations

    flags = ["--csv", str(folder / "models.csv"), "--backend", "simulated"]
    settings = from_arguments(batch_runner.build_parser().parse_args(flags), {})
    began = time.monotonic()
    plan = make_plan(
        ModelConfigParser(settings.csv).parse(), settings, REFERENCE_GPUS, None, Simulations()
    )
    hashes = {run.spec.spec_hash() for run in plan.runs}
    planned = time.monotonic()
    table = MasterTable(RunDirectory(folder / "results"))
    problems = table.read_folders()
    table.write()
    aggregated = time.monotonic()
    if problems or len(hashes) != len(plan.runs):
        raise SystemExit(f"the folders were not understood: {list(problems)[:3]}")
    print(
        json.dumps(
            {
                "plan_seconds": planned - began,
                "aggregate_seconds": aggregated - planned,
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
    return 0


def _all(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def _kept(good: bool) -> str:
    return "kept" if good else "NOT KEPT"


if __name__ == "__main__":
    sys.exit(main())
