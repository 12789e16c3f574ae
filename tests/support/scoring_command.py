"""The commands of `python -m scoring`, each as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.pages import ROOT


def scoring(
    *arguments: object,
    seconds: float | None = None,
    first: Callable[[], None] | None = None,
    **variables: str,
) -> "subprocess.CompletedProcess[str]":
    """What came of a command, with these environment variables beside our own. `first` is called
    in its process before it begins.

    Raises subprocess.TimeoutExpired where it takes longer than `seconds`.
    """
    return subprocess.run(
        [sys.executable, "-m", "scoring", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        preexec_fn=first,
        check=False,
    )
