"""`python -m benchmark_core run`: one run folder after the other, each with a report of its own.

Runs that follow each other and would load the same model share one loading of it. On a GPU every
other run gets a fresh process: what an earlier one left there, an error or its program's own place
in the memory, would be in its way.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.faults import SpecFault
from benchmark_core.held_model import HeldModel, is_on_gpus
from benchmark_core.reported_run import read_orders, run
from benchmark_core.spec_completion import complete

FINISHED, FAILED, WRONG_USE = 0, 1, 2


def run_all(folders: Sequence[Path], overrides: Sequence[str], so_far: int = FINISHED) -> int:
    """The worst exit code of all; `so_far` is that of runs before them. None fails the next."""
    worst = so_far
    with HeldModel() as held:
        for number, folder in enumerate(folders):
            if is_on_gpus() and not _fits(held, folder):
                _go_on_afresh(folders[number:], overrides, worst)
            worst = max(worst, _run(folder, overrides, held))
    return worst


def _fits(held: HeldModel, folder: Path) -> bool:
    try:
        return held.fits(*read_orders(folder))
    except SpecFault:
        return True  # nothing will be loaded


def _go_on_afresh(folders: Sequence[Path], overrides: Sequence[str], so_far: int) -> None:
    """The rest of the folders in a program that begins anew, in place of this one.

    It has the same process number, output and owner, so whoever watches sees no difference.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "benchmark_core", "run", f"--so-far={so_far}"]
    os.execv(sys.executable, [*command, *map(str, folders), *overrides])


def _run(folder: Path, overrides: Sequence[str], held: HeldModel) -> int:
    try:
        complete(folder, overrides)
        spec, _ = read_orders(folder)
        print(f"{spec.run_id} begins", flush=True)
        report = run(folder, held)
    except SpecFault as fault:
        print(f"{folder}: {fault.message}. {fault.remedy}", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        print(f"{folder}: the report cannot be written: {error.strerror}.", file=sys.stderr)
        return FAILED
    if report.failure:
        failure = report.failure
        print(f"{report.run_id} failed: {failure.message}. {failure.remedy}", file=sys.stderr)
        return FAILED
    print(f"{report.run_id} finished", flush=True)
    return FINISHED
