"""Docker on the node: the containers of the docker engine, known by the job that started them."""

import os

from orchestrator.engines.base import Handle, Order
from orchestrator.engines.docker import DockerEngine
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.errors import HostError
from orchestrator.passed_variables import container_variables

JOB_LABEL = "ai-energy-score.slurm_job"
USER_LABEL = "ai-energy-score.user"


class DockerRuntime:
    """A container is an orphan when it is of a job of this user whose program is gone here."""

    def __init__(self, settings: RuntimeSettings) -> None:
        record = settings.record
        self._engine = DockerEngine(
            image=record.image,
            output_dir=record.output_dir,
            caches=settings.caches,
            token=settings.token,
            environment=container_variables(settings.environment),
            needs_optimum=record.optimum_python is not None,
            labels={JOB_LABEL: record.job_id, USER_LABEL: str(os.geteuid())},
        )

    def remove_orphans(self) -> list[str]:
        orphans = self._engine.abandoned([JOB_LABEL, f"{USER_LABEL}={os.geteuid()}"])
        for orphan in orphans:
            self._engine.discard(orphan)
        return [orphan.run_id for orphan in orphans]

    def start(self, order: Order) -> Handle:
        problems = list(self._engine.problems(order.wants_gpus))
        if problems:
            raise HostError(*problems)
        return self._engine.start(order)
