from dataclasses import dataclass, field

import pytest

from benchmark_core.contract import EnergySource, EnergySources, GpuFacts, Reading
from benchmark_core.faults import MeterFault
from benchmark_core.meters.panel import MeterPanel

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

    def open(self, label: str) -> None:
        self._called("open")

    def close(self) -> Reading:
        self._called("close")
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


def test_the_fast_meter_opens_last_and_closes_first() -> None:
    calls: list[str] = []
    panel = MeterPanel([ScriptedMeter("fast", calls), ScriptedMeter("slow", calls)])
    panel.start()
    panel.open("prefill")
    panel.close()
    panel.stop()
    assert calls[2:6] == ["open slow", "open fast", "close fast", "close slow"]
    assert sorted(calls[6:]) == ["stop fast", "stop slow"]


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
    panel.open("decode")
    assert panel.close() == Reading(
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
    panel.open("prefill")
    assert panel.close().gpu_joules is None


def test_without_meters_nothing_is_measured() -> None:
    panel = MeterPanel([])
    panel.start()
    panel.open("prefill")
    assert panel.close() == Reading()
    assert panel.sources() == EnergySources()
    assert panel.gpus() == ()


def test_when_one_close_fails_the_others_are_closed() -> None:
    calls: list[str] = []
    panel = MeterPanel(
        [ScriptedMeter("fast", calls, fails_in="close"), ScriptedMeter("slow", calls)]
    )
    panel.open("prefill")
    with pytest.raises(MeterFault, match="fast failed to close"):
        panel.close()
    assert calls[-1] == "close slow"


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
