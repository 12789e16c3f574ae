"""Calls the real command as its users do, on a small catalog and the simulated backend."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DOCKER_HOST", "DOCKER_CONTEXT")
# Nothing listens there, so who asks is told so at once.
NO_HUB = "http://127.0.0.1:9"


def write_catalog(path: Path, names: Sequence[str]) -> Path:
    """One class A row, state Off, for each model name."""
    rows = "".join(f"sim/{name},1,A,text_gen,Off,\n" for name in names)
    path.write_text(HEADER + rows)
    return path


def command(*flags: str) -> list[str]:
    return [sys.executable, str(ROOT / "batch_runner.py"), *flags]


def environment(**changes: str) -> dict[str, str]:
    """Only what a command needs: nobody's own settings change a test, and no real hub is asked."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"HF_ENDPOINT": NO_HUB} | changes


def batch(
    *flags: str, cwd: Path, patience_seconds: float = 240, **changes: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*flags),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=patience_seconds,
        check=False,
    )


def start(*flags: str, cwd: Path, **changes: str) -> subprocess.Popen[str]:
    """The command in the background, listening to SIGINT as it would on a terminal."""
    return subprocess.Popen(
        command(*flags),
        cwd=cwd,
        env=environment(**changes),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def table(output_dir: Path) -> dict[str, dict[str, str]]:
    """The rows of master_results.csv by run_id; refuses a run that stands there twice."""
    with (output_dir / "master_results.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    by_id = {row["run_id"]: row for row in rows}
    assert len(by_id) == len(rows), "a run stands in the table twice"
    return by_id
