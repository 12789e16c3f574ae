"""The sampling process as its owner handles it, on the simulated driver: labels, begin and end."""

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.power_trace import rows
from tests.support import simulated_driver
from tests.support.sampler_owner import PATIENCE_SECONDS, SAMPLE, answer_of, hear, owner
from tests.support.simulated_driver import uuid

pytestmark = pytest.mark.wall_clock


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def has_ended(pid: int) -> bool:
    """Also while its parent has not noticed yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def assert_ends(pid: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not has_ended(pid):
        assert time.monotonic() < until, "the sampling process goes on"
        time.sleep(0.01)


# -------------------------------------------------------------------------------------- labels

MARK = """
sampler.start()
edges = []
for number, pause in enumerate(PAUSES):
    label = f"generate {number}" if number % 2 else ""
    before = time.monotonic()
    sampler.mark(label)
    edges.append([before, time.monotonic(), label])
    time.sleep(pause)
sampler.wait_past(time.monotonic())
sampler.stop()
tell(edges=edges)
"""


def test_labels_begin_exactly_at_their_marks(driver: Path, tmp_path: Path) -> None:
    pauses = [random.Random(7).uniform(0, 0.05) for _ in range(60)]
    program = f"PAUSES = {pauses!r}\n" + MARK
    answer = answer_of(driver, tmp_path, program, options={"period_seconds": 0.005})
    edges = [(0, 0, ""), *map(tuple, answer["edges"])]
    found = list(rows(tmp_path / "trace.csv"))
    assert len({row.phase for row in found}) > 20
    for row in found:
        certain = [label for _, after, label in edges if after <= row.seconds][-1]
        possible = [label for before, _, label in edges if before <= row.seconds + 1e-6][-1]
        assert row.phase in (certain, possible), row


MARK_LATE = """
sampler.start()
edges = []
for label in ("load", "warm_up", "prefill 1"):
    time.sleep(0.35)
    edges.append([time.monotonic(), label])
    time.sleep(0.12)
    sampler.mark(label, edges[-1][0])
sampler.wait_past(time.monotonic())
sampler.stop()
tell(edges=edges)
"""


def test_a_mark_may_come_a_moment_after_its_time(driver: Path, tmp_path: Path) -> None:
    """Between one of the edges and its mark lies a row, whenever the rows are."""
    answer = answer_of(driver, tmp_path, MARK_LATE, options={"period_seconds": 0.2})
    edges = [(0, ""), *map(tuple, answer["edges"])]
    found = list(rows(tmp_path / "trace.csv"))
    assert len({row.phase for row in found}) == 4
    for row in found:
        assert row.phase == [label for at, label in edges if at <= row.seconds][-1]


MARK_ODDLY = """
sampler.mark("before the start")
sampler.start()
sampler.mark("a\\n12\\tb, " + "c" * 100_000)
sampler.wait_past(time.monotonic())
sampler.mark("load")
sampler.wait_past(time.monotonic())
sampler.stop()
sampler.mark("after the end")
tell()
"""


def test_odd_marks_harm_nothing(driver: Path, tmp_path: Path) -> None:
    answer_of(driver, tmp_path, MARK_ODDLY)
    phases = {row.phase for row in rows(tmp_path / "trace.csv")}
    assert phases == {"", ("a 12 b, " + "c" * 200)[:200], "load"}


# --------------------------------------------------------------------------- beginning and end

REFUSED = """
try:
    sampler.start()
except MeterFault as fault:
    tell(message=fault.message, remedy=fault.remedy, reason=fault.reason, alive=sampler.alive())
"""


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"fault": "no_driver"}, "Driver Not Loaded"),
        ({"uuids": [uuid(0), uuid(7)]}, "Not Found"),
        ({"path": "absent/trace.csv"}, "No such file"),
        ({"options": {"period_seconds": -1}}, "--period"),
    ],
)
def test_a_sampler_that_cannot_start_says_why(
    driver: Path, tmp_path: Path, plan: dict[str, Any], said: str
) -> None:
    answer = answer_of(driver, tmp_path, REFUSED, **plan)
    assert said in answer["message"]
    assert answer["remedy"]
    assert answer["reason"] == "sampler_failed"
    assert not answer["alive"]


ELSEWHERE = """
sampler = PowerSampler(tuple(plan["uuids"]), Path("trace.csv"))
os.chdir("elsewhere")
"""


def test_the_current_directory_is_of_no_account(driver: Path, tmp_path: Path) -> None:
    """Neither the modules that lie in it, nor that it changed since the file was named."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "benchmark_core").mkdir(parents=True)
    (elsewhere / "benchmark_core" / "__init__.py").write_text("")
    for module in ("csv", "signal", "pynvml"):
        (elsewhere / f"{module}.py").write_text("raise SystemExit('the wrong module')")
    assert answer_of(driver, tmp_path, ELSEWHERE + SAMPLE)["reached"]
    assert list(rows(tmp_path / "trace.csv"))


GO_ON = """
sampler.start()
sampler.mark("generate 1")
sampler.wait_past(time.monotonic())
tell(pid=child())
while True:
    time.sleep(0.02)
    tell(reached=sampler.wait_past(time.monotonic()))
"""
# A worker as data loaders have them: it holds everything that its parent has open.
WITH_WORKER = GO_ON.replace(
    "tell(pid=child())",
    "pid = child()\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)\ntell(pid=pid)",
)


@pytest.mark.parametrize("program", [GO_ON, WITH_WORKER], ids=["alone", "with a worker"])
def test_a_killed_owner_takes_its_sampler_along(driver: Path, tmp_path: Path, program: str) -> None:
    with owner(driver, tmp_path, program) as process:
        pid = hear(process)["pid"]
        assert not has_ended(pid)
        os.kill(process.pid, signal.SIGKILL)
        try:
            assert_ends(pid)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert (tmp_path / "trace.csv").read_bytes().endswith(b"\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_the_group_ends_all(
    driver: Path, tmp_path: Path, number: signal.Signals
) -> None:
    ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + GO_ON
    with owner(driver, tmp_path, ignoring) as process:
        pid = hear(process)["pid"]
        os.killpg(process.pid, number)
        assert_ends(pid)


def test_an_interrupt_is_left_to_the_owner(driver: Path, tmp_path: Path) -> None:
    with owner(driver, tmp_path, GO_ON) as process:
        pid = hear(process)["pid"]
        os.kill(pid, signal.SIGINT)
        assert all(hear(process)["reached"] for _ in range(5))
        assert not has_ended(pid)


LOST = """
sampler.start()
pid = child()
os.kill(pid, signal.SIGKILL)
while sampler.alive():
    time.sleep(0.01)
sampler.mark("generate 1")
tell(reached=sampler.wait_past(time.monotonic(), 60), past=sampler.wait_past(0))
sampler.stop()
tell(alive=sampler.alive())
"""


def test_a_lost_sampler_is_found_when_its_rows_are_missed(driver: Path, tmp_path: Path) -> None:
    with owner(driver, tmp_path, LOST) as process:
        assert hear(process) == {"reached": False, "past": True}
        assert hear(process) == {"alive": False}
        assert process.wait(PATIENCE_SECONDS) == 0


HALTED = """
sampler.start()
os.kill(child(), signal.SIGSTOP)
at = time.monotonic()
for number in range(100_000):
    sampler.mark(f"generate {number}")
tell(reached=sampler.wait_past(at + 0.1, 0.2), alive=sampler.alive())
pid = child()
sampler.stop()
tell(pid=pid, alive=sampler.alive())
"""


def test_a_halted_sampler_blocks_nobody(driver: Path, tmp_path: Path) -> None:
    with owner(driver, tmp_path, HALTED) as process:
        assert hear(process) == {"reached": False, "alive": True}
        ended = hear(process)
        assert not ended["alive"]
        assert has_ended(ended["pid"])
