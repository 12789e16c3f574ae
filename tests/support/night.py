"""An output directory as a night leaves it: runs on GPUs one after the other, some of them failed.

The files are real; only nobody ran anything.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmark_core.contract import BackendSpec, ModelSpec
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.environment import Environment
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.spread import Spread
from benchmark_core.report.token_counts import TokenCounts
from orchestrator.estimate import Estimate
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord
from tests.support import builders

BEGIN = datetime(2026, 1, 2, 18, 0, tzinfo=UTC)
CARBON = Carbon(
    emissions_g=1.0,
    factor_g_per_kwh=473.0,
    region="WORLD",
    source="Our World in Data",
    year=2024,
    basis="gpu",
)
REASONS = ("timeout", "out_of_memory", "model_unusable")


def iso(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


class Night:
    """Adds runs to a directory, and the record of their sweep."""

    def __init__(self, root: Path, gpus: int = 8) -> None:
        self.directory = RunDirectory(root)
        self.directory.create()
        self.gpus = [
            SweepGpu(index=n, uuid=f"GPU-{n:08d}", name="NVIDIA H100") for n in range(gpus)
        ]
        self.free = [0.0] * gpus
        self.expected: list[ExpectedRun] = []

    def add(
        self,
        run_id: str,
        minutes: float,
        wh: float | None = 12.5,
        failure: tuple[str, str] | None = None,
        outcome: str = "finished",
        gpu_count: int = 1,
        model_id: str = "org/model",
        log_tail: Sequence[str] = (),
        **changes: Any,
    ) -> None:
        """The run takes the GPUs that are free first. `changes` are those of its report."""
        taken = sorted(range(len(self.free)), key=lambda n: self.free[n])[:gpu_count]
        begin = max(self.free[n] for n in taken)
        for n in taken:
            self.free[n] = begin + minutes + 0.2
        model = ModelSpec(id=model_id, model_class="B")
        spec = builders.spec(run_id=run_id, model=model, backend=BackendSpec(name="pytorch"))
        uuids = tuple(self.gpus[n].uuid for n in taken)
        launch = builders.launch(gpu_uuids=uuids, launched_at=iso(begin))
        folder = self.directory.folder(run_id)
        folder.prepare(spec, launch)
        if failure is None and outcome == "finished":
            report = self._report(spec, wh, gpu_count, changes)
            folder.report_path.write_text(report.to_json())
        reason, why = failure or ("", "")
        ended = Outcome(
            run_id=run_id,
            spec_hash=spec.spec_hash(),
            outcome="failed" if failure and outcome == "finished" else outcome,
            error_message=f"{reason}: {why}" if failure else "",
            reason=reason,
            engine="docker",
            started_at=iso(begin),
            finished_at=iso(begin + minutes),
            log_file=f"{run_id}.log",
            log_tail=tuple(log_tail),
        )
        folder.record(spec, launch, ended)
        self.expect(run_id, minutes * 60 * 0.8, None if wh is None else wh * 9, gpu_count)

    def _report(
        self, spec: Any, wh: float | None, gpu_count: int, changes: dict[str, Any]
    ) -> RunReport:
        report = builders.report(spec)
        tokens = TokenCounts(prompt=12_000, completion=140_000)
        spread = None if wh is None else Spread(mean=wh, stdev=wh / 40, ci95=wh / 30)
        gpus = tuple(GpuFacts(uuid=f"G{n}", name="NVIDIA H100") for n in range(gpu_count))
        environment = Environment(
            runner_version="1", python_version="3", packages={}, gpus=gpus, cpu_count=2
        )
        fields: dict[str, Any] = {
            "verdict": Verdict(verdict="valid", reasons=()),
            "carbon": CARBON,
            "environment": environment,
            "ledger": builders.ledger(None if wh is None else wh * 3600 * 10.4),
            "summary": report.summary.model_copy(  # type: ignore[union-attr]
                update={"gpu_energy_wh": spread, "tokens": tokens}
            ),
        }
        return report.model_copy(update=fields | changes)

    def begin(self, run_id: str, minutes: float = 0.0) -> Any:
        """A run without an outcome; hold its lock to make it a running one."""
        spec = builders.spec(run_id=run_id, backend=BackendSpec(name="pytorch"))
        folder = self.directory.folder(run_id)
        uuids = (self.gpus[-1].uuid,)
        folder.prepare(spec, builders.launch(gpu_uuids=uuids, launched_at=iso(minutes)))
        return folder

    def expect(
        self, run_id: str, seconds: float | None, wh: float | None, gpu_count: int = 1
    ) -> None:
        self.expected.append(
            ExpectedRun(
                run_id=run_id,
                gpu_count=gpu_count,
                seconds=seconds and Estimate(low=seconds / 2, central=seconds, high=seconds * 1.5),
                gpu_energy_wh=wh and Estimate(low=wh / 2, central=wh, high=wh * 1.4),
            )
        )

    def end(self, command: Sequence[str], finished: bool = True) -> None:
        record = SweepRecord(
            host="node",
            process=1,
            started_at=iso(0),
            finished_at=iso(max(self.free)) if finished else None,
            command=tuple(command),
            engine="docker",
            parallel=8,
            gpus=tuple(self.gpus),
            runs=tuple(self.expected),
        )
        self.directory.sweep_path.write_text(record.to_json())
