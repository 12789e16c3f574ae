"""All engines by name. A new one is one file, one line here, and one in `facts.py`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_core.names import EngineName
from orchestrator.engines.base import Engine, LeftRun
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.process import ProcessEngine
from orchestrator.engines.slurm.contradictions import find_slurm_contradictions
from orchestrator.engines.slurm.engine import SlurmEngine, SlurmSettings
from orchestrator.engines.slurm.left_jobs import find_left_jobs
from orchestrator.engines.slurm.profile import read_profile
from orchestrator.errors import Problem
from orchestrator.passed_variables import container_variables
from orchestrator.settings import Settings


@dataclass(frozen=True)
class EngineSettings:
    """What an engine is made from. `needs_model` is false for a sweep of simulated runs alone.

    `environment` is where the runs' `HF_` variables and proxies come from: this process's own
    environment when it is empty. Engines pick from it, and never a token. `optimum_python` is there
    where the runs need optimum-benchmark; an image brings its own.
    """

    image: str
    output_dir: Path
    hub_cache: Path
    datasets_cache: Path
    token: str | None = field(default=None, repr=False)
    needs_model: bool = True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    optimum_python: Path | None = None
    slurm_profile: Path | None = None
    token_stays_here: bool = False

    @property
    def caches(self) -> Caches | None:
        return Caches(self.hub_cache, self.datasets_cache) if self.needs_model else None


def _docker(settings: EngineSettings) -> Engine:
    return DockerEngine(
        image=settings.image,
        output_dir=settings.output_dir,
        caches=settings.caches,
        token=settings.token,
        environment=container_variables(settings.environment),
        needs_optimum=settings.optimum_python is not None,
    )


def _process(settings: EngineSettings) -> Engine:
    return ProcessEngine(
        output_dir=settings.output_dir,
        caches=settings.caches,
        token=settings.token,
        environment=settings.environment,
        optimum_python=settings.optimum_python,
    )


def _slurm(settings: EngineSettings) -> Engine:
    return SlurmEngine(
        SlurmSettings(
            profile=read_profile(settings.slurm_profile),
            image=settings.image,
            output_dir=settings.output_dir,
            hub_cache=settings.hub_cache,
            datasets_cache=settings.datasets_cache,
            needs_model=settings.needs_model,
            optimum_python=settings.optimum_python,
            environment=settings.environment,
            token_stays_here=settings.token_stays_here,
        )
    )


@dataclass(frozen=True)
class EngineKind:
    """`create` makes one.

    `contradictions` are of flags that cannot be meant with it, and of its own flags without it.
    `left_runs` are those of run folders without an outcome that it had; it raises HostError where
    the scheduler does not answer.
    """

    create: Callable[[EngineSettings], Engine]
    contradictions: Callable[[Settings], Iterator[Problem]] = lambda settings: iter(())
    left_runs: Callable[[Iterable[Path]], list[LeftRun]] = lambda folders: []


ENGINES: Mapping[EngineName, EngineKind] = {
    "docker": EngineKind(_docker),
    "process": EngineKind(_process),
    "slurm": EngineKind(_slurm, find_slurm_contradictions, find_left_jobs),
}
