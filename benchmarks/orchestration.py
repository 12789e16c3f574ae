"""What orchestration costs: time per run over a bare container, and time and memory per row.

    python benchmarks/orchestration.py [--image ai_energy_score] [--rounds 5] [--rows 10000]

Both sides of a ratio are measured in turns within this one call; medians are compared, because a
single time on a busy machine says nothing. Exit code 1 when a bound is not kept.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bare_container import can_compare, compare  # noqa: E402
from benchmarks.finished_rows import plan_of, write_rows  # noqa: E402

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
        if can_compare(options.image):
            print(f"\ntime per run, medians of {options.rounds} rounds in turns,", end=" ")
            print(f"{options.runs} runs per sweep")
            compared = compare(place, options.image, options.rounds, options.runs)
            print(compared)
            kept.append(compared.is_kept)
    return 0 if all(kept) else 1


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

    from orchestrator.master_table import MasterTable
    from orchestrator.run_directory import RunDirectory

    began = time.monotonic()
    plan = plan_of(folder)
    hashes = {run.spec_hash for run in plan.runs}
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


def _kept(good: bool) -> str:
    return "kept" if good else "NOT KEPT"


if __name__ == "__main__":
    sys.exit(main())
