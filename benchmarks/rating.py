"""What it takes to rate a large table of results.

    python benchmarks/rating.py [--rows 100000] [--times 5]

The table is made up, with lines as long as those of real runs (1.5 kB): every column filled, three
classes, with and without reasoning, and intervals. Reading and rating are measured within a fresh
process each, and whole commands beside them. Medians of CPU time, which other work on the machine
changes little, and of the most memory; ends with exit code 1 where reading and rating together
take longer than 2 s or more than 500 MB.
"""

import argparse
import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from orchestrator.master_columns import COLUMNS  # noqa: E402

LARGEST_SECONDS = 2.0
LARGEST_MEGABYTES = 500
FIGURE = "0.38888888889"
HASH = "87bda3dbb6fc30711355d8e8b5eaf57ec6b601b5df43ddc4a12e9d4e27f09961"
FILLED = {
    "task": "text_gen",
    "verdict": "valid",
    "official": "yes",
    "rehearsal": "no",
    "error_message": "",
    "timestamp": "2026-11-27T09:37:25.747305+00:00",
    "successful_prompts": "1000",
    "total_completion_tokens": "147123",
    "gpu_name": "NVIDIA H100 80GB HBM3",
    "gpu_count": "1",
    "gpu_uuids_sha256": HASH,
    "template_sha256": HASH,
    "spec_hash": HASH,
    "imported_from": "",
}
TIMED = """
import sys, time
from pathlib import Path
from scoring.ratings import rate
from scoring.results_table import read_rows
begin = time.process_time()
rows = read_rows(Path(sys.argv[1]))
middle = time.process_time()
ratings = rate(rows)
print(middle - begin, time.process_time() - middle, sum(len(one.rows) for one in ratings.groups))
"""
COMMANDS = (("stars", "--json"), ("stars",), ("classes",), ("footprint", "--json"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "master_results.csv"
        write_table(table, options.rows)
        print(f"{options.rows:,} rows of {table.stat().st_size / options.rows:.0f} B")
        found = [rated(table, options.rows) for _ in range(options.times)]
        together = statistics.median(reading + rating for reading, rating, _ in found)
        reading, rating, most = map(statistics.median, zip(*found, strict=True))
        print(f"read in {reading:.2f} s, rated in {rating:.2f} s,")
        print(f"together {together:.2f} s (bound {LARGEST_SECONDS:g} s)", end=" ")
        print(f"and {most:.0f} MB (bound {LARGEST_MEGABYTES} MB)")
        for name, *flags in COMMANDS:
            _, seconds, megabytes = spent("-m", "scoring", name, str(table), *flags)
            print(f"{' '.join((name, *flags))}: {seconds:.2f} s, {megabytes:.0f} MB")
    return 0 if together <= LARGEST_SECONDS and most <= LARGEST_MEGABYTES else 1


def write_table(path: Path, rows: int) -> None:
    chance = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS), restval=FIGURE)
        writer.writeheader()
        for number in range(rows):
            reasons, wh = number % 2 == 1, chance.lognormvariate(3, 1.5)
            writer.writerow(
                FILLED
                | {
                    "model_name": f"organisation/model-{number}",
                    "run_id": f"organisation_model-{number}_{'On' if reasons else 'Off'}",
                    "model_class": "ABC"[number % 3],
                    "reasoning_requested": "On" if reasons else "Off",
                    "reasoning_effective": "on" if reasons else "off",
                    "wh_per_1000_queries": repr(wh),
                    "gpu_energy_wh": repr(wh),
                    "gpu_energy_ci95_wh": repr(wh * 0.004),
                }
            )


def rated(table: Path, rows: int) -> tuple[float, float, float]:
    """CPU seconds of reading and of rating, and the most memory in MB."""
    output, _, megabytes = spent("-c", TIMED, str(table))
    reading, rating, found = output.split()
    if int(found) != rows:
        raise SystemExit(f"{found} of {rows} rows were rated")
    return float(reading), float(rating), megabytes


def spent(*arguments: str) -> tuple[str, float, float]:
    """What Python says, its CPU seconds and the most memory it had in MB."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)[:200]}: exit code {process.returncode}")
        output.seek(0)
        # The first bytes are enough: a whole document would be ours to hold.
        return output.read(1000), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
