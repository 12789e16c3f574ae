"""What a large output directory costs: seconds and memory of every command that reads it.

    python benchmarks/many_runs.py [--rows 10000]

Of a directory of finished runs the status, in a pipe, as JSON and on a terminal, the table made
again, and the same batch once more, which finds nothing to do. Then in processes of their own what
is done again and again: looking at a sweep, drawing the live view, choosing the run that starts
next, with that many runs that wait. Medians of three. Exit code 1 when a bound is not kept.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.finished_rows import batch_flags, write_rows  # noqa: E402
from benchmarks.many_waiting import LARGEST_SECONDS, MEASURES  # noqa: E402

LARGEST_MEGABYTES = 300.0
ROUNDS = 3


@dataclass(frozen=True)
class Command:
    """`words` follow the Python; `largest_seconds` is the bound."""

    words: Sequence[str]
    largest_seconds: float
    on_terminal: bool = False


def commands(folder: Path) -> dict[str, Command]:
    orchestrator, results = ("-m", "orchestrator"), str(folder / "results")
    batch = ("batch_runner.py", *batch_flags(folder))
    status = (*orchestrator, "status", results)
    return {
        "status": Command(status, 3.0),
        "status --json": Command((*status, "--json"), 3.0),
        "status, terminal": Command(status, 3.0, on_terminal=True),
        "rebuild": Command((*orchestrator, "rebuild", results), 5.0),
        "resume": Command(batch, 5.0),
        "resume, terminal": Command(batch, 5.0, on_terminal=True),
        "dry run": Command((*batch, "--dry-run"), 5.0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if options.write:
        write_rows(options.folder, options.rows)
        return 0
    if options.command:
        return _show(measure_command(commands(options.folder)[options.command]))
    if options.again:
        return _show(MEASURES[options.again](options.folder / "results", options.rows))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "rows"
        _in_own_process("--write", "--folder", str(folder), "--rows", str(options.rows))
        # A sweep's folders have long reached the disk; writing these out is not what is timed.
        os.sync()
        return 0 if _compare(folder, options.rows, options.rounds) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--command", help=argparse.SUPPRESS)
    parser.add_argument("--again", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _compare(folder: Path, rows: int, rounds: int) -> bool:
    kept = []
    print(f"{f'{rows} finished runs':22} {'seconds':>8} {'CPU s':>7} {'MB':>5}   bound")
    for name, command in commands(folder).items():
        found = _median(rounds, "--command", name, "--folder", str(folder))
        good = found["seconds"] < command.largest_seconds
        kept.append(good and found["megabytes"] < LARGEST_MEGABYTES)
        print(
            f"{name:22} {found['seconds']:8.2f} {found['cpu_seconds']:7.2f}"
            f" {found['megabytes']:5.0f}   {command.largest_seconds:g} s, {LARGEST_MEGABYTES:g} MB:"
            f" {_kept(kept[-1])}"
        )
    print(f"\n{'again and again':22} {'ms':>8} {'':7} {'MB':>5}   bound")
    for name in MEASURES:
        flags = ("--again", name, "--rows", str(rows), "--folder", str(folder))
        found = _median(rounds, *flags)
        for what, largest in LARGEST_SECONDS[name].items():
            good = found[what] < largest and found["megabytes"] < LARGEST_MEGABYTES
            kept.append(good)
            print(
                f"{what:22} {1000 * found[what]:8.2f} {'':7} {found['megabytes']:5.0f}  "
                f" {1000 * largest:g} ms: {_kept(good)}"
            )
    return all(kept)


def _median(rounds: int, *flags: str) -> dict[str, float]:
    found = [json.loads(_in_own_process(*flags)) for _ in range(rounds)]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def _in_own_process(*flags: str) -> str:
    command = [sys.executable, __file__, *flags]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure_command(command: Command) -> dict[str, float]:
    """As a user starts it, from its start to its end."""
    words = [sys.executable, *command.words]
    began = time.monotonic()
    if command.on_terminal:
        _on_terminal(words)
    else:
        subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


def _on_terminal(words: Sequence[str]) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(words, cwd=ROOT, stdout=follower)
    os.close(follower)
    try:
        while os.read(leader, 65536):
            pass
    except OSError:
        pass  # so the system says that the last writer has closed a terminal
    if process.wait():
        raise SystemExit(f"{' '.join(words)} failed")


def _show(figures: dict[str, float]) -> int:
    print(json.dumps(figures))
    return 0


def _kept(good: bool) -> str:
    return "kept" if good else "NOT KEPT"


if __name__ == "__main__":
    sys.exit(main())
