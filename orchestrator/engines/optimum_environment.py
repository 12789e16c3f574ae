"""Whether the Python that runs of the optimum backend need can be used."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmark_core.optimum.environment import REMEDY
from benchmark_core.terminal_text import printable
from orchestrator.errors import Problem

CHECK = "from importlib.metadata import version; version('optimum-benchmark')"
PATIENCE_SECONDS = 60.0


def find_optimum_problems(python: Path) -> Iterator[Problem]:
    """It is asked whether it has optimum-benchmark; nothing heavy is loaded."""
    where = f"optimum backend, {printable(str(python))[:200]}"
    try:
        done = subprocess.run(
            [python, "-I", "-c", CHECK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        yield Problem(where, "there is no such Python", REMEDY)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Problem(where, f"cannot be run ({type(error).__name__})", REMEDY)
    else:
        if done.returncode != 0:
            yield Problem(where, "this Python does not have optimum-benchmark", REMEDY)
