"""How one run of an attempt ended, as its sweep is told."""

from dataclasses import dataclass

from benchmark_core.report.outline import ReportOutline
from orchestrator.exit import Exit
from orchestrator.gpus import Gpu
from orchestrator.outcome import Outcome
from orchestrator.todo import Todo


@dataclass(frozen=True)
class Ending:
    """`report` is there where the run left one that can be read.

    `from_cache`: it was told to read the cache alone. `may_go_on`: nobody can say that nothing of
    it still runs.
    """

    todo: Todo
    gpus: tuple[Gpu, ...]
    outcome: Outcome
    report: ReportOutline | None
    ended: Exit
    from_cache: bool = False
    may_go_on: bool = False
