"""The one algorithm: prepare, load, warm up, measure the passes, repeat, report.

It knows no task, backend or meter by name; the registries are seen here and nowhere else.
"""

import errno
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmark_core import carbon, environment, statistics, verdict
from benchmark_core.applied import applied_settings
from benchmark_core.atomic_file import write_text
from benchmark_core.backends import registry as backends
from benchmark_core.backends.base import Backend, LoadedModel, MeasuredPass, Prepared
from benchmark_core.contract import (
    EMISSIONS_DIR,
    LAUNCH_FILE,
    REPORT_FILE,
    SAMPLES_FILE,
    SPEC_FILE,
    Launch,
    RunSpec,
)
from benchmark_core.documents import ContractError
from benchmark_core.energy_files import write_energy_files
from benchmark_core.faults import DiskFault, ModelFault, RunFault, SpecFault
from benchmark_core.meters import registry as meters
from benchmark_core.meters.panel import MeterPanel
from benchmark_core.reasoning.rendering import render
from benchmark_core.report import Failure, Repetition, RunReport, TokenCounts, Window, mean
from benchmark_core.sample_journal import SampleJournal, open_journal
from benchmark_core.samples import LoadedSamples, load_samples
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.base import Task

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
REPORT_CRASH = "The log holds the traceback; please report it with the run folder."
LARGEST_FAILED_SHARE = 0.1
"""A run in which more of the samples fail than this has not measured the model."""


@dataclass(frozen=True)
class Session:
    """What one run works with, once everything is up."""

    spec: RunSpec
    task: Task
    backend: Backend
    meter: MeterPanel
    samples: LoadedSamples
    passes: tuple[MeasuredPass, ...]
    journal: SampleJournal


def run(folder: Path) -> RunReport:
    """Measure what `folder` asks for and leave the report there, on failure too.

    Raises:
        SpecFault: there is no usable spec, so there is nothing that a report could belong to.
    """
    spec, launch = _read_orders(folder)
    started_at = _now()
    try:
        report = _measure(folder, spec, launch, started_at)
    except RunFault as fault:
        report = _failed(spec, started_at, fault.kind, fault.message, fault.remedy)
    except Exception as error:  # noqa: BLE001 - the last act of a run is its report, whatever came
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            remedy = "Free the disk of the output directory and run the row again."
            report = _failed(spec, started_at, DiskFault.kind, str(error.strerror), remedy)
        else:
            traceback.print_exc(file=sys.stderr)
            message = f"{type(error).__name__}: {error}"
            report = _failed(spec, started_at, "crashed", message, REPORT_CRASH)
    write_energy_files(folder, report)
    write_text(folder / REPORT_FILE, report.to_json())
    return report


def _read_orders(folder: Path) -> tuple[RunSpec, Launch]:
    try:
        spec = RunSpec.read(folder / SPEC_FILE)
        path = folder / LAUNCH_FILE
        launch = Launch.read(path) if path.exists() else Launch(engine="none", launched_at=_now())
    except ContractError as error:
        raise SpecFault(str(error), f"Give a folder that holds a valid {SPEC_FILE}.") from error
    return spec, launch


def _measure(folder: Path, spec: RunSpec, launch: Launch, started_at: str) -> RunReport:
    task = tasks.get(spec.task)
    prompts = Path(launch.prompts_path) if launch.prompts_path else None
    samples = load_samples(spec, prompts, task.columns)
    recipe = task.recipe(spec, partial(render, request=spec.reasoning))
    passes = task.passes(spec.limits)
    with ExitStack() as stack:
        backend = backends.create(spec, recipe, folder)
        stack.callback(_clean_up, backend.close)
        meter = _meter_panel(folder, spec, launch, backend)
        stack.callback(_clean_up, meter.stop)
        meter.start()
        loaded = backend.load()
        journal = stack.enter_context(
            open_journal(folder / SAMPLES_FILE, spec.repetitions, len(passes) - 1, samples.used)
        )
        session = Session(spec, task, backend, meter, samples, passes, journal)
        backend.warm_up(backend.preprocess(samples.samples[:1])[0], passes)
        repetitions = [_repeat(session, number + 1) for number in range(spec.repetitions)]
        return _finished(session, launch, loaded, repetitions, started_at)


def _meter_panel(folder: Path, spec: RunSpec, launch: Launch, backend: Backend) -> MeterPanel:
    context = meters.MeterContext(
        gpu_uuids=launch.gpu_uuids,
        gpu_count=spec.device.gpu_count,
        output_dir=folder / EMISSIONS_DIR,
        region=launch.region,
        simulation=spec.backend.simulation,
        synchronise=backend.synchronise,
    )
    return MeterPanel([meters.create(name, context) for name in spec.meters])


def _repeat(session: Session, number: int) -> Repetition:
    """One repetition: every pass over all samples, each in its own window."""
    print(f"repetition {number} of {session.spec.repetitions}", flush=True)
    prepared: Sequence[Prepared] = []
    windows: list[Window] = []
    for step in session.passes:
        if step.name == "preprocess":
            window, prepared = _measure_preprocess(session)
        else:
            window = _measure_pass(session, step, prepared, number)
        windows.append(window)
    return Repetition(windows=tuple(windows), phases=session.task.phases(windows))


def _measure_preprocess(session: Session) -> tuple[Window, Sequence[Prepared]]:
    session.meter.approach()
    session.meter.open("preprocess")
    started = time.monotonic()
    prepared = session.backend.preprocess(session.samples.samples)
    session.backend.synchronise()
    seconds = time.monotonic() - started
    session.meter.close()
    reading = session.meter.read()
    return Window(
        name="preprocess",
        duration_seconds=seconds,
        reading=reading,
        tokens=TokenCounts(prompt=0, completion=0),
        successful=len(prepared),
        failed=0,
    ), prepared


def _measure_pass(
    session: Session, step: MeasuredPass, prepared: Sequence[Prepared], repetition: int
) -> Window:
    prompt_tokens = completion_tokens = failed = 0
    last_error = ""
    session.meter.approach()
    session.meter.open(step.name)
    started = previous = time.monotonic()
    for index, sample in enumerate(prepared, start=1):
        result, error = None, ""
        try:
            result = session.backend.run(sample, step)
            prompt_tokens += result.prompt_tokens
            completion_tokens += result.completion_tokens
        except RunFault:
            raise
        except Exception as problem:  # noqa: BLE001 - one bad sample fails that sample alone
            failed += 1
            error = last_error = f"{type(problem).__name__}: {problem}"
        now = time.monotonic()
        session.journal.write(repetition, step.name, index, now - previous, result, error)
        previous = now
    session.backend.synchronise()
    seconds = time.monotonic() - started
    session.meter.close()
    reading = session.meter.read()
    _refuse_too_many_failures(step, failed, len(prepared), last_error)
    return Window(
        name=step.name,
        duration_seconds=seconds,
        reading=reading,
        tokens=TokenCounts(prompt=prompt_tokens, completion=completion_tokens),
        successful=len(prepared) - failed,
        failed=failed,
    )


def _refuse_too_many_failures(step: MeasuredPass, failed: int, total: int, last: str) -> None:
    if failed > total * LARGEST_FAILED_SHARE:
        raise ModelFault(
            f"{failed} of {total} samples failed in the {step.name} pass; the last said: {last}",
            f"See the error column of {SAMPLES_FILE}.",
        )


def _finished(
    session: Session,
    launch: Launch,
    loaded: LoadedModel,
    repetitions: Sequence[Repetition],
    started_at: str,
) -> RunReport:
    spec = session.spec
    summary = statistics.summarize(repetitions, session.samples.used)
    sources = session.meter.sources()
    gpus = session.meter.gpus()
    applied = applied_settings(
        loaded, session.backend.conditions(), session.samples, session.meter.names
    )
    return RunReport(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="finished",
        verdict=verdict.judge(spec, applied, summary, repetitions, sources, gpus),
        rehearsal=verdict.is_rehearsal(spec, sources, gpus),
        applied=applied,
        summary=summary,
        carbon=carbon.emissions(
            mean(summary.gpu_energy_wh),
            mean(summary.cpu_energy_wh),
            mean(summary.ram_energy_wh),
            launch.region,
            gpu_used=applied.device.kind != "cpu",
        ),
        energy_sources=sources,
        repetitions=tuple(repetitions),
        environment=environment.describe(gpus),
        started_at=started_at,
        finished_at=_now(),
    )


def _clean_up(release: Callable[[], None]) -> None:
    """Give something back; failing at that cannot make a measured run a failed one."""
    try:
        release()
    except Exception:  # noqa: BLE001 - the figures are made by then
        traceback.print_exc(file=sys.stderr)


def _failed(spec: RunSpec, started_at: str, kind: str, message: str, remedy: str) -> RunReport:
    return RunReport(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="failed",
        failure=Failure(kind=kind, message=_one_line(message), remedy=_one_line(remedy)),
        rehearsal=spec.backend.simulation is not None,
        started_at=started_at,
        finished_at=_now(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]
