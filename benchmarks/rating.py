"""How long it takes to rate a large table of results.

    python benchmarks/rating.py [--rows 100000] [--times 5]

The table is made up: every column filled, three classes, with and without reasoning, and intervals.
Reading and rating are timed within a fresh process each, and the whole command beside them.
Medians; ends with exit code 1 where reading and rating together take longer than 2 s.
"""

import argparse
import csv
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from orchestrator.master_columns import COLUMNS  # noqa: E402

LARGEST_SECONDS = 2.0
FILLED = {
    "task": "text_gen",
    "verdict": "valid",
    "official": "yes",
    "rehearsal": "no",
    "error_message": "",
    "successful_prompts": "1000",
    "gpu_energy_ci95_wh": "0.004",
}
TIMED = """
import sys, time
from pathlib import Path
from scoring.ratings import rate
from scoring.results_table import read_rows
begin = time.perf_counter()
rows = read_rows(Path(sys.argv[1]))
middle = time.perf_counter()
ratings = rate(rows)
print(middle - begin, time.perf_counter() - middle, sum(len(one.rows) for one in ratings.groups))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "master_results.csv"
        write_table(table, options.rows)
        found = [timed(table, options.rows) for _ in range(options.times)]
        whole = [command_seconds(table) for _ in range(options.times)]
    reading, rating = (statistics.median(one) for one in zip(*found, strict=True))
    together = statistics.median(map(sum, found))
    print(f"{options.rows:,} rows: read in {reading:.2f} s, rated in {rating:.2f} s,")
    print(f"together {together:.2f} s (bound {LARGEST_SECONDS:g} s);")
    print(f"the command with every row as JSON {statistics.median(whole):.2f} s")
    return 0 if together <= LARGEST_SECONDS else 1


def write_table(path: Path, rows: int) -> None:
    chance = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS), restval="0.12345")
        writer.writeheader()
        for number in range(rows):
            reasons = number % 2 == 1
            energy = repr(chance.lognormvariate(3, 1.5))
            writer.writerow(
                FILLED
                | {
                    "model_name": f"organisation/model-{number}",
                    "model_class": "ABC"[number % 3],
                    "reasoning_requested": "On" if reasons else "Off",
                    "reasoning_effective": "on" if reasons else "off",
                    "wh_per_1000_queries": energy,
                    "gpu_energy_wh": energy,
                }
            )


def timed(table: Path, rows: int) -> tuple[float, float]:
    """Seconds of reading and of rating."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(table)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    reading, rating, rated = done.stdout.split()
    if int(rated) != rows:
        raise SystemExit(f"{rated} of {rows} rows were rated")
    return float(reading), float(rating)


def command_seconds(table: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "scoring", "stars", str(table), "--json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
