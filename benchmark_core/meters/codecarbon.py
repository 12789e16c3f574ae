"""CPU and RAM energy by CodeCarbon, and its GPU figure as a cross check of ours."""

import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark_core import carbon
from benchmark_core.contract import MeterName, SourceKind
from benchmark_core.faults import MeterFault
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts

EMISSIONS_FILE = "emissions.csv"
WINDOWS_FILE = "emissions_by_window.csv"
EXPERIMENT = "windows"
LOGGER = "codecarbon"
JOULES_PER_KWH = 3.6e6
# CodeCarbon's CPU modes that read a counter of the processor; all others are estimates.
COUNTER_MODES = {"intel_rapl": "RAPL counter of the processor"}
REMEDY = "See the log; without the codecarbon meter the run has no CPU and RAM energy."


class CodeCarbonMeter:
    """One CodeCarbon task per window, in the whole-machine mode, offline.

    Nothing but the arguments decides the figures: CodeCarbon's configuration files and CODECARBON_*
    variables are not read. Its CO2, and its GPU energy, stay in `output_dir` for comparison: the
    sum of all windows in `emissions.csv`, each window in `emissions_by_window.csv` (after a short
    one for warming up). For the region WORLD no country is named there.

    `gpu_cross_check_joules` is None unless CodeCarbon tracks exactly the devices of `gpu_uuids`; it
    tracks none where no nvidia-smi program is found.
    """

    name: MeterName = "codecarbon"

    def __init__(self, output_dir: Path, region: str, gpu_uuids: tuple[str, ...]) -> None:
        self._output_dir = output_dir
        self._region = region
        self._gpu_uuids = gpu_uuids
        self._notes = _Notes()
        self._tracker: Any = None
        self._sources = EnergySources()
        self._open = False
        self._closed: Any = None
        self._windows = 0
        self._measured_seconds = 0.0

    def start(self) -> None:
        factor = carbon.grid_factor(self._region)
        logging.getLogger(LOGGER).addFilter(self._notes)
        with self._codecarbon_faults("cannot be started"):
            self._output_dir.mkdir(parents=True, exist_ok=True)
            self._tracker = self._make_tracker(factor)
            # The first task detects the hardware and loads tables: seconds that no window pays.
            self._tracker.start_task("warm-up")
            self._tracker.stop_task("warm-up")
            self._sources = EnergySources(cpu=self._cpu_source(), ram=self._ram_source())

    def approach(self) -> None:
        """Nothing to wait for."""

    def open(self, label: str) -> None:
        self._windows += 1
        with self._codecarbon_faults("cannot open a window"):
            self._tracker.start_task(f"{self._windows:03d} {label}")
        self._open = True

    def close(self) -> None:
        if not self._open:
            raise self._fault("was asked to close a window that was never open")
        self._open = False
        with self._codecarbon_faults("cannot close a window"):
            energy = self._tracker.stop_task()
        if energy is None:
            raise self._fault("lost the window")
        self._measured_seconds += energy.duration
        self._closed = energy

    def read(self) -> Reading:
        energy, self._closed = self._closed, None
        if energy is None:
            raise self._fault("was asked to read a window that was never closed")
        return Reading(
            cpu_joules=self._joules(energy.cpu_energy),
            ram_joules=self._joules(energy.ram_energy),
            gpu_cross_check_joules=self._joules(energy.gpu_energy) if self._tracks_gpus() else None,
        )

    def total(self) -> Reading:
        """None: it measures nothing between its windows."""
        return Reading()

    def stop(self) -> None:
        """Writes the files too. Failing at that is no fault: no figure depends on them."""
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            with contextlib.suppress(Exception):
                self._write_files(tracker)
        self._open, self._closed = False, None
        logging.getLogger(LOGGER).removeFilter(self._notes)

    def sources(self) -> EnergySources:
        return self._sources

    def gpus(self) -> tuple[GpuFacts, ...]:
        return ()

    def _write_files(self, tracker: Any) -> None:
        if self._open:
            self._measured_seconds += tracker.stop_task().duration
        # CodeCarbon would add the pause since the last window to the energy, and give the run the
        # duration of that window alone.
        now = time.perf_counter()
        tracker._last_measured_time = now
        tracker._start_time = now - self._measured_seconds
        tracker.stop()
        by_window = self._output_dir / f"emissions_{EXPERIMENT}_{tracker.run_id}.csv"
        by_window.replace(self._output_dir / WINDOWS_FILE)

    def _cpu_source(self) -> EnergySource | None:
        from codecarbon._version import __version__

        cpu = self._hardware("CPU")
        if cpu is None:
            return None
        kind, how = describe_cpu(cpu._mode, cpu._tdp)
        return EnergySource(
            meter="codecarbon", kind=kind, method=f"CodeCarbon {__version__}, {how}"
        )

    def _ram_source(self) -> EnergySource | None:
        from codecarbon._version import __version__

        if self._hardware("RAM") is None:
            return None
        return EnergySource(
            meter="codecarbon",
            kind="estimated",
            method=f"CodeCarbon {__version__}, {describe_ram()}",
        )

    def _make_tracker(self, factor: carbon.GridFactor) -> Any:
        with _no_ambient_settings():
            from codecarbon import OfflineEmissionsTracker
            from codecarbon.output_methods.base_output import OutputMethod

            world = factor.region == carbon.WORLD
            tracker = OfflineEmissionsTracker(
                country_iso_code=None if world else factor.region,
                force_carbon_intensity_g_co2e_kwh=factor.g_per_kwh if world else None,
                project_name="ai_energy_score",
                experiment_name=EXPERIMENT,
                output_dir=str(self._output_dir),
                output_file=EMISSIONS_FILE,
                output_methods=[OutputMethod.CSV],
                tracking_mode="machine",
                gpu_ids=_driver_indices(self._gpu_uuids),
                allow_multiple_runs=True,
                log_level="warning",
            )
        # The constructor swallows every exception; this is the last thing that it sets.
        if not hasattr(tracker, "run_id"):
            raise self._fault("cannot be set up")
        return tracker

    def _hardware(self, kind: str) -> Any:
        """What CodeCarbon tracks of that kind; it has no public way to tell."""
        parts = getattr(self._tracker, "_hardware", [])
        return next((part for part in parts if type(part).__name__ == kind), None)

    def _tracks_gpus(self) -> bool:
        gpu = self._hardware("GPU")
        return bool(self._gpu_uuids) and len(getattr(gpu, "gpu_ids", None) or ()) == len(
            self._gpu_uuids
        )

    def _joules(self, kwh: float) -> float | None:
        """None for a window too short to hold anything: 0 would read as a measurement."""
        if not math.isfinite(kwh) or kwh < 0:
            raise self._fault(f"answered {kwh} kWh")
        return kwh * JOULES_PER_KWH or None

    @contextlib.contextmanager
    def _codecarbon_faults(self, what: str) -> Iterator[None]:
        try:
            yield
        except MeterFault:
            raise
        except Exception as error:
            raise self._fault(f"{what}: {type(error).__name__}: {error}") from error

    def _fault(self, what: str) -> MeterFault:
        said = f" (it said: {self._notes.last})" if self._notes.last else ""
        return MeterFault(f"CodeCarbon {what}{said}", REMEDY)


class _Notes(logging.Filter):
    """Keeps what CodeCarbon warns of, and lets it print nothing.

    It reports many of its failures in its log alone, and the last one explains a fault.
    """

    def __init__(self) -> None:
        super().__init__()
        self._warnings: deque[str] = deque(maxlen=8)

    @property
    def last(self) -> str | None:
        return self._warnings[-1] if self._warnings else None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            self._warnings.append(" ".join(record.getMessage().split()))
        return False


@contextlib.contextmanager
def _no_ambient_settings() -> Iterator[None]:
    """While a tracker is built, CodeCarbon finds no configuration file and no variable of its own.

    It has no switch for that, and passing every argument would still leave it to fail on a file
    that it cannot parse.
    """
    from codecarbon import emissions_tracker

    module: Any = emissions_tracker
    read = module.get_hierarchical_config
    module.get_hierarchical_config = dict
    try:
        yield
    finally:
        module.get_hierarchical_config = read


def _driver_indices(gpu_uuids: tuple[str, ...]) -> list[int]:
    """The driver's indices of the devices; none when one of them has none.

    CodeCarbon 3.3.2 takes UUIDs too, but strips the G from GPU-... and then finds nothing.
    """
    if not gpu_uuids:
        return []
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByUUID(uuid) for uuid in gpu_uuids]
        return [pynvml.nvmlDeviceGetIndex(handle) for handle in handles]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def describe_cpu(mode: str, tdp_watts: float | None) -> tuple[SourceKind, str]:
    """What CodeCarbon's CPU figure is in one of its modes, and how it comes by it."""
    if mode in COUNTER_MODES:
        return "measured", COUNTER_MODES[mode]
    if mode == "cpu_load" and tdp_watts is not None:
        return "estimated", f"load of the whole machine times TDP estimate of {tdp_watts:g} W"
    if mode == "constant" and tdp_watts is not None:
        return "estimated", f"half of the TDP estimate of {tdp_watts:g} W"
    return "estimated", f"mode {mode}"


def describe_ram() -> str:
    """How CodeCarbon comes by its RAM figure."""
    return "constant watts by memory size"
