"""What the runs of one attempt are started with: orders for the engine, launches on disk."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark_core.contract import Launch
from benchmark_core.documents import timestamp
from orchestrator.bench import Bench
from orchestrator.engines.base import Order
from orchestrator.gpus import Gpu
from orchestrator.model_server import asks_this_machine
from orchestrator.rehearsal import would_rehearse
from orchestrator.run_folder import RunFolder
from orchestrator.todo import Todo


class Orders:
    """Of `todos`, on these GPUs. Which runs are `beside` them on the host is kept up to date in
    the launches, from any thread, because a run reads it at its end.

    What the disk refuses is a HostError.
    """

    def __init__(
        self, bench: Bench, todos: Sequence[Todo], gpus: Sequence[Gpu], beside: Iterable[str]
    ) -> None:
        self._bench = bench
        self._todos = tuple(todos)
        self._gpus = tuple(gpus)
        self._beside = set(beside)
        self._log_name = bench.directory.new_log_name(todos[0].run.run_id)
        self._from_cache = False
        self._orders: dict[str, Order] = {}
        self._closed: set[str] = set()
        self._guard = threading.Lock()

    def prepare(self) -> None:
        """Make all of them; the folders of fresh runs are made ready."""
        # Before that, because it puts their last attempt away. One program, one rule.
        self._from_cache = all(self._bench.cached(todo.run) for todo in self._todos)
        for todo in self._todos:
            folder = self._folder(todo.run.run_id)
            with folder.disk_errors(), self._guard:
                self._orders[todo.run.run_id] = self._prepare(todo, folder)

    def of(self, todo: Todo) -> Order:
        return self._orders[todo.run.run_id]

    def change(self, order: Order) -> Order:
        """Put it in the place of the one before; answers it with all that is beside it by now."""
        with self._guard:
            return self._write(order)

    def close(self, todo: Todo) -> Order:
        """The order of a run that is over; its launch is not written from here any more."""
        with self._guard:
            self._closed.add(todo.run.run_id)
            return self.of(todo)

    def note_beside(self, run_ids: Iterable[str]) -> None:
        """Other runs of this host have begun."""
        with self._guard:
            found = set(run_ids) - {todo.run.run_id for todo in self._todos} - self._beside
            if not found:
                return
            self._beside |= found
            for order in [one for one in self._orders.values() if one.run_id not in self._closed]:
                self._write(order)

    def _prepare(self, todo: Todo, folder: RunFolder) -> Order:
        settings, spec = self._bench.settings, todo.run.spec
        launch = folder.launch() if todo.leftover else None
        if launch is None:
            launch = self._launch(todo)
            folder.prepare(spec, launch)
        elif not settings.is_scheduled:
            self._beside |= set(launch.runs_beside)
            launch = launch.model_copy(update={"runs_beside": self._neighbours()})
            folder.relaunch(launch)
        launch = launch.model_copy(update={"timeout_seconds": settings.timeout_seconds})
        # The run can write into its folder, so a name from there may not lead out of the logs.
        log_name = Path(launch.log_file or self._log_name).name
        return Order(
            run_id=spec.run_id,
            spec_hash=spec.spec_hash(),
            folder=folder.path,
            log_path=self._bench.directory.logs_path / log_name,
            launch=launch,
            wants_gpus=settings.computes_on_gpus,
            host_network=asks_this_machine(settings),
            offline=settings.offline or spec.backend.is_simulated,
            samples=todo.run.samples_path,
            time_limit_seconds=self._bench.time_limit_seconds(todo.run),
            excluded_nodes=self._bench.lost_nodes.out_of_service,
        )

    def _launch(self, todo: Todo) -> Launch:
        bench, samples = self._bench, todo.run.samples_path
        gpu_uuids = tuple(gpu.uuid for gpu in self._gpus)
        return Launch(
            engine=bench.engine.name,
            image=bench.engine.image_name(),
            image_digest=bench.engine.image_digest(),
            gpu_uuids=gpu_uuids,
            timeout_seconds=bench.settings.timeout_seconds,
            samples_path=bench.engine.samples_path(samples) if samples else None,
            region=bench.settings.region,
            dcgm_endpoint=bench.settings.dcgm_endpoint,
            gpus_at_rest=bench.resting.of(gpu_uuids),
            runs_beside=self._neighbours(),
            endpoint=bench.servers.new_endpoint(),
            serve_image_digest=bench.servers.image_digest(),
            from_cache=self._from_cache,
            rehearsal=would_rehearse(todo.run.spec, self._gpus),
            log_file=self._log_name,
            launched_at=timestamp(),
        )

    def _neighbours(self) -> tuple[str, ...]:
        return tuple(sorted(self._beside))

    def _write(self, order: Order) -> Order:
        """With all that is beside it by now; for the holder of the guard."""
        launch = order.launch.model_copy(update={"runs_beside": self._neighbours()})
        order = self._orders[order.run_id] = replace(order, launch=launch)
        folder = self._folder(order.run_id)
        with folder.disk_errors():
            folder.relaunch(launch)
        return order

    def _folder(self, run_id: str) -> RunFolder:
        return self._bench.directory.folder(run_id)
