import csv
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.faults import MeterFault, SpecFault
from benchmark_core.meters.codecarbon import EMISSIONS_FILE, WINDOWS_FILE, CodeCarbonMeter
from tests.support import simulated_driver

pytestmark = pytest.mark.wall_clock

ROOT = Path(__file__).parents[2]

PROBE = """
import json, socket, sys, time
from pathlib import Path

calls = []
def refuse(self, address):
    calls.append(str(address))
    raise OSError("no network in this test")
socket.socket.connect = refuse

from benchmark_core.meters.codecarbon import CodeCarbonMeter

meter = CodeCarbonMeter(Path(sys.argv[1]), "FRA", tuple(sys.argv[2:]))
meter.start()
meter.approach()
meter.open("window")
started = time.monotonic()
while time.monotonic() - started < 0.5:
    pass
meter.close()
reading = meter.read()
sources = meter.sources()
meter.stop()
print(json.dumps({
    "reading": reading.model_dump(),
    "sources": sources.model_dump(),
    "connections": calls,
}))
"""

HOSTILE = {
    "force_cpu_power": "5000",
    "force_ram_power": "5000",
    "force_carbon_intensity_g_co2e_kwh": "9999",
    "force_mode_cpu_load": "true",
    "tracking_mode": "process",
    "pue": "3",
    "wue": "3",
    "country_iso_code": "POL",
    "project_name": "intruder",
    "output_file": "elsewhere.csv",
    "output_methods": "api,csv",
    "emissions_endpoint": "http://127.0.0.1:9/",
    "co2_signal_api_token": "token",
    "electricitymaps_api_token": "token",
    "api_call_interval": "1",
    "measure_power_secs": "0.1",
    "allow_multiple_runs": "false",
    "log_level": "debug",
    "rapl_include_dram": "true",
}


def spin(seconds: float) -> None:
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        pass


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def ram_watts(folder: Path) -> float:
    """Mean power of the RAM in the one window of a probe, by CodeCarbon's own clock."""
    window = rows(folder / "emissions" / WINDOWS_FILE)[1]
    return float(window["ram_energy"]) * 3.6e6 / float(window["duration"])


def probe(
    folder: Path, environment: dict[str, str], uuids: tuple[str, ...] = ()
) -> tuple[dict[str, Any], str]:
    """What a fresh process measures, and everything it printed besides."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(folder / "emissions"), *uuids],
        env=environment | {"PYTHONPATH": str(ROOT), "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    *printed, answer = done.stdout.splitlines()
    return json.loads(answer), "\n".join([*printed, done.stderr])


def test_a_busy_processor_uses_energy(tmp_path: Path) -> None:
    meter = CodeCarbonMeter(tmp_path / "emissions", "WORLD", ())
    meter.start()
    try:
        meter.open("prefill")
        spin(1.2)
        meter.close()
        first = meter.read()
        spin(0.3)
        meter.open("prefill")
        spin(0.3)
        meter.close()
        second = meter.read()
        spin(0.3)
    finally:
        meter.stop()
        meter.stop()
    assert first.cpu_joules is not None
    assert second.cpu_joules is not None
    assert first.cpu_joules > second.cpu_joules > 0
    assert first.ram_joules is not None
    assert first.ram_joules > 0
    assert first.gpu_joules is None
    assert first.gpu_cross_check_joules is None

    (total,) = rows(tmp_path / "emissions" / EMISSIONS_FILE)
    windows = rows(tmp_path / "emissions" / WINDOWS_FILE)
    assert [row["task_name"] for row in windows] == ["warm-up", "001 prefill", "002 prefill"]
    measured = first.ram_joules + (second.ram_joules or 0)
    assert float(total["ram_energy"]) * 3.6e6 == pytest.approx(measured, rel=0.01)
    assert float(total["duration"]) == pytest.approx(
        sum(float(row["duration"]) for row in windows[1:]), abs=0.05
    )


def test_the_sources_say_how(tmp_path: Path) -> None:
    meter = CodeCarbonMeter(tmp_path, "WORLD", ())
    meter.start()
    meter.stop()
    sources = meter.sources()
    assert sources.gpu is None
    assert sources.cpu is not None
    assert sources.ram is not None
    assert sources.cpu.method.startswith("CodeCarbon 3.3.2, ")
    assert sources.cpu.kind == ("measured" if "RAPL" in sources.cpu.method else "estimated")
    assert sources.ram.kind == "estimated"
    assert meter.gpus() == ()


@pytest.mark.parametrize("place", ["environment", "home file", "unreadable file"])
def test_ambient_configuration_changes_nothing(tmp_path: Path, place: str) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.lower().startswith("codecarbon_")}
    expected, _ = probe(tmp_path / "clean", clean)

    hostile = tmp_path / "hostile"
    hostile.mkdir()
    environment = dict(clean)
    if place == "environment":
        environment |= {f"CODECARBON_{key.upper()}": value for key, value in HOSTILE.items()}
    elif place == "home file":
        lines = [f"{key}={value}" for key, value in HOSTILE.items()]
        (hostile / ".codecarbon.config").write_text("\n".join(["[codecarbon]", *lines]))
    else:
        (hostile / ".codecarbon.config").write_text("force_cpu_power 5000 [[[")
    answer, printed = probe(hostile, environment)

    assert answer["sources"] == expected["sources"]
    assert ram_watts(hostile) == pytest.approx(ram_watts(tmp_path / "clean"), rel=0.1)
    window = rows(hostile / "emissions" / WINDOWS_FILE)[1]
    assert answer["reading"]["ram_joules"] == pytest.approx(float(window["ram_energy"]) * 3.6e6)
    assert answer["reading"]["cpu_joules"] < 1000
    assert answer["connections"] == []
    assert printed.strip() == ""

    (row,) = rows(hostile / "emissions" / EMISSIONS_FILE)
    assert (row["pue"], row["wue"], row["tracking_mode"]) == ("1.0", "0.0", "machine")
    assert (row["country_iso_code"], row["project_name"]) == ("FRA", "ai_energy_score")
    grams_per_kwh = float(row["emissions"]) / float(row["energy_consumed"]) * 1000
    assert grams_per_kwh == pytest.approx(56.039)


def test_a_second_tracker_on_the_machine_is_no_obstacle(tmp_path: Path) -> None:
    meters = [CodeCarbonMeter(tmp_path / str(number), "WORLD", ()) for number in range(2)]
    for meter in meters:
        meter.start()
        meter.open("prefill")
    spin(0.1)
    for meter in meters:
        meter.close()
    readings = [meter.read() for meter in meters]
    for meter in meters:
        meter.stop()
    assert all(reading.ram_joules for reading in readings)


def test_the_files_name_neither_machine_nor_user(tmp_path: Path) -> None:
    meter = CodeCarbonMeter(tmp_path, "FRA", ())
    meter.start()
    meter.open("prefill")
    meter.close()
    meter.stop()
    for path in tmp_path.iterdir():
        for row in rows(path):
            text = " ".join(value for key, value in row.items() if key != "os")
            assert socket.gethostname() not in text
            assert getpass.getuser() not in text
            assert not row.get("longitude")
            assert not row.get("latitude")


def test_what_codecarbon_prints_about_itself_is_kept_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    meter = CodeCarbonMeter(tmp_path, "WORLD", ())
    meter.start()
    meter.open("prefill")
    meter.close()
    meter.stop()
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_an_error_inside_codecarbon_is_a_meter_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codecarbon import emissions_tracker

    def explode(*_: object) -> None:
        raise RuntimeError("sensor on fire")

    meter = CodeCarbonMeter(tmp_path, "WORLD", ())
    meter.start()
    meter.open("prefill")
    monkeypatch.setattr(emissions_tracker.BaseEmissionsTracker, "_do_measurements", explode)
    with pytest.raises(MeterFault, match="sensor on fire"):
        meter.close()
    meter.stop()


def test_an_error_that_codecarbon_swallows_is_a_meter_fault_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codecarbon import emissions_tracker

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(emissions_tracker.BaseEmissionsTracker, "_init_output_methods", explode)
    meter = CodeCarbonMeter(tmp_path, "WORLD", ())
    with pytest.raises(MeterFault, match="cannot be set up"):
        meter.start()
    meter.stop()


def test_a_window_is_read_once_and_only_when_closed(tmp_path: Path) -> None:
    meter = CodeCarbonMeter(tmp_path, "WORLD", ())
    meter.start()
    meter.open("prefill")
    with pytest.raises(MeterFault, match="never closed"):
        meter.read()
    meter.close()
    assert meter.read().ram_joules
    with pytest.raises(MeterFault, match="never closed"):
        meter.read()
    meter.stop()


@pytest.mark.parametrize(
    "misuse",
    [CodeCarbonMeter.close, CodeCarbonMeter.read, lambda meter: meter.open("early")],
)
def test_windows_of_a_meter_that_never_started_are_faults(
    tmp_path: Path, misuse: Callable[[CodeCarbonMeter], object]
) -> None:
    with pytest.raises(MeterFault):
        misuse(CodeCarbonMeter(tmp_path, "WORLD", ()))


def test_a_folder_that_cannot_be_made_is_a_meter_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MeterFault, match="cannot be started"):
        CodeCarbonMeter(tmp_path / "file" / "emissions", "WORLD", ()).start()


def test_an_unknown_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecFault, match="ATLANTIS"):
        CodeCarbonMeter(tmp_path, "ATLANTIS", ()).start()


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler (cc)")
@pytest.mark.parametrize("has_tool", [True, False])
def test_the_gpu_figure_is_a_cross_check_of_the_same_devices(
    tmp_path: Path, has_tool: bool
) -> None:
    driver = simulated_driver.build(tmp_path / "driver")
    environment = simulated_driver.environment(driver, gpus=2, watts="350,100", step_ms=0)
    tools = tmp_path / "tools"
    tools.mkdir()
    if has_tool:
        (tools / "nvidia-smi").write_text("#!/bin/sh\n")
        (tools / "nvidia-smi").chmod(0o755)
    environment["PATH"] = str(tools)
    answer, _ = probe(tmp_path / "run", environment, (simulated_driver.uuid(1),))
    cross_check = answer["reading"]["gpu_cross_check_joules"]
    assert answer["reading"]["gpu_joules"] is None
    if has_tool:
        window = rows(tmp_path / "run" / "emissions" / WINDOWS_FILE)[1]
        assert cross_check == pytest.approx(100 * float(window["duration"]), rel=0.1)
    else:
        assert cross_check is None
