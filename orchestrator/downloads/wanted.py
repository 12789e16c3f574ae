"""Which repositories of the hub the runs read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.run_planner import PlannedRun
from orchestrator.settings import Settings


@dataclass(frozen=True, order=True)
class Wanted:
    """`revision` empty is the default branch. `weights`: of a model, not its tokenizer alone."""

    kind: Literal["model", "dataset"]
    id: str
    revision: str
    weights: bool

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.id, self.revision

    def __str__(self) -> str:
        return f"{self.kind} {self.id}{f' at {self.revision}' if self.revision else ''}"


def wanted_by(runs: Iterable[PlannedRun], settings: Settings) -> list[Wanted]:
    """Each repository once, in the order of the runs.

    None where nobody may ask the hub, no model runs, or a server elsewhere has the weights.
    """
    if settings.offline or settings.is_simulated or settings.is_served_elsewhere:
        return []
    found: dict[tuple[str, str, str], Wanted] = {}
    for one in (one for run in runs for one in read_by(run)):
        if one.key not in found or one.weights:
            found[one.key] = one
    return [one for one in found.values() if not Path(one.id).is_dir()]


def read_by(run: PlannedRun) -> list[Wanted]:
    """All that one run reads, folders of this machine too."""
    model, samples = run.spec.model, run.spec.samples
    wanted = [Wanted("model", model.id, model.revision or "", weights=True)]
    if model.processor:
        wanted.append(Wanted("model", model.processor, "", weights=False))
    if samples.dataset_id:
        revision = samples.dataset_revision or ""
        wanted.append(Wanted("dataset", samples.dataset_id, revision, weights=False))
    return wanted
