"""What every runtime offers on a node: it starts the run of a job, confined in its own way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.engines.base import Handle, Order
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.slurm.job_record import JobRecord
from orchestrator.errors import Problem


@dataclass(frozen=True)
class RuntimeSettings:
    """A job as its node knows it. The token was read on the node and never travelled."""

    record: JobRecord
    node: str
    token: str | None = field(default=None, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def caches(self) -> Caches | None:
        record = self.record
        return Caches(record.hub_cache, record.datasets_cache) if record.needs_model else None


class Runtime(Protocol):
    def remove_orphans(self) -> list[str]:
        """Stop what jobs of ours left on this node when they were lost; the run_ids of it."""

    def start(self, order: Order) -> Handle:
        """Start one attempt. Raises HostError when that is impossible."""


def no_path_problems(paths: Sequence[Path]) -> Iterator[Problem]:
    yield from ()


@dataclass(frozen=True)
class RuntimeFacts:
    """What is known of a runtime without its node. `samples_path` is where a run will see a file.

    `path_problems` names the paths that it cannot hand to a run.
    """

    has_image: bool
    samples_path: Callable[[Path], str]
    path_problems: Callable[[Sequence[Path]], Iterator[Problem]] = no_path_problems
