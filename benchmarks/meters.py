"""Our GPU meter beside CodeCarbon and Zeus, on a simulated driver whose joules are known.

    python benchmarks/meters.py [--jobs 2] [--windows 100] [--long-windows 30] [--json FILE]

Needs requirements.txt, requirements-dev.txt and benchmarks/requirements.txt, and a C compiler as
`cc`. Every meter measures windows of random phase and random length (within 15 % of 0.2, 1 and 5 s)
for each power shape; the truth is the exact integral of the power from the return of the meter's
open to the call of its close. Peers share windows, one inside the other in turns; ours has its own,
because its wait for a counter step would fix the phase of the others. Costs come from processes of
their own, afterwards. Exit code 1 when a bound is not kept, 2 when something is missing.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter_rig import cost_bounds, subjects  # noqa: E402
from benchmarks.meter_rig.bounds import Bound, Cell, accuracy_bounds, cells, table  # noqa: E402
from benchmarks.meter_rig.shapes import SHAPES, shape_named  # noqa: E402
from benchmarks.meter_rig.windows import Measured, Plan, read_results  # noqa: E402
from tests.support import simulated_driver  # noqa: E402

SHORT_LENGTHS, LONG_LENGTHS = (0.2, 1.0), (5.0,)
PROGRESS_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    missing = [name for name in subjects.PEERS if name not in subjects.installed_peers()]
    if shutil.which("cc") is None:
        print("error: there is no C compiler (cc) to build the simulated driver", file=sys.stderr)
        return 2
    if missing and not options.without_missing:
        print(
            f"error: not installed: {', '.join(missing)}. Install benchmarks/requirements.txt, or"
            " give --without-missing, with which bounds on peers are not kept.",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="meters-") as folder:
        place = Path(folder)
        driver = simulated_driver.build(place / "driver")
        windows = measure_shapes(place, driver, _plans(place, options), options.jobs)
        costs = {} if options.no_costs else cost_bounds.measure(place, driver, print)
    found = cells(windows)
    bounds = accuracy_bounds(found, (*SHORT_LENGTHS, *LONG_LENGTHS))
    bounds += [] if options.no_costs else cost_bounds.bounds(costs)
    _report(found, costs, bounds)
    if options.json:
        _write_json(options.json, options.seed, found, costs, bounds)
    return 0 if all(bound.kept for bound in bounds) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=2, help="shapes at a time (%(default)s)")
    parser.add_argument("--windows", type=int, default=100, help="of 0.2 and 1 s (%(default)s)")
    parser.add_argument("--long-windows", type=int, default=30, help="of 5 s (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of lengths and pauses (%(default)s)")
    parser.add_argument("--no-costs", action="store_true", help="accuracy alone")
    parser.add_argument("--without-missing", action="store_true", help="go on without some peers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures for machines")
    return parser.parse_args(arguments)


def _plans(place: Path, options: argparse.Namespace) -> list[Plan]:
    short = tuple((length, options.windows) for length in SHORT_LENGTHS)
    long = tuple((length, options.long_windows) for length in LONG_LENGTHS)
    return [
        Plan(
            shape=shape.name,
            lengths=(*short, *long),
            groups=(subjects.installed_peers(), (subjects.OURS,)),
            seed=options.seed,
            folder=str(place / shape.name),
        )
        for shape in SHAPES
    ]


# ------------------------------------------------------------------ accuracy


def measure_shapes(place: Path, driver: Path, plans: Sequence[Plan], jobs: int) -> list[Measured]:
    """The windows of all plans, each plan in a process of its own, `jobs` of them at a time."""
    rounds = -(-len(plans) // jobs)
    minutes = rounds * max(plan.seconds for plan in plans) / 60
    print(f"{len(plans)} shapes, {jobs} at a time: about {minutes:.0f} minutes", flush=True)
    waiting = list(plans)
    running: list[tuple[Plan, subprocess.Popen[bytes]]] = []
    began = told = time.monotonic()
    while waiting or running:
        while waiting and len(running) < jobs:
            plan = waiting.pop(0)
            running.append((plan, _start(place, driver, plan)))
        time.sleep(0.2)
        for plan, process in running:
            if process.poll():
                _stop([process for _, process in running])
                log = (Path(plan.folder) / "log.txt").read_text(errors="replace")
                raise SystemExit(f"the windows of {plan.shape} cannot be measured:\n{log[-4000:]}")
        running = [(plan, process) for plan, process in running if process.returncode is None]
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"{told - began:5.0f} s: {_progress(plans)}", flush=True)
    return [measured for plan in plans for measured in read_results(plan.results_path)]


def _start(place: Path, driver: Path, plan: Plan) -> subprocess.Popen[bytes]:
    folder = Path(plan.folder)
    folder.mkdir(parents=True)
    path = folder / "plan.json"
    path.write_text(json.dumps(asdict(plan)))
    behaviour = shape_named(plan.shape).behaviour
    environment = simulated_driver.environment(driver, **behaviour)
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.meter_rig.windows", str(path)],
            env=subjects.environment(folder, environment),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
        process.wait()


def _progress(plans: Sequence[Plan]) -> str:
    parts = []
    for plan in plans:
        path = plan.results_path
        done = len(path.read_bytes().splitlines()) if path.exists() else 0
        parts.append(f"{plan.shape} {100 * done // plan.windows} %")
    return ", ".join(parts)


# ------------------------------------------------------------------ what came of it


def _report(found: Sequence[Cell], costs: cost_bounds.Costs, bounds: Sequence[Bound]) -> None:
    print("\nmedian / largest / root mean square of the absolute error in percent\n")
    print(table(found))
    if costs:
        print()
        print(cost_bounds.table(costs))
    print("\nbounds\n")
    for bound in bounds:
        print(f"- {bound}")
    broken = [bound for bound in bounds if not bound.kept]
    print(f"\n{len(bounds) - len(broken)} of {len(bounds)} bounds kept")


def _write_json(
    path: Path,
    seed: int,
    found: Sequence[Cell],
    costs: cost_bounds.Costs,
    bounds: Sequence[Bound],
) -> None:
    content = {
        "seed": seed,
        "cpu_count": os.cpu_count(),
        "cells": [asdict(cell) for cell in found],
        "costs": costs,
        "bounds": [asdict(bound) | {"kept": bound.kept} for bound in bounds],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
