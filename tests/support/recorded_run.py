"""A finished run with all its evidence, as if one H100 had been measured: official, in a moment.

Windows, power trace and sample lines all follow from one course of power, so everything in the
folder agrees; the report is made by the code that makes real ones.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark_core.conclusion import Measurements, make_report
from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    GpuRest,
    Launch,
    ModelSpec,
    PassName,
    RunSpec,
    SampleSource,
)
from benchmark_core.energy_files import write_energy_files
from benchmark_core.kinds import phases_of
from benchmark_core.ledger import Span
from benchmark_core.power_trace import TraceRow
from benchmark_core.repetitions import Repetitions
from benchmark_core.report.energy import EnergySource, EnergySources, Reading
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.repetition import Repetition, Window
from benchmark_core.report.rest import ThermalGate
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.sample_journal import COLUMNS
from benchmark_core.tasks import registry as tasks
from orchestrator.master_table import MasterTable
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from tests.support import builders
from tests.support.traces import sampled, write_trace

UUID = "GPU-51510000-0000-4000-8000-000000000000"
GPU = GpuFacts(
    uuid=UUID,
    uuid_sha256=hashlib.sha256(UUID.encode()).hexdigest(),
    name="NVIDIA H100 80GB HBM3",
    memory_bytes=85_520_809_984,
    power_limit_watts=700.0,
    default_power_limit_watts=700.0,
    driver_version="550.54",
    cuda_version="12.4",
)
IDLE_WATTS = 70.0
CPU_WATTS, RAM_WATTS = 90.0, 20.0
WATTS = {"load": 110.0, "warm_up": 300.0, "preprocess": 120.0, "prefill": 420.0, "generate": 520.0}
COUNTER_STEP_SECONDS = 0.1
PROMPT_TOKENS, NEW_TOKENS = 20, 10
COMMIT = "1" * 40


@dataclass(frozen=True)
class Shape:
    """How large the run is. `watts_factor` scales the power of its work.

    `has_power` and `has_counter` say what the GPU's driver tells; `hole` are seconds of the run of
    which the trace has no line. `changes` are fields of the spec.
    """

    run_id: str = "org_model_Off"
    model: str = "org/model"
    samples: int = 1000
    repetitions: int = 10
    seconds_per_sample: float = 0.02
    watts_factor: float = 1.0
    has_power: bool = True
    has_counter: bool = True
    hole: tuple[float, float] = (0.0, 0.0)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> RunSpec:
        fields: dict[str, Any] = {
            "run_id": self.run_id,
            "model": ModelSpec(id=self.model, model_class="A"),
            "samples": SampleSource(
                dataset_id=tasks.get("text_generation").dataset_id, count=self.samples
            ),
            "repetitions": self.repetitions,
            "backend": BackendSpec(name="pytorch"),
            "device": DeviceSpec(kind="cuda", gpu_count=1),
            "meters": ("nvml", "codecarbon"),
            "idle_seconds": 1.0,
        }
        return builders.spec(**(fields | dict(self.changes)))


class _Course:
    """The power over time: windows of known power, rest in between."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.spans: list[Span] = []
        self._steps: list[tuple[float, float, float]] = []
        self._at = 1000.0
        seconds = shape.samples * shape.seconds_per_sample
        self._add("idle_before", 1.0, IDLE_WATTS)
        self._add("load", 2.0, WATTS["load"])
        self._add("warm_up", 0.5, WATTS["warm_up"])
        for number in range(1, shape.repetitions + 1):
            # No two repetitions are quite alike.
            factor = shape.watts_factor * (1 + 0.002 * (number % 3))
            self._add(f"preprocess {number}", 0.4, WATTS["preprocess"] * factor)
            self._add(f"prefill {number}", seconds * 0.4, WATTS["prefill"] * factor)
            self._add(f"generate {number}", seconds, WATTS["generate"] * factor)
        self._add("idle_after", 1.0, IDLE_WATTS)

    def _add(self, name: str, seconds: float, watts: float) -> None:
        start, end = self._at + 0.03, self._at + 0.03 + seconds
        self._steps += [(self._at, start, IDLE_WATTS), (start, end, watts)]
        self.spans.append(Span(name, start, end, (end - start) * watts))
        self._at = end

    def total_joules(self) -> float:
        first, last = self.spans[0].opened_at, self.spans[-1].closed_at
        return sum(
            (min(end, last) - max(start, first)) * watts
            for start, end, watts in self._steps
            if end > first
        )

    def rows(self) -> list[TraceRow]:
        """From half a second before the first window to half a second after the last."""
        counter, windows = _Counter(self._steps), list(reversed(self.spans))
        computing_from = self.spans[1].closed_at

        def look(seconds: float, _: int) -> TraceRow | None:
            if self.shape.hole[0] < seconds - self._steps[0][0] < self.shape.hole[1]:
                return None
            while len(windows) > 1 and windows[-1].closed_at < seconds:
                windows.pop()
            now = windows[-1]
            is_open = now.opened_at <= seconds <= now.closed_at
            watts = (now.gpu_joules or 0.0) / now.seconds if is_open else IDLE_WATTS
            return TraceRow(
                seconds=seconds,
                gpu=0,
                phase=now.name if is_open else "",
                watts=watts if self.shape.has_power else None,
                instant_watts=watts if self.shape.has_power else None,
                counter_joules=counter.read(seconds) if self.shape.has_counter else None,
                celsius=45.0,
                sm_clock_mhz=1980.0,
                utilisation_percent=100.0,
                power_limit_watts=700.0,
                processes=int(seconds > computing_from),
            )

        return sampled(self._at + 0.5, look, since=self._steps[0][0] - 0.5)


class _Counter:
    """Energy in steps of 0.1 s. It is read forwards only, so that long runs are quick to make."""

    def __init__(self, steps: Sequence[tuple[float, float, float]]) -> None:
        self._steps = list(reversed(steps))
        self._at = steps[0][0]
        self._joules = 5000.0

    def read(self, seconds: float) -> float:
        stepped = seconds - seconds % COUNTER_STEP_SECONDS
        while self._steps and self._at < stepped:
            _, end, watts = self._steps[-1]
            until = min(end, stepped)
            self._joules += (until - self._at) * watts
            self._at = until
            if end <= stepped:
                self._steps.pop()
        return self._joules


def record_run(results: Path, shape: Shape | None = None) -> Path:
    """Adds the run to an output directory, with its log and its row; answers its folder."""
    shape = shape or Shape()
    directory = RunDirectory(results)
    directory.create()
    folder = directory.folder(shape.run_id)
    spec, course = shape.spec(), _Course(shape)
    log = f"{shape.run_id}_20260102T030405678.log"
    launch = Launch(
        engine="docker",
        image="ai_energy_score",
        image_digest="sha256:" + "2" * 64,
        gpu_uuids=(UUID,),
        gpus_at_rest={UUID: GpuRest(watts=IDLE_WATTS, celsius=40.0)},
        log_file=log,
        launched_at=builders.NOW,
    )
    folder.prepare(spec, launch)
    write_trace(folder.path / "power_trace.csv", course.rows())
    _write_samples(folder.journal_path, shape)
    _write_emissions(folder.path / "emissions", course)
    report = make_report(
        folder.path / "power_trace.csv",
        spec,
        launch,
        _measurements(shape, spec, course),
        builders.NOW,
        builders.NOW,
    )
    folder.report_path.write_text(report.to_json())
    write_energy_files(folder.path, report)
    (directory.logs_path / log).write_text(f"{shape.run_id} begins\n{shape.run_id} finished\n")
    outcome = Outcome(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome="finished",
        exit_code=0,
        engine="docker",
        image_digest=launch.image_digest,
        started_at=builders.NOW,
        finished_at=builders.NOW,
        log_file=log,
    )
    folder.record(spec, launch, outcome)
    rebuild(results)
    return folder.path


def rebuild(results: Path) -> None:
    """The table from the folders, as the batch runner makes it."""
    table = MasterTable(RunDirectory(results))
    assert table.read_folders() == {}
    table.write()


def _write_samples(path: Path, shape: Shape) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number in range(1, shape.repetitions + 1):
            for name, tokens, share in (("prefill", 1, 0.4), ("generate", NEW_TOKENS, 1.0)):
                seconds = f"{shape.seconds_per_sample * share * 0.99:.6f}"
                writer.writerows(
                    (number, shape.repetitions, name, 2, sample, shape.samples,
                     PROMPT_TOKENS, tokens, seconds, "length", "")
                    for sample in range(1, shape.samples + 1)
                )  # fmt: skip


def _write_emissions(folder: Path, course: _Course) -> None:
    folder.mkdir()
    with (folder / "emissions_by_window.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("task_name", "duration", "cpu_energy", "ram_energy"))
        for number, span in enumerate(course.spans, start=1):
            energies = (span.seconds * watts / 3.6e6 for watts in (CPU_WATTS, RAM_WATTS))
            writer.writerow((f"{number:03d} {span.name}", span.seconds, *energies))


def _measurements(shape: Shape, spec: RunSpec, course: _Course) -> Measurements:
    spans = {span.name: span for span in course.spans}
    repetitions = tuple(
        _repetition(shape, number, spans) for number in range(1, shape.repetitions + 1)
    )
    source = EnergySource(
        meter="nvml",
        kind="measured",
        method="energy counter; both edges aligned to its steps",
        integrated=not shape.has_counter,
    )
    return Measurements(
        repetitions=Repetitions(repetitions, tuple(() for _ in repetitions), None),
        applied=builders.applied(
            spec,
            model_commit=COMMIT,
            processor_commit=COMMIT,
            dataset_commit="2" * 40,
            samples_available=shape.samples,
            samples_used=shape.samples,
            gpu_uuids=(UUID,),
        ),
        reasoning=builders.facts(spec),
        samples_used=shape.samples,
        sources=EnergySources(
            gpu=source,
            cpu=EnergySource(meter="codecarbon", kind="measured", method="RAPL"),
            ram=EnergySource(meter="codecarbon", kind="estimated", method="by memory size"),
        ),
        gpus=(GPU,),
        spans=tuple(course.spans),
        total=Reading(gpu_joules=course.total_joules()),
        gate=ThermalGate(
            waited_seconds=0.0, settled=True, at_rest={UUID: GpuRest(watts=IDLE_WATTS)}
        ),
        rest_watts=(_watts(spans["idle_before"]), _watts(spans["idle_after"])),
    )


def _watts(span: Span) -> float:
    return (span.gpu_joules or 0.0) / span.seconds


def _repetition(shape: Shape, number: int, spans: dict[str, Span]) -> Repetition:
    tokens = {"preprocess": (0, 0), "prefill": (PROMPT_TOKENS, 1)}
    windows: list[Window] = []
    passes: tuple[PassName, ...] = ("preprocess", "prefill", "generate")
    for name in passes:
        span = spans[f"{name} {number}"]
        prompt, completion = tokens.get(name, (PROMPT_TOKENS, NEW_TOKENS))
        windows.append(
            Window(
                name=name,
                duration_seconds=span.seconds,
                reading=Reading(
                    gpu_joules=span.gpu_joules,
                    gpu_joules_by_device={UUID: span.gpu_joules or 0.0},
                    gpu_doubt_joules=0.1,
                    cpu_joules=span.seconds * CPU_WATTS,
                    ram_joules=span.seconds * RAM_WATTS,
                ),
                tokens=TokenCounts(
                    prompt=prompt * shape.samples, completion=completion * shape.samples
                ),
                successful=shape.samples,
                failed=0,
            )
        )
    return Repetition(windows=tuple(windows), phases=phases_of("generate", windows))
