"""The report of a run as far as a table of thousands needs it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from benchmark_core.documents import Document
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.report.applied import Applied
from benchmark_core.report.carbon import Carbon
from benchmark_core.report.energy import EnergySources
from benchmark_core.report.environment import Environment
from benchmark_core.report.imported import Imported
from benchmark_core.report.judgement import Failure, Official, Verdict
from benchmark_core.report.ledger import LedgerOutline
from benchmark_core.report.rest import IdleBaseline, ThermalGate
from benchmark_core.report.summary import PartialSummary, Summary
from benchmark_core.report.trace_facts import SinglePass, TraceFacts
from benchmark_core.report.unread import Unread


class ReportOutline(Document):
    """A report whose repetitions and ledger are not looked into, for readers of thousands.

    A failed report carries a verdict where a meter is to blame: invalid, with the reason.
    `stopped_at_ci` is the half-width reached, as a share, where the repetitions ended early.
    `model_load_shared_with` is the run that loaded the model, where this one did not load it: the
    energy of loading is in that run's ledger alone.
    Only where `imported` is there may applied settings, times and figures of a finished run be
    missing; its `spec_hash` is empty, because nobody knows all that was asked.
    """

    run_id: str
    spec_hash: str
    imported: Imported | None = None
    outcome: Literal["finished", "failed"]
    failure: Failure | None = None
    verdict: Verdict | None = None
    official: Official | None = None
    rehearsal: bool
    applied: Applied | None = None
    summary: Annotated[Summary | PartialSummary | None, Field(union_mode="left_to_right")] = None
    reasoning: ReasoningFacts | None = None
    carbon: Carbon | None = None
    energy_sources: EnergySources = EnergySources()
    repetitions: tuple[Unread, ...] = ()
    environment: Environment | None = None
    thermal_gate: ThermalGate | None = None
    model_load_shared_with: str | None = None
    idle: IdleBaseline | None = None
    ledger: LedgerOutline | None = None
    trace: TraceFacts | None = None
    single_pass: SinglePass | None = None
    stopped_at_ci: float | None = None
    runs_beside: tuple[str, ...] = ()
    started_at: str | None = None
    finished_at: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.outcome == "failed" and self.failure is None:
            raise ValueError("a failed report names its failure")
        if self.outcome == "finished" and self.summary is None:
            raise ValueError("a finished report carries a summary")
        if self.imported:
            return self
        if self.started_at is None or self.finished_at is None:
            raise ValueError("a report carries the times of its run")
        whole = self.applied is not None and isinstance(self.summary, Summary)
        if self.outcome == "finished" and not whole:
            raise ValueError("a finished report carries applied settings and a whole summary")
        if not self.spec_hash:
            raise ValueError("a report carries the hash of its spec")
        return self
