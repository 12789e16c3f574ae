"""The Python that has optimum-benchmark: the one that OPTIMUM_PYTHON names, or `make optimum`'s."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark_core.optimum.environment import VARIABLE, optimum_python

Sweep = subprocess.CompletedProcess[str]
ROOT = Path(__file__).resolve().parents[2]
REQUIRED = "AIES_REQUIRE_OPTIMUM"
LOCK = ROOT / ".venv-optimum.lock"


TRIES = 3
NOISE = "negative latencies"


def sweep_past_noise(sweep: Callable[[tuple[str, ...]], Sweep]) -> Sweep:
    """The sweep, with `--rerun-failed` while a row failed of noise alone.

    optimum-benchmark gives a run up when its ten tokens took less than the first one, which a busy
    machine brings about with models as small as these.
    """
    done = sweep(())
    for _ in range(1, TRIES):
        if done.returncode == 0 or NOISE not in done.stdout:
            break
        done = sweep(("--rerun-failed",))
    return done


class EnvironmentUnavailable(Exception):
    """It cannot be made here; the text says why."""


def require_optimum() -> Path:
    """The Python, made if need be; the test is skipped with the reason where that fails.

    With AIES_REQUIRE_OPTIMUM set, as in CI, the test fails instead.
    """
    try:
        return ensure_optimum()
    except EnvironmentUnavailable as error:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but {error}")
        pytest.skip(str(error))


def ensure_optimum() -> Path:
    python = optimum_python(os.environ)
    if os.environ.get(VARIABLE):
        return python
    if shutil.which("make") is None:
        raise EnvironmentUnavailable("make is not installed")
    with LOCK.open("w") as lock:
        # Test runs side by side must not fill it under each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "--no-print-directory", "optimum", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = " | ".join(done.stdout.splitlines()[-3:])
        raise EnvironmentUnavailable(f"make optimum ended with {done.returncode}: {last}")
    return python


@pytest.fixture(scope="session")
def optimum() -> Path:
    return require_optimum()


if __name__ == "__main__":
    print(ensure_optimum())
