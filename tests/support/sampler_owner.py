"""Programs that own a sampling process on the simulated driver."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark_core.power_trace import TraceRow, rows
from tests.support import simulated_driver
from tests.support.simulated_driver import uuid

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20

# The owner: makes a sampler as told, and does what the test has written after this.
OWNER = """
import json, os, signal, sys, time
from pathlib import Path
from benchmark_core.faults import MeterFault
from benchmark_core.meters.power_sampler import PowerSampler

plan = json.loads(sys.argv[1])
path = Path(plan["path"])
sampler = PowerSampler(tuple(plan["uuids"]), path, **plan["options"])

def child():
    (pid,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return int(pid)

def tell(**answer):
    print(json.dumps(answer), flush=True)
"""

SAMPLE = """
sampler.start()
at = time.monotonic() + plan["seconds"]
time.sleep(plan["seconds"])
reached = sampler.wait_past(at)
tell(reached=reached, alive=sampler.alive(), at=at)
sampler.stop()
sampler.stop()
"""


@contextmanager
def owner(
    driver: Path,
    folder: Path,
    program: str,
    gpus: int = 1,
    uuids: list[str] | None = None,
    path: str = "trace.csv",
    seconds: float = 0.3,
    options: dict[str, Any] | None = None,
    **behaviour: object,
) -> Iterator[subprocess.Popen[str]]:
    """A process group of its own, whose current directory is `folder`."""
    plan = {
        "path": str(folder / path),
        "uuids": uuids or [uuid(index) for index in range(gpus)],
        "options": options or {},
        "seconds": seconds,
    }
    environment = simulated_driver.environment(driver, **({"gpus": gpus} | behaviour))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", OWNER + program, json.dumps(plan)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def answer_of(driver: Path, folder: Path, program: str, **plan: Any) -> dict[str, Any]:
    with owner(driver, folder, program, **plan) as process:
        answer = hear(process)
        assert process.wait(PATIENCE_SECONDS) == 0
        return answer


def sampled(driver: Path, folder: Path, **plan: Any) -> list[TraceRow]:
    """The rows of a run that went well."""
    answer = answer_of(driver, folder, SAMPLE, **plan)
    assert answer["reached"]
    assert answer["alive"]
    found = list(rows(folder / "trace.csv"))
    assert found[-1].seconds > answer["at"]
    return found
