"""What the sampling program asks of the simulated driver, through the real bindings."""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.power_trace import TraceRow, rows
from tests.support import simulated_driver
from tests.support.sampler_owner import PATIENCE_SECONDS, ROOT, answer_of, sampled
from tests.support.simulated_driver import uuid

pytestmark = pytest.mark.wall_clock


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@contextmanager
def programmed(driver: Path, path: Path, labels: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The program on its own, with `labels` as its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark_core.meters.power_sampling", "--file", path, uuid(0)],
        cwd=ROOT,
        env=simulated_driver.environment(driver),
        stdin=labels,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def await_rows(path: Path, count: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while len(list(rows(path))) < count:
        assert time.monotonic() < until, "no rows come"
        time.sleep(0.02)


def test_rows_come_at_twenty_hertz_and_say_what_the_driver_says(
    driver: Path, tmp_path: Path
) -> None:
    found = sampled(driver, tmp_path, seconds=1.5, watts=350, celsius=61)
    paces = [later.seconds - earlier.seconds for earlier, later in pairwise(found)]
    assert statistics.median(paces) < 1 / 18
    assert min(paces) > 0
    for row in found:
        assert row.watts == pytest.approx(350, abs=0.01)
        assert row.instant_watts == pytest.approx(350, abs=0.01)
        assert (row.celsius, row.sm_clock_mhz, row.utilisation_percent) == (61, 1980, 100)
        assert (row.power_limit_watts, row.processes) == (700, 0)
        assert row.throttle_reasons == ()
        assert row.phase == ""


def test_the_counter_is_that_of_the_time_of_the_row(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, seconds=0.5, watts=600, step_ms=0)
    late_seconds = [abs((row.counter_joules or 0) / 600 - row.seconds) for row in found]
    assert statistics.median(late_seconds) < 0.0005


def test_each_gpu_has_rows_of_its_own(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, gpus=3, watts="350,100,600")
    for gpu, watts in enumerate((350, 100, 600)):
        own = [row for row in found if row.gpu == gpu]
        assert len(own) == len(found) / 3
        assert {row.watts for row in own} == {watts}


def test_a_slow_driver_with_many_gpus_keeps_up_with_the_rows(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, seconds=2.5, gpus=8, latency_ms=1)
    for gpu in range(8):
        own = [row for row in found if row.gpu == gpu]
        assert (len(own) - 1) / (own[-1].seconds - own[0].seconds) >= 10
        assert {(row.celsius, row.sm_clock_mhz, row.power_limit_watts) for row in own} == {
            (45, 1980, 700)
        }


ASKED = """
import pynvml
from benchmark_core.meters.power_sampling import Gpu

pynvml.nvmlInit()
answered, asked = pynvml.nvmlDeviceGetTemperature, []

def temperature(*arguments):
    asked.append(1)
    return answered(*arguments)

pynvml.nvmlDeviceGetTemperature = temperature
counts = {}
for period in (0.02, 0.05, 0.2):
    gpus = [Gpu(number, uuid, period) for number, uuid in enumerate(plan["uuids"])]
    counts[period] = []
    for _ in range(6):
        del asked[:]
        assert {gpu.sample().celsius for gpu in gpus} == {45}
        counts[period].append(len(asked))
tell(**{str(period): found for period, found in counts.items()})
"""


def test_the_state_of_gpus_is_asked_for_in_turn(driver: Path, tmp_path: Path) -> None:
    assert answer_of(driver, tmp_path, ASKED, gpus=2) == {
        "0.02": [2, 0, 0, 0, 1, 1],
        "0.05": [2, 1, 1, 1, 1, 1],
        "0.2": [2, 2, 2, 2, 2, 2],
    }


def test_only_the_gpus_of_the_run_are_sampled(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, gpus=3, uuids=[uuid(1)], watts="350,100,600")
    assert {(row.gpu, row.watts) for row in found} == {(0, 100)}


def test_what_happens_to_a_gpu_is_in_its_rows(driver: Path, tmp_path: Path) -> None:
    found = sampled(
        driver, tmp_path, seconds=1.6, foreign=0.5, throttle=0.5, limit_change="0.5:450"
    )
    assert found[0].throttle_reasons == ()
    assert found[-1].throttle_reasons == ("hw_thermal",)
    assert (found[0].processes, found[0].power_limit_watts) == (0, 700)
    assert (found[-1].processes, found[-1].power_limit_watts) == (1, 450)


def test_a_missing_counter_is_an_empty_cell(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, fault="no_energy")
    assert {row.counter_joules for row in found} == {None}
    assert {row.watts for row in found} == {350}
    assert (tmp_path / "trace.csv").read_text().splitlines()[1].split(",")[5] == ""


def test_a_counter_without_value_is_an_empty_cell(driver: Path, tmp_path: Path) -> None:
    assert {row.counter_joules for row in sampled(driver, tmp_path, fault="no_value:0")} == {None}


@pytest.mark.parametrize("fault", ["no_power", "nan_power:0"])
def test_power_that_is_no_number_is_an_empty_cell(driver: Path, tmp_path: Path, fault: str) -> None:
    found = sampled(driver, tmp_path, fault=fault)
    assert {(row.watts, row.instant_watts) for row in found} == {(None, None)}
    assert None not in {row.counter_joules for row in found}
    assert "nan" not in (tmp_path / "trace.csv").read_text()


def test_a_lost_gpu_leaves_empty_rows_and_the_others_go_on(driver: Path, tmp_path: Path) -> None:
    found = sampled(driver, tmp_path, gpus=2, seconds=1.6, fault="lost_after:0.4", fault_gpu=1)
    last = [row for row in found if row.gpu == 1][-1]
    assert last == TraceRow(seconds=last.seconds, gpu=1, phase="")
    assert {row.watts for row in found if row.gpu == 0} == {350}


# The power that the driver tells by its fields, as a type and a member of the value.
FIELDS = """
import pynvml
from benchmark_core.meters.power_sampling import Gpu

pynvml.nvmlInit()
answered = pynvml.nvmlDeviceGetFieldValues

def answer(code, kind, member, value):
    def fields(handle, wanted):
        values = answered(handle, wanted)
        for field in values:
            field.nvmlReturn, field.valueType, field.value.ullVal = code, kind, 0
            setattr(field.value, member, value)
        return values
    pynvml.nvmlDeviceGetFieldValues = fields
    row = Gpu(0, plan["uuids"][0]).sample()
    return [row.watts, row.instant_watts]

def refuse(handle, wanted):
    raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

found = {
    "double": answer(0, 0, "dVal", 250500.0),
    "unsigned": answer(0, 1, "uiVal", 250500),
    "long": answer(0, 2, "ulVal", 250500),
    "long long": answer(0, 3, "ullVal", 250500),
    "signed": answer(0, 5, "siVal", 250500),
    "infinite": answer(0, 0, "dVal", float("inf")),
    "negative": answer(0, 5, "siVal", -1),
    "no value": answer(0, 1, "uiVal", 2**32 - 1),
    "unknown type": answer(0, 99, "uiVal", 250500),
    "not supported": answer(pynvml.NVML_ERROR_NOT_SUPPORTED, 1, "uiVal", 250500),
}
pynvml.nvmlDeviceGetFieldValues = refuse
row = Gpu(0, plan["uuids"][0]).sample()
found["no fields"] = [row.watts, row.instant_watts]
tell(**found)
"""


def test_power_fields_of_all_types_are_understood(driver: Path, tmp_path: Path) -> None:
    """No simulated or real driver at hand answers in all of these ways."""
    assert answer_of(driver, tmp_path, FIELDS, watts=350) == {
        **{kind: [250.5, 250.5] for kind in ("double", "unsigned", "long", "long long", "signed")},
        **{kind: [None, None] for kind in ("infinite", "negative", "no value", "unknown type")},
        **{kind: [350.0, None] for kind in ("not supported", "no fields")},
    }


EARLIER = "time_seconds,gpu\n1.5,0,load,,,,,,,,,\n"


def test_a_run_begins_its_trace_anew(driver: Path, tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text(EARLIER)
    assert {(row.watts, row.phase) for row in sampled(driver, tmp_path)} == {(350, "")}


@pytest.mark.parametrize("torn", ["", "9", "9.5,0,torn,,,,,,,,,"])
def test_the_program_continues_a_file_that_is_there(
    driver: Path, tmp_path: Path, torn: str
) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(EARLIER + torn)
    with programmed(driver, path, subprocess.PIPE) as process:
        await_rows(path, 5)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0
    first, *others = rows(path)
    assert first == TraceRow(seconds=1.5, gpu=0, phase="load")
    assert {row.watts for row in others} == {350}
    assert others == sorted(others)
    assert others[-1].seconds < time.monotonic()


FULL_DISK = """
import resource

sampler.start()
unlimited = resource.prlimit(child(), resource.RLIMIT_FSIZE)
limit = path.stat().st_size + 100
resource.prlimit(child(), resource.RLIMIT_FSIZE, (limit, unlimited[1]))
while sampler.wait_past(time.monotonic(), 0.5):
    pass
size = path.stat().st_size
resource.prlimit(child(), resource.RLIMIT_FSIZE, unlimited)
at = time.monotonic()
tell(alive=sampler.alive(), size=size, reached=sampler.wait_past(at + 0.2, 10))
sampler.stop()
"""


def test_a_full_disk_is_a_gap_in_the_trace(driver: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    answer = answer_of(driver, tmp_path, FULL_DISK)
    assert answer["alive"]
    assert answer["reached"]
    torn = path.read_bytes()[: answer["size"]].rpartition(b"\n")[2]
    assert torn, "the limit fell between two lines"
    found = list(rows(path))
    assert {row.watts for row in found} == {350}
    gaps = [later.seconds - earlier.seconds for earlier, later in pairwise(found)]
    assert max(gaps) > 0.3
    assert min(gaps) > 0


def test_input_without_end_holds_up_no_rows(driver: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    with Path("/dev/zero").open("rb") as zeros, programmed(driver, path, zeros) as process:
        await_rows(path, 5)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_the_program_loads_little() -> None:
    check = (
        "import sys, benchmark_core.meters.power_sampling\n"
        "print(*{'torch', 'pydantic', 'numpy', 'dataclasses'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
