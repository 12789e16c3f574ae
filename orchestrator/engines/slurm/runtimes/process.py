"""No container: the run is a process of the job, as with the process engine."""

from orchestrator.engines.base import Handle, Order
from orchestrator.engines.process import ProcessEngine
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.errors import HostError


class ProcessRuntime:
    def __init__(self, settings: RuntimeSettings) -> None:
        self._engine = ProcessEngine(
            output_dir=settings.record.output_dir,
            caches=settings.caches,
            token=settings.token,
            environment=settings.environment,
            optimum_python=settings.record.optimum_python,
        )

    def remove_orphans(self) -> list[str]:
        """Of this output directory; whatever else a lost job left, Slurm itself kills."""
        orphans = self._engine.leftovers()
        for orphan in orphans:
            self._engine.discard(orphan)
        return [orphan.run_id for orphan in orphans if orphan.alive]

    def start(self, order: Order) -> Handle:
        problems = list(self._engine.problems(order.wants_gpus))
        if problems:
            raise HostError(*problems)
        return self._engine.start(order)
