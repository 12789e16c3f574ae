"""What it costs to look at a large output directory: seconds and memory.

    python benchmarks/status.py [--rows 10000]

In a pipe, as JSON, on a terminal, and following a sweep: its first look, and each one after that,
with half of its runs still to come. Medians of three. Exit code 1 when a bound is not kept.

The bounds are on the time that a user waits, so a busy machine breaks them; the CPU seconds beside
it, and the load, tell that apart from a program that has become slow.
"""

import argparse
import json
import os
import pty
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.finished_rows import write_rows  # noqa: E402

LARGEST_SECONDS, LARGEST_MEGABYTES, LARGEST_LOOK_SECONDS = 3.0, 300.0, 0.25
ROUNDS = 3
LOOKS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--measure", choices=("pipe", "json", "terminal"), help=argparse.SUPPRESS)
    parser.add_argument("--watch", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return _measure(options.measure, options.place)
    if options.watch:
        return _measure_watch(options.place, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "rows"
        write_rows(place, options.rows)
        return 0 if _compare(place / "results", options.rows) else 1


def _compare(place: Path, rows: int) -> bool:
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load {load:.1f} on {cores} cores; {rows} finished runs")
    print(f"{'':25} seconds     CPU   MB")
    kept = []
    for way in ("pipe", "json", "terminal"):
        found = _median(["--measure", way, "--place", str(place)])
        seconds, cpu, megabytes = found["seconds"], found["cpu"], found["megabytes"]
        print(f"  status, {way:16} {seconds:7.2f} {cpu:7.2f} {megabytes:4.0f}")
        kept += [seconds < LARGEST_SECONDS, megabytes < LARGEST_MEGABYTES]
    found = _median(["--watch", "--rows", str(rows), "--place", str(place)])
    for name in ("first look", "later look", "picture"):
        print(f"  watch, {name:17} {found[name]:7.4f} {'':7} {found['megabytes']:4.0f}")
    kept += [found["later look"] < LARGEST_LOOK_SECONDS, found["megabytes"] < LARGEST_MEGABYTES]
    print(f"bounds: status 3 s, a later look 0.25 s, 300 MB: {'kept' if all(kept) else 'NOT KEPT'}")
    return all(kept)


def _median(flags: list[str]) -> dict[str, float]:
    rounds = []
    for _ in range(ROUNDS):
        command = [sys.executable, __file__, *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rounds.append(json.loads(done.stdout))
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def _measure(way: str, place: Path) -> int:
    """The command as a user starts it, from its start to its end."""
    command = [sys.executable, "-m", "orchestrator", "status", str(place)]
    command += ["--json"] if way == "json" else []
    began = time.monotonic()
    if way == "terminal":
        _on_terminal(command)
    else:
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": peak}))
    return 0


def _on_terminal(command: list[str]) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, stdout=follower)
    os.close(follower)
    try:
        while os.read(leader, 65536):
            pass
    except OSError:
        pass  # so the system says that the last writer has closed a terminal
    if process.wait():
        raise SystemExit("status failed")


def _measure_watch(place: Path, rows: int) -> int:
    """A sweep of twice as many runs, of which the second half has not begun."""
    from orchestrator.run_directory import RunDirectory
    from orchestrator.sweep_record import ExpectedRun, SweepRecord
    from orchestrator.sweep_watch import SweepWatch

    record = SweepRecord(
        host="here",
        process=1,
        started_at=datetime.fromtimestamp(0, UTC).isoformat(),
        engine="docker",
        parallel=8,
        runs=tuple(ExpectedRun(run_id=f"sim_m{n}_Off", gpu_count=1) for n in range(2 * rows)),
    )
    watch = SweepWatch(RunDirectory(place), record)
    looks = [_seconds(watch.look) for _ in range(1 + LOOKS)]
    picture = watch.picture()
    if (picture.finished, picture.queued) != (rows, rows):
        raise SystemExit(f"the folders were not understood: {picture}")
    figures = {
        "first look": looks[0],
        "later look": statistics.median(looks[1:]),
        "picture": _seconds(watch.picture),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(figures))
    return 0


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
