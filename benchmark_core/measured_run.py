"""The one algorithm: prepare, rest, load, warm up, repeat, rest.

Where a model is held that the run can use, nothing is loaded.

It knows no task, backend or meter by name. Of this package it alone sees the registry of meters,
and with `delegated_run` that of backends.
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmark_core import thermal_gate
from benchmark_core.applied import applied_settings
from benchmark_core.backends import registry as backends
from benchmark_core.backends.base import Backend, Unusable
from benchmark_core.conclusion import Measurements
from benchmark_core.contract import (
    EMISSIONS_DIR,
    REASONING_FILE,
    SAMPLES_FILE,
    TRACE_FILE,
    GpuRest,
    Launch,
    RunSpec,
)
from benchmark_core.faults import (
    MeterFault,
    ModelFault,
    RunFault,
    SampleFault,
)
from benchmark_core.held_model import HeldModel, is_on_gpus
from benchmark_core.kinds import MeasuredPass, passes_of
from benchmark_core.ledger import IDLE_AFTER, IDLE_BEFORE, LOAD, WARM_UP
from benchmark_core.meters import registry as meters
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.reasoning_journal import ReasoningJournal
from benchmark_core.recipe import LoadedModel
from benchmark_core.repetitions import LARGEST_FAILED_SHARE, Session, repeat
from benchmark_core.report import ThermalGate
from benchmark_core.sample_journal import open_journal
from benchmark_core.samples import LoadedSamples, load_samples
from benchmark_core.server_processes import with_own_gpus
from benchmark_core.tasks import registry as tasks
from benchmark_core.windows import Windows


def measure(folder: Path, spec: RunSpec, launch: Launch, held: HeldModel) -> Measurements:
    """All that one run brings home; its power trace is whole then. Raises RunFault.

    The run uses the model in `held`, where it is the run's, and leaves its own there.
    """
    task = tasks.get(spec.task)
    samples = load_samples(spec, launch, task.columns)
    prompts = Prompts(spec.model.id, spec.reasoning)
    recipe = task.recipe(spec, prompts)
    was_on_gpus = is_on_gpus()
    with ExitStack() as stack:
        backend = backends.create(spec, launch, recipe, task.kinds[0], folder)
        borrowed = stack.enter_context(held.serving(backend, spec, launch))
        meter = _meter_panel(folder, spec, launch, backend)
        stack.callback(_clean_up, meter.stop)
        meter.start()
        stack.enter_context(_meter_asked_first(meter))
        known = {} if borrowed else launch.gpus_at_rest
        gate = _come_to_rest(folder / TRACE_FILE, spec, known, meter)
        windows = Windows(meter, backend.synchronise)
        rest_before = _watch_rest(windows, IDLE_BEFORE, spec)
        loaded = borrowed.loaded if borrowed else windows.measure(LOAD, backend.load)[1]
        _refuse_other_gpus(loaded, meter)
        passes = passes_of(loaded.kind, spec.limits, spec.steps)
        journal = stack.enter_context(
            open_journal(folder / SAMPLES_FILE, spec.repetitions, len(passes) - 1, samples.used)
        )
        windows.measure(WARM_UP, lambda: _warm_up(spec, backend, samples, passes))
        # Only now, because a server may load its model with the first request.
        loaded = with_own_gpus(loaded, spec, launch, meter.names)
        _refuse_other_gpus(loaded, meter)
        session = Session(
            spec,
            loaded.kind,
            backend,
            windows,
            samples,
            passes,
            journal,
            ReasoningJournal(folder / REASONING_FILE),
            prompts.split,
        )
        repetitions = repeat(session)
        rest_after = _watch_rest(windows, IDLE_AFTER, spec)
        measurements = Measurements(
            repetitions=repetitions,
            applied=applied_settings(loaded, backend.conditions(), samples, meter.names),
            reasoning=prompts.facts(),
            samples_used=samples.used,
            sources=meter.sources(),
            gpus=meter.gpus(),
            spans=tuple(windows.spans),
            total=meter.total(),
            gate=gate,
            # With a model on it a GPU is at another rest than the one to compare with.
            rest_watts=(None if borrowed else rest_before, rest_after),
            load_shared_with=borrowed.loaded_by if borrowed else None,
            was_on_gpus=was_on_gpus,
        )
        # Now, because all that is amiss with it is to be known before the report.
        meter.stop()
        return measurements


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


def _come_to_rest(
    trace_path: Path, spec: RunSpec, known: Mapping[str, GpuRest], meter: MeterPanel
) -> ThermalGate | None:
    """Only where the power at rest is asked for, and a meter of this machine traces it."""
    if spec.idle_seconds is None or not trace_path.exists():
        return None
    uuids = [gpu.uuid for gpu in meter.gpus()]
    return thermal_gate.wait(trace_path, uuids, spec.idle_seconds, known)


def _warm_up(
    spec: RunSpec, backend: Backend, samples: LoadedSamples, passes: Sequence[MeasuredPass]
) -> None:
    """On the first sample that can be used; a bad one fails later, where it is counted."""
    because, failed = "", 0
    whose = f"model {spec.model.id}, {spec.task.replace('_', ' ')}"
    for sample in samples.samples:
        (prepared,) = backend.preprocess([sample])
        if isinstance(prepared, Unusable):
            because = prepared.because
            continue
        try:
            backend.warm_up(prepared, passes)
            return
        except RunFault:
            raise
        except Exception as problem:  # noqa: BLE001 - one bad sample fails that sample alone
            because, failed = f"{type(problem).__name__}: {problem}", failed + 1
        if failed > samples.used * LARGEST_FAILED_SHARE:
            raise ModelFault(
                f"{whose}: {failed} {'sample' if failed == 1 else 'samples'} failed before any was"
                f" run; the last said: {because}",
                "See the log; check that the model is one for this task.",
            )
    if samples.used == 1:
        none = "the only sample cannot be used"
    else:
        none = f"none of the {samples.used} samples can be used; the last said"
    raise SampleFault(
        f"{whose}: {none}: {because}",
        "Check that the samples are made for this task.",
    )


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


def _watch_rest(windows: Windows, label: str, spec: RunSpec) -> float | None:
    """Watts of all GPUs together while nothing is asked of them."""
    seconds = spec.idle_seconds
    if seconds is None:
        return None
    measured, _ = windows.measure(label, lambda: time.sleep(seconds))
    joules = measured.reading.gpu_joules
    return None if joules is None else joules / measured.duration_seconds


def _clean_up(release: Callable[[], None]) -> None:
    """Give something back; failing at that cannot make a measured run a failed one."""
    try:
        release()
    except Exception:  # noqa: BLE001 - the figures are made by then
        traceback.print_exc(file=sys.stderr)
