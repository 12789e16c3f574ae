import csv
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmark_core.contract import MeterName
from benchmark_core.faults import MeterFault
from benchmark_core.meters import registry as meters
from benchmark_core.meters.codecarbon import WINDOWS_FILE
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts
from tests.support import simulated_driver

pytestmark = pytest.mark.wall_clock

ROOT = Path(__file__).parents[2]

# Short windows under both real meters, and what CodeCarbon takes for the watts of the RAM.
PROBE = """
import json, sys, time
from pathlib import Path
from benchmark_core.meters.codecarbon import CodeCarbonMeter
from benchmark_core.meters.nvml import NvmlMeter
from benchmark_core.meters.panel import MeterPanel

codecarbon = CodeCarbonMeter(Path(sys.argv[1]), "WORLD", ())
panel = MeterPanel([NvmlMeter((sys.argv[2],), lambda: None), codecarbon])
panel.start()
windows = []
for _ in range(5):
    panel.approach()
    panel.open("window")
    opened = time.monotonic()
    time.sleep(0.05)
    seconds = time.monotonic() - opened
    panel.close()
    windows.append({"seconds": seconds, **panel.read().model_dump()})
panel.stop()
print(json.dumps(windows))
"""

GPU = EnergySource(meter="nvml", kind="measured", method="counter")
OTHER_GPU = EnergySource(meter="simulated", kind="simulated", method="watts")
CPU = EnergySource(meter="codecarbon", kind="estimated", method="load")


@dataclass
class ScriptedMeter:
    """Answers what it is told and writes down, with all others, what was called when."""

    name: str
    calls: list[str]
    reading: Reading = field(default_factory=Reading)
    given: EnergySources = field(default_factory=EnergySources)
    devices: tuple[GpuFacts, ...] = ()
    fails_in: str = ""

    def start(self) -> None:
        self._called("start")

    def approach(self) -> None:
        self._called("approach")

    def open(self, label: str) -> None:
        self._called("open")

    def close(self) -> None:
        self._called("close")

    def read(self) -> Reading:
        self._called("read")
        return self.reading

    def stop(self) -> None:
        self._called("stop")

    def sources(self) -> EnergySources:
        return self.given

    def gpus(self) -> tuple[GpuFacts, ...]:
        return self.devices

    def _called(self, method: str) -> None:
        self.calls.append(f"{method} {self.name}")
        if method == self.fails_in:
            raise MeterFault(f"{self.name} failed to {method}", "none")


def window(panel: MeterPanel) -> Reading:
    panel.approach()
    panel.open("window")
    panel.close()
    return panel.read()


def test_the_fast_meter_is_the_inner_one_and_nothing_waits_inside() -> None:
    calls: list[str] = []
    panel = MeterPanel([ScriptedMeter("fast", calls), ScriptedMeter("slow", calls)])
    panel.start()
    window(panel)
    panel.stop()
    assert calls[2:4] == ["approach slow", "approach fast"]
    assert calls[4:8] == ["open slow", "open fast", "close fast", "close slow"]
    assert sorted(calls[8:10]) == ["read fast", "read slow"]
    assert sorted(calls[10:]) == ["stop fast", "stop slow"]


def test_the_panel_names_the_meters_it_runs_in_their_order(tmp_path: Path) -> None:
    context = meters.MeterContext(
        gpu_uuids=(),
        gpu_count=1,
        output_dir=tmp_path,
        trace_path=tmp_path / "power_trace.csv",
        region="WORLD",
        dcgm_endpoint=None,
        simulation=None,
        synchronise=lambda: None,
    )
    asked: tuple[MeterName, ...] = ("codecarbon", "simulated", "nvml")
    assert MeterPanel([meters.create(name, context) for name in asked]).names == asked


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc)")
def test_the_waiting_of_the_gpu_meter_is_in_no_window_of_codecarbon(tmp_path: Path) -> None:
    """With steps of 100 ms the GPU meter waits for 100 to 200 ms on each side of a window."""
    driver = simulated_driver.build(tmp_path / "driver")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path), simulated_driver.uuid(0)],
        env=simulated_driver.environment(driver, watts=350, step_ms=100)
        | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    windows = json.loads(done.stdout)
    with (tmp_path / WINDOWS_FILE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))[1:]
    assert len(rows) == len(windows) == 5
    # Medians, because a busy machine may stop the process for a while inside any one window.
    pairs = list(zip(windows, rows, strict=True))
    too_long = {
        "RAM energy": [w["ram_joules"] / float(r["ram_power"]) - w["seconds"] for w, r in pairs],
        "duration": [float(r["duration"]) - w["seconds"] for w, r in pairs],
        "GPU energy": [w["gpu_joules"] / 350 - w["seconds"] for w in windows],
    }
    found = {name: statistics.median(seconds) for name, seconds in too_long.items()}
    assert found == pytest.approx(dict.fromkeys(too_long, 0.0), abs=0.03)


def test_every_quantity_has_one_owner() -> None:
    first = ScriptedMeter(
        "nvml",
        [],
        Reading(gpu_joules=10.0, gpu_joules_by_device={"GPU-a": 10.0}, cpu_joules=99.0),
        EnergySources(gpu=GPU),
        (GpuFacts(uuid="GPU-a", name="a GPU"),),
    )
    second = ScriptedMeter(
        "codecarbon",
        [],
        Reading(gpu_joules=77.0, cpu_joules=3.0, ram_joules=2.0, gpu_cross_check_joules=11.0),
        EnergySources(gpu=OTHER_GPU, cpu=CPU, ram=CPU),
        (GpuFacts(uuid="GPU-b", name="b GPU"),),
    )
    panel = MeterPanel([first, second])
    assert window(panel) == Reading(
        gpu_joules=10.0,
        gpu_joules_by_device={"GPU-a": 10.0},
        cpu_joules=3.0,
        ram_joules=2.0,
        gpu_cross_check_joules=11.0,
    )
    assert panel.sources() == EnergySources(gpu=GPU, cpu=CPU, ram=CPU)
    assert [gpu.uuid for gpu in panel.gpus()] == ["GPU-a"]


def test_an_owner_without_a_figure_is_not_replaced_by_another_meter() -> None:
    owner = ScriptedMeter("nvml", [], Reading(), EnergySources(gpu=GPU))
    other = ScriptedMeter("other", [], Reading(gpu_joules=5.0), EnergySources(gpu=OTHER_GPU))
    panel = MeterPanel([owner, other])
    assert window(panel).gpu_joules is None


def test_without_meters_nothing_is_measured() -> None:
    panel = MeterPanel([])
    panel.start()
    assert window(panel) == Reading()
    assert panel.sources() == EnergySources()
    assert panel.gpus() == ()


@pytest.mark.parametrize("method", ["close", "read"])
def test_when_one_fails_at_the_end_the_others_are_ended_too(method: str) -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [ScriptedMeter("fast", calls, fails_in=method), ScriptedMeter("slow", calls)]
    )
    with pytest.raises(MeterFault, match=f"fast failed to {method}"):
        window(panel)
    assert calls[-1] == f"{method} slow"


def test_when_one_approach_fails_nothing_is_opened() -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [ScriptedMeter("fast", calls, fails_in="approach"), ScriptedMeter("slow", calls)]
    )
    with pytest.raises(MeterFault, match="fast failed to approach"):
        window(panel)
    assert calls == ["approach slow", "approach fast"]


def test_when_one_open_fails_those_already_open_are_closed() -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [ScriptedMeter("fast", calls, fails_in="open"), ScriptedMeter("slow", calls)]
    )
    with pytest.raises(MeterFault, match="fast failed to open"):
        panel.open("prefill")
    assert calls == ["open slow", "open fast", "close slow"]


def test_when_one_start_fails_all_are_released() -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [ScriptedMeter("first", calls), ScriptedMeter("second", calls, fails_in="start")]
    )
    with pytest.raises(MeterFault, match="second failed to start"):
        panel.start()
    assert sorted(calls[2:]) == ["stop first", "stop second"]


def test_stop_reaches_every_meter_even_when_one_breaks() -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [
            ScriptedMeter("a", calls, fails_in="stop"),
            ScriptedMeter("b", calls, fails_in="stop"),
            ScriptedMeter("c", calls),
        ]
    )
    with pytest.raises(MeterFault):
        panel.stop()
    assert sorted(calls) == ["stop a", "stop b", "stop c"]
