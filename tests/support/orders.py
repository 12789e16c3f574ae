"""Orders for engine tests: a run folder that tells the stub program what to do."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark_core.contract import Launch
from orchestrator.engines.base import Engine, Handle, Order
from orchestrator.exit import Exit

ROOT = Path(__file__).resolve().parents[2]


def make_order(
    output_dir: Path,
    run_id: str = "acme_tiny_On",
    gpus: tuple[str, ...] = (),
    samples: Path | None = None,
    offline: bool = True,
    also: Sequence[str] = (),
    **steps: Any,
) -> Order:
    """An order whose run does `steps`, the fields of stub.json.

    `also` are the names of further runs of the same program, for which the stub does nothing.
    """
    folder, *others = (output_dir / "individual_runs" / name for name in (run_id, *also))
    for path in (folder, *others):
        path.mkdir(parents=True)
        (path / "stub.json").write_text(json.dumps(steps if path is folder else {}))
    return Order(
        run_id=run_id,
        spec_hash="0" * 64,
        folder=folder,
        log_path=output_dir / "logs" / f"{run_id}.log",
        launch=Launch(engine="test", gpu_uuids=gpus, launched_at="2026-01-01T00:00:00+00:00"),
        wants_gpus=bool(gpus),
        samples=samples,
        offline=offline,
        also=tuple(others),
    )


def wait_for_exit(handle: Handle, seconds: float = 60) -> Exit:
    deadline = time.monotonic() + seconds
    while (ended := handle.poll()) is None:
        assert time.monotonic() < deadline, f"still running after {seconds} s"
        time.sleep(0.02)
    return ended


def run_to_end(engine: Engine, order: Order) -> Exit:
    handle = engine.start(order)
    try:
        return wait_for_exit(handle)
    finally:
        handle.release()


def wait_for_file(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear in {seconds} s"
        time.sleep(0.02)


def wait_for_text(path: Path, text: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while text not in (path.read_text() if path.exists() else ""):
        assert time.monotonic() < deadline, f"{path} did not say {text!r} in {seconds} s"
        time.sleep(0.02)


def seen_by(order: Order) -> dict[str, Any]:
    """What the stub program wrote about its surroundings."""
    seen: dict[str, Any] = json.loads((order.folder / "seen.json").read_text())
    return seen


def start_in_killed_runner(make_engine: str, output_dir: Path, run_id: str, **steps: Any) -> None:
    """Start a run from another process and kill that process with signal 9 once the run runs.

    `make_engine` is an expression for the engine, with `output_dir` and the names of
    the two engine modules at hand.
    """
    program = f"""
import json, sys, time
from pathlib import Path
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.process import ProcessEngine
from tests.support.orders import make_order, wait_for_file
output_dir = Path(sys.argv[1])
order = make_order(output_dir, sys.argv[2], **json.loads(sys.argv[3]))
handle = ({make_engine}).start(order)
wait_for_file(order.folder / "started")
print("ready", flush=True)
time.sleep(600)
"""
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(output_dir), run_id, json.dumps(steps)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert runner.stdout is not None
    try:
        assert runner.stdout.readline() == b"ready\n"
    finally:
        runner.kill()
        runner.wait()
        runner.stdout.close()
