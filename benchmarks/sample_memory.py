"""Whether the memory of a run grows with the number of its samples: its peak at 1,000 and 10,000.

    python benchmarks/sample_memory.py [--few 1000] [--many 10000] [--task text_classification]

Needs requirements.txt and requirements-dev.txt. Each run is a measured run of a tiny model on the
CPU in a process of its own; its peak is that process's VmHWM, which no child inherits as it does
`ru_maxrss`. The samples are made on the spot. Takes a quarter of an hour, most of it for the texts
that are generated. Exit code 1 when a bound is not kept, or a run fails.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.loop_rig.job import read_job  # noqa: E402
from benchmarks.loop_rig.rounds import environment  # noqa: E402
from benchmarks.loop_rig.subjects import make_job, subject_named  # noqa: E402
from benchmarks.meter_rig.bounds import Bound  # noqa: E402

TASKS = ("text_classification", "image_classification", "text_generation")
LARGEST_GROWTH_MEGABYTES = 50.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if options.measure:
        return _measure_here(options.measure, options.many)
    bounds = []
    print(f"{'task':24}{'samples':>9}{'peak':>12}", flush=True)
    for task in options.task or TASKS:
        few, many = (_peak_megabytes(task, count) for count in (options.few, options.many))
        growth = None if few is None or many is None else many - few
        what = f"{task}: the peak grows from {options.few} to {options.many} samples by"
        bounds.append(Bound(what, growth, LARGEST_GROWTH_MEGABYTES, "MB"))
    for bound in bounds:
        print(bound)
    return 0 if all(bound.kept for bound in bounds) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--few", type=int, default=1000, help="samples (%(default)s)")
    parser.add_argument("--many", type=int, default=10_000, help="samples (%(default)s)")
    parser.add_argument("--task", action="append", choices=TASKS, help="only this one")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _peak_megabytes(task: str, count: int) -> float | None:
    """Of a run over so many samples; None where it failed, with its last words on the screen."""
    with tempfile.TemporaryDirectory(prefix="sample-memory-") as folder:
        place = Path(folder)
        make_job(subject_named(f"{task} tiny"), place, count).write(place / "job.json")
        flags = ["--measure", str(place / "job.json"), "--many", str(count)]
        done = subprocess.run(
            [sys.executable, __file__, *flags],
            capture_output=True,
            text=True,
            check=False,
            env=environment(place),
        )
    if done.returncode:
        print(f"{task:24}{count:9}  failed:\n{done.stderr[-2000:]}", flush=True)
        return None
    peak: float = json.loads(done.stdout.splitlines()[-1])
    print(f"{task:24}{count:9}{peak:9.1f} MB", flush=True)
    return peak


def _measure_here(job: Path, count: int) -> int:
    from benchmarks.loop_rig import ours

    ours.run_job(read_job(job), count)
    print(json.dumps(own_peak_megabytes()))
    return 0


def own_peak_megabytes() -> float:
    """The most memory that this process has had at a time."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("this system tells no VmHWM in /proc/self/status")
    return int(found[1]) / 1024


if __name__ == "__main__":
    # Read when the libraries are imported, which is only when a model is made.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    sys.exit(main())
