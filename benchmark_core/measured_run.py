"""The one algorithm: prepare, rest, load, warm up, repeat, rest.

Where a model is held that the run can use, nothing is loaded.

It knows no task, backend or meter by name. Of this package it alone sees the registry of meters,
and with `delegated_run` that of backends.
"""

import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmark_core import thermal_gate
from benchmark_core.applied import applied_settings
from benchmark_core.backends import registry as backends
from benchmark_core.backends.base import Backend
from benchmark_core.conclusion import Measurements
from benchmark_core.contract import (
    EMISSIONS_DIR,
    REASONING_FILE,
    SAMPLES_FILE,
    TRACE_FILE,
    Kind,
    Launch,
    RunSpec,
)
from benchmark_core.faults import MeterFault
from benchmark_core.held_model import Borrowed, HeldModel, is_on_gpus
from benchmark_core.kinds import MeasuredPass, passes_of
from benchmark_core.ledger import IDLE_AFTER, IDLE_BEFORE, LOAD, WARM_UP
from benchmark_core.meters import registry as meters
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning_journal import ReasoningJournal
from benchmark_core.recipe import LoadedModel
from benchmark_core.repetitions import Repetitions, Session, repeat
from benchmark_core.report.rest import ThermalGate
from benchmark_core.sample_journal import SampleJournal, open_journal
from benchmark_core.samples import LoadedSamples, load_samples
from benchmark_core.server_processes import with_own_gpus
from benchmark_core.tasks import registry as tasks
from benchmark_core.warm_up import warm_up
from benchmark_core.windows import Windows


@dataclass(frozen=True)
class _Setup:
    """What one run works with. `borrowed` is its model, where an earlier run has loaded it."""

    folder: Path
    spec: RunSpec
    launch: Launch
    samples: LoadedSamples
    prompts: Prompts
    backend: Backend
    borrowed: Borrowed | None
    meter: MeterPanel
    windows: Windows
    was_on_gpus: bool


def measure(folder: Path, spec: RunSpec, launch: Launch, held: HeldModel) -> Measurements:
    """All that one run brings home; its power trace is whole then. Raises RunFault.

    The run uses the model in `held`, where it is the run's, and leaves its own there.
    """
    with _prepare(folder, spec, launch, held) as run:
        gate = _come_to_rest(run)
        rest_before = _watch_rest(run, IDLE_BEFORE)
        loaded = _load(run)
        passes = passes_of(loaded.kind, spec.limits, spec.steps)
        with _open_journal(run, passes) as journal:
            loaded = _warm_up(run, loaded, passes)
            repetitions = repeat(_session(run, loaded.kind, passes, journal))
        rest_after = _watch_rest(run, IDLE_AFTER)
        return _bring_home(run, loaded, repetitions, gate, (rest_before, rest_after))


@contextmanager
def _prepare(folder: Path, spec: RunSpec, launch: Launch, held: HeldModel) -> Iterator[_Setup]:
    """Everything but the model; the meter is at work."""
    task = tasks.get(spec.task)
    samples = load_samples(spec, launch, task.columns)
    prompts = Prompts(spec.model.id, spec.reasoning)
    recipe = task.recipe(spec, prompts)
    was_on_gpus = is_on_gpus()
    backend = backends.create(spec, launch, recipe, task.kinds[0], folder)
    with (
        held.serving(backend, spec, launch) as borrowed,
        _metering(folder, spec, launch, backend) as meter,
    ):
        yield _Setup(
            folder=folder,
            spec=spec,
            launch=launch,
            samples=samples,
            prompts=prompts,
            backend=backend,
            borrowed=borrowed,
            meter=meter,
            windows=Windows(meter, backend.synchronise),
            was_on_gpus=was_on_gpus,
        )


@contextmanager
def _metering(
    folder: Path, spec: RunSpec, launch: Launch, backend: Backend
) -> Iterator[MeterPanel]:
    meter = _meter_panel(folder, spec, launch, backend)
    try:
        meter.start()
        with _meter_asked_first(meter):
            yield meter
    finally:
        _stop(meter)


def _meter_panel(folder: Path, spec: RunSpec, launch: Launch, backend: Backend) -> MeterPanel:
    context = meters.MeterContext(
        gpu_uuids=launch.gpu_uuids,
        gpu_count=spec.device.gpu_count,
        output_dir=folder / EMISSIONS_DIR,
        trace_path=folder / TRACE_FILE,
        region=launch.region,
        dcgm_endpoint=launch.dcgm_endpoint,
        simulation=spec.backend.simulation,
        synchronise=backend.synchronise,
    )
    names = meters.fastest_first(spec.meters)
    return MeterPanel([meters.create(name, context) for name in names])


@contextmanager
def _meter_asked_first(meter: MeterPanel) -> Iterator[None]:
    """A GPU that is lost makes the model fail first; the meter can still tell that it is lost."""
    try:
        yield
    except MeterFault:
        raise
    except Exception:
        try:
            meter.approach()
        except MeterFault as fault:
            if fault.reason == "gpu_lost":
                raise
        raise


def _come_to_rest(run: _Setup) -> ThermalGate | None:
    """Only where the power at rest is asked for, and a meter of this machine traces it."""
    trace_path = run.folder / TRACE_FILE
    if run.spec.idle_seconds is None or not trace_path.exists():
        return None
    uuids = [gpu.uuid for gpu in run.meter.gpus()]
    known = {} if run.borrowed else run.launch.gpus_at_rest
    return thermal_gate.wait(trace_path, uuids, run.spec.idle_seconds, known)


def _watch_rest(run: _Setup, label: str) -> float | None:
    """Watts of all GPUs together while nothing is asked of them."""
    seconds = run.spec.idle_seconds
    if seconds is None:
        return None
    measured, _ = run.windows.measure(label, lambda: time.sleep(seconds))
    joules = measured.reading.gpu_joules
    return None if joules is None else joules / measured.duration_seconds


def _load(run: _Setup) -> LoadedModel:
    if run.borrowed:
        loaded = run.borrowed.loaded
    else:
        _, loaded = run.windows.measure(LOAD, run.backend.load)
    _refuse_other_gpus(loaded, run.meter)
    return loaded


def _open_journal(
    run: _Setup, passes: Sequence[MeasuredPass]
) -> AbstractContextManager[SampleJournal]:
    """The pass that only prepares samples leaves no lines."""
    path = run.folder / SAMPLES_FILE
    return open_journal(path, run.spec.repetitions, len(passes) - 1, run.samples.used)


def _warm_up(run: _Setup, loaded: LoadedModel, passes: Sequence[MeasuredPass]) -> LoadedModel:
    """The model as it is known then: its server may load it with the first request only."""
    run.windows.measure(WARM_UP, lambda: warm_up(run.spec, run.backend, run.samples, passes))
    loaded = with_own_gpus(loaded, run.spec, run.launch, run.meter.names)
    _refuse_other_gpus(loaded, run.meter)
    return loaded


def _refuse_other_gpus(loaded: LoadedModel, meter: MeterPanel) -> None:
    """Before anything is measured; where the framework or the meter names no GPUs all is well."""
    watched = {gpu.uuid for gpu in meter.gpus()}
    own = set(loaded.gpu_uuids)
    if own and watched and own != watched:
        raise MeterFault(
            f"the model lies on {', '.join(sorted(own))}, the meter watches"
            f" {', '.join(sorted(watched))}",
            "Name with --gpus exactly those that the server computes on."
            if loaded.server
            else "Launch the run with the same GPUs in CUDA_VISIBLE_DEVICES and for the meter.",
            "meter_watches_other_gpus",
        )


def _session(
    run: _Setup, kind: Kind, passes: tuple[MeasuredPass, ...], journal: SampleJournal
) -> Session:
    return Session(
        spec=run.spec,
        kind=kind,
        backend=run.backend,
        windows=run.windows,
        samples=run.samples,
        passes=passes,
        journal=journal,
        reasoning_journal=ReasoningJournal(run.folder / REASONING_FILE),
        split=run.prompts.split,
    )


def _bring_home(
    run: _Setup,
    loaded: LoadedModel,
    repetitions: Repetitions,
    gate: ThermalGate | None,
    rest_watts: tuple[float | None, float | None],
) -> Measurements:
    borrowed, samples, meter = run.borrowed, run.samples, run.meter
    before, after = rest_watts
    measurements = Measurements(
        repetitions=repetitions,
        applied=applied_settings(loaded, run.backend.conditions(), samples, meter.names),
        reasoning=run.prompts.facts(),
        samples_used=samples.used,
        sources=meter.sources(),
        gpus=meter.gpus(),
        spans=tuple(run.windows.spans),
        total=meter.total(),
        gate=gate,
        # With a model on it a GPU is at another rest than the one to compare with.
        rest_watts=(None if borrowed else before, after),
        load_shared_with=borrowed.loaded_by if borrowed else None,
        was_on_gpus=run.was_on_gpus,
    )
    # Now, because all that is amiss with it is to be known before the report.
    meter.stop()
    return measurements


def _stop(meter: MeterPanel) -> None:
    """Failing at that cannot make a measured run a failed one."""
    try:
        meter.stop()
    except Exception:  # noqa: BLE001 - the figures are made by then
        traceback.print_exc(file=sys.stderr)
