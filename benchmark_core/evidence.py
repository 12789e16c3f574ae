"""What a run brought home, as the verdict and the official list look at it."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX, RunSpec
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.report.applied import Applied
from benchmark_core.report.energy import EnergySources
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.ledger import Ledger
from benchmark_core.report.repetition import Repetition
from benchmark_core.report.rest import ThermalGate
from benchmark_core.report.summary import Summary
from benchmark_core.report.trace_facts import TraceFacts


@dataclass(frozen=True)
class Evidence:
    """All that a run is judged by. None: there was no such part in the run."""

    spec: RunSpec
    applied: Applied
    summary: Summary
    repetitions: Sequence[Repetition]
    sources: EnergySources
    gpus: Sequence[GpuFacts]
    ledger: Ledger | None = None
    trace: TraceFacts | None = None
    gate: ThermalGate | None = None
    runs_beside: Sequence[str] = ()
    reasoning: ReasoningFacts | None = None

    @property
    def rehearsal(self) -> bool:
        """Whether any part of the run was simulated, the driver below the meter included."""
        sources = self.sources
        kinds = {part.kind for part in (sources.gpu, sources.cpu, sources.ram) if part}
        return (
            self.spec.backend.is_simulated
            or "simulated" in kinds
            or any(gpu.name.startswith(SIMULATED_DEVICE_PREFIX) for gpu in self.gpus)
        )
