import time
from pathlib import Path

import pytest

from benchmark_core.contract import Simulation
from benchmark_core.faults import MeterFault
from benchmark_core.meters import registry
from benchmark_core.meters.simulated import SimulatedMeter
from benchmark_core.report.energy import EnergySources, Reading


def window(meter: SimulatedMeter) -> Reading:
    meter.approach()
    meter.open("window")
    meter.close()
    return meter.read()


def test_every_device_draws_the_watts_for_the_duration() -> None:
    meter = SimulatedMeter(200.0, 2, None)
    meter.start()
    meter.approach()
    outside = time.monotonic()
    meter.open("prefill")
    opened = time.monotonic()
    time.sleep(0.05)
    closed = time.monotonic()
    meter.close()
    outside = time.monotonic() - outside
    time.sleep(0.05)
    reading = meter.read()
    assert reading.gpu_joules_by_device is not None
    assert list(reading.gpu_joules_by_device) == ["SIMULATED-GPU-0", "SIMULATED-GPU-1"]
    for joules in reading.gpu_joules_by_device.values():
        assert 200.0 * (closed - opened) <= joules <= 200.0 * outside
    assert reading.gpu_joules == sum(reading.gpu_joules_by_device.values())
    assert reading.cpu_joules is None
    assert reading.ram_joules is None


def test_names_and_source_say_that_it_is_simulated() -> None:
    meter = SimulatedMeter(200.0, 1, None, ("SIMULATED-GPU-5",))
    assert [(gpu.uuid, gpu.name) for gpu in meter.gpus()] == [
        ("SIMULATED-GPU-5", "SIMULATED GPU 5")
    ]
    source = meter.sources().gpu
    assert source is not None
    assert source.kind == "simulated"


def test_real_devices_of_a_rehearsal_get_simulated_names() -> None:
    meter = SimulatedMeter(200.0, 1, None, ("GPU-4e817856",))
    assert meter.gpus()[0].name == "SIMULATED GPU 0"


def test_without_devices_nothing_is_measured() -> None:
    meter = SimulatedMeter(200.0, 0, None)
    assert window(meter) == Reading()
    assert meter.sources() == EnergySources()


def test_the_fault_strikes_in_the_second_window() -> None:
    meter = SimulatedMeter(200.0, 1, "meter_failure")
    assert window(meter).gpu_joules is not None
    with pytest.raises(MeterFault, match="second window"):
        window(meter)


def test_other_faults_leave_the_meter_alone() -> None:
    meter = SimulatedMeter(200.0, 1, "crash")
    for _ in range(3):
        assert window(meter).gpu_joules is not None


def test_closing_without_opening_is_a_fault() -> None:
    with pytest.raises(MeterFault):
        SimulatedMeter(200.0, 1, None).close()


def test_a_window_is_read_once_and_only_when_closed() -> None:
    meter = SimulatedMeter(200.0, 1, None)
    meter.open("prefill")
    with pytest.raises(MeterFault):
        meter.read()
    assert window(meter).gpu_joules is not None
    with pytest.raises(MeterFault):
        meter.read()


def test_the_registry_hands_the_simulation_on(tmp_path: Path) -> None:
    context = registry.MeterContext(
        gpu_uuids=(),
        gpu_count=3,
        output_dir=tmp_path,
        trace_path=tmp_path / "power_trace.csv",
        region="WORLD",
        dcgm_endpoint=None,
        simulation=Simulation(watts=42.0, fault="meter_failure"),
        synchronise=lambda: None,
    )
    meter = registry.create("simulated", context)
    source = meter.sources().gpu
    assert source is not None
    assert source.method == "42 W times duration"
    assert len(meter.gpus()) == 3
    window(meter)
    with pytest.raises(MeterFault):
        window(meter)
