"""The meters that are compared, each behind the same few calls.

Everything runs in a process that has loaded the simulated driver; device 0 is measured.
"""

import importlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from benchmark_core.contract import TRACE_FILE
from benchmark_core.meters import registry
from benchmark_core.meters.base import Meter
from tests.support.simulated_driver import uuid

JOULES_PER_KWH = 3.6e6
OURS = "ours"
PACKAGES = {"codecarbon": "codecarbon", "zeus": "zeus"}


class Subject(Protocol):
    """One meter under comparison: prepare, open, close, joules for each window."""

    name: str

    def start(self) -> None:
        """Once, before the first window."""

    def prepare(self) -> None:
        """Whatever a user would do before each window, waiting included."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def joules(self) -> float | None:
        """Of the window just closed; None where the meter gives no figure. May wait."""

    def stop(self) -> None: ...


class Ours:
    name = OURS

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "ours"
        self._meter: Meter | None = None

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._meter = registry.create("nvml", _context(self._folder))
        self._meter.start()

    def prepare(self) -> None:
        self._started.approach()

    def open(self) -> None:
        self._started.open("window")

    def close(self) -> None:
        self._started.close()

    def joules(self) -> float | None:
        return self._started.read().gpu_joules

    def stop(self) -> None:
        if self._meter is not None:
            self._meter.stop()

    @property
    def _started(self) -> Meter:
        assert self._meter is not None
        return self._meter


class CodeCarbonStartStop:
    """A new tracker around every window."""

    name = "codecarbon start/stop"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tracker: Any = None

    def start(self) -> None:
        """Nothing outlives a window."""

    def prepare(self) -> None:
        self._tracker = _tracker(self._folder)

    def open(self) -> None:
        self._tracker.start()

    def close(self) -> None:
        self._tracker.stop()

    def joules(self) -> float | None:
        return float(self._tracker.final_emissions_data.gpu_energy * JOULES_PER_KWH)

    def stop(self) -> None:
        """Nothing outlives a window."""


class CodeCarbonTask:
    """One tracker, a task for every window."""

    name = "codecarbon task"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tracker: Any = None
        self._energy: Any = None
        self._tasks = 0

    def start(self) -> None:
        self._tracker = _tracker(self._folder)

    def prepare(self) -> None:
        """Nothing to do."""

    def open(self) -> None:
        self._tasks += 1
        self._tracker.start_task(f"window {self._tasks}")

    def close(self) -> None:
        self._energy = self._tracker.stop_task()

    def joules(self) -> float | None:
        return float(self._energy.gpu_energy * JOULES_PER_KWH)

    def stop(self) -> None:
        self._tracker.stop()


class Zeus:
    def __init__(self, name: str, approx_instant_energy: bool) -> None:
        self.name = name
        self._approx_instant_energy = approx_instant_energy
        self._monitor: Any = None
        self._measurement: Any = None

    def start(self) -> None:
        zeus = importlib.import_module("zeus.monitor")
        self._monitor = zeus.ZeusMonitor(
            gpu_indices=[0], cpu_indices=[], approx_instant_energy=self._approx_instant_energy
        )

    def prepare(self) -> None:
        """Nothing to do."""

    def open(self) -> None:
        self._monitor.begin_window("window", sync_execution=False)

    def close(self) -> None:
        self._measurement = self._monitor.end_window("window", sync_execution=False)

    def joules(self) -> float | None:
        return float(self._measurement.gpu_energy[0])

    def stop(self) -> None:
        """Zeus holds nothing that would have to be given back."""


ZEUS_MODES = {"zeus": False, "zeus instant": True}
"""Whether approx_instant_energy is on."""
PEERS = (*ZEUS_MODES, CodeCarbonStartStop.name, CodeCarbonTask.name)
NAMES = (OURS, *PEERS)


def create(name: str, folder: Path) -> Subject:
    """The subject of that name, which keeps its files in `folder`. KeyError: there is none."""
    if name == OURS:
        return Ours(folder)
    if name == CodeCarbonStartStop.name:
        return CodeCarbonStartStop(folder)
    if name == CodeCarbonTask.name:
        return CodeCarbonTask(folder)
    return Zeus(name, ZEUS_MODES[name])


def installed_peers() -> tuple[str, ...]:
    """Those of PEERS whose package this Python has."""
    return tuple(
        name for name in PEERS if importlib.util.find_spec(PACKAGES[name.split()[0]]) is not None
    )


def environment(folder: Path, driver: Mapping[str, str]) -> dict[str, str]:
    """`driver`, that of the simulated driver, so that the peers work and nothing else decides.

    CodeCarbon tracks no GPU unless a program named nvidia-smi answers; it reads the configuration
    in the home directory and CODECARBON_* variables. Zeus goes by CUDA_VISIBLE_DEVICES.
    """
    programs = folder / "programs"
    programs.mkdir(parents=True, exist_ok=True)
    stub = programs / "nvidia-smi"
    stub.write_text("#!/bin/sh\nexit 0\n")
    stub.chmod(0o755)
    kept = {
        name: text
        for name, text in driver.items()
        if not name.startswith("CODECARBON_") and name != "CUDA_VISIBLE_DEVICES"
    }
    root = Path(__file__).resolve().parents[2]
    return kept | {
        "PATH": os.pathsep.join([str(programs), driver.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "PYTHONPATH": str(root),
    }


def _context(folder: Path) -> registry.MeterContext:
    return registry.MeterContext(
        gpu_uuids=(uuid(0),),
        gpu_count=1,
        output_dir=folder,
        trace_path=folder / TRACE_FILE,
        region="WORLD",
        dcgm_endpoint=None,
        simulation=None,
        synchronise=lambda: None,
    )


def _tracker(folder: Path) -> Any:
    from codecarbon import OfflineEmissionsTracker

    return OfflineEmissionsTracker(
        country_iso_code="USA",
        project_name="comparison",
        output_dir=str(folder),
        output_methods=[],
        tracking_mode="machine",
        gpu_ids=[0],
        allow_multiple_runs=True,
        log_level="critical",
    )
