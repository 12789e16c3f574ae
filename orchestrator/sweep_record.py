"""`sweep.json`: what the last sweep of a directory set out to do, for those who look on.

No sweep reads it: what has become of a run is in its folder.
"""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError, Document, Frozen, timestamp
from orchestrator.estimate import Estimate
from orchestrator.gpus import Gpu
from orchestrator.run_directory import RunDirectory


class ExpectedRun(Frozen):
    """One run that the sweep meant to make, and its forecast; None where there is no ground."""

    run_id: str
    gpu_count: int
    seconds: Estimate | None = None
    gpu_energy_wh: Estimate | None = None


class SweepGpu(Frozen):
    """`index` is the driver's."""

    index: int
    uuid: str
    name: str


class SweepRecord(Document):
    """`runs` are in the order of the plan, without those that were kept from earlier sweeps.

    `finished_at` is None while it is at work, and for ever where it was killed. `detached`: its
    runs were handed to a scheduler, and nobody stayed; it has finished nothing itself. `parallel`
    is the most runs at a time. `command` is what the user typed.
    """

    host: str
    process: int
    started_at: str
    finished_at: str | None = None
    detached: bool = False
    command: tuple[str, ...] = ()
    engine: str
    parallel: int
    gpus: tuple[SweepGpu, ...] = ()
    runs: tuple[ExpectedRun, ...] = ()


def last_sweep(directory: RunDirectory) -> SweepRecord | None:
    """None where no record of it can be read."""
    try:
        return SweepRecord.read(directory.sweep_path)
    except ContractError:
        return None


class SweepLog:
    """Writes the record of one sweep."""

    def __init__(self, directory: RunDirectory, engine: str, command: Sequence[str]) -> None:
        self._directory = directory
        self._engine = engine
        self._command = tuple(command)
        self._record: SweepRecord | None = None

    def begin(self, runs: Sequence[ExpectedRun], gpus: Sequence[Gpu], parallel: int) -> SweepRecord:
        """Raises HostError when the disk refuses."""
        record = SweepRecord(
            host=socket.gethostname(),
            process=os.getpid(),
            started_at=timestamp(),
            command=self._command,
            engine=self._engine,
            parallel=parallel,
            gpus=tuple(SweepGpu(index=gpu.index, uuid=gpu.uuid, name=gpu.name) for gpu in gpus),
            runs=tuple(runs),
        )
        with self._directory.disk_errors():
            write_text(self._directory.sweep_path, record.to_json())
        self._record = record
        return record

    def end(self) -> None:
        """A disk that is full by now keeps nobody from ending."""
        self._write_again(finished_at=timestamp())

    def leave(self) -> None:
        """Its runs go on without it. As `end`."""
        self._write_again(detached=True)

    def _write_again(self, **changes: object) -> None:
        if self._record:
            changed = self._record.model_copy(update=changes)
            with suppress(OSError):
                write_text(self._directory.sweep_path, changed.to_json())
