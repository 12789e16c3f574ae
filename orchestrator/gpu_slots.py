"""Which of the GPUs of a sweep are free, and who holds the others.

A claim is a lock of the kernel on a file named after the GPU's UUID: all sweeps of this host see
it, and it ends with the process that holds it.
"""

import fcntl
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmark_core.contract import SIMULATED_DEVICE_PREFIX
from benchmark_core.terminal_text import printable
from orchestrator.errors import HostError, Problem
from orchestrator.gpus import Gpu

LOCKS = Path("/tmp/ai-energy-score-gpus")
"""The same for all users of a host, whatever their TMPDIR."""
LONGEST_NAME = 120
MOST_FAILURES = 2
"""A GPU to which this many runs were lost is taken out of service."""
LOOK_AGAIN_SECONDS = 10.0
"""How often the driver is asked who else computes on a GPU that is free of ours."""

Occupants = Callable[[], Mapping[str, str]]
"""Answers, by UUID, what this sweep did not start and is at work there."""


class GpuSlots:
    """The GPUs of one sweep. For one thread, the sweep's own.

    `occupants` is asked before a GPU is taken; a GPU with one is left alone. Made-up GPUs are
    nobody's and need no lock. `exclusive` false: the GPUs are those of a server that is watched, so
    others are at work there by design, and no one is kept from them.
    """

    def __init__(
        self,
        gpus: Sequence[Gpu],
        occupants: Occupants = dict,
        exclusive: bool = True,
        locks: Path = LOCKS,
    ) -> None:
        self._gpus = {gpu.uuid: gpu for gpu in gpus}
        self._ask = occupants
        self._exclusive = exclusive
        self._locks = locks
        self._held: dict[str, int | None] = {}
        self._losses: Counter[str] = Counter()
        self._occupied: Mapping[str, str] = {}
        self._next_look = 0.0

    @property
    def total(self) -> int:
        """GPUs in service, free or not."""
        return len(self._gpus)

    def gpus(self) -> list[Gpu]:
        """GPUs in service, in the driver's order."""
        return list(self._gpus.values())

    def occupied(self) -> Mapping[str, str]:
        """By UUID, who was at work on GPUs of the sweep when last looked at."""
        return self._occupied

    def free(self) -> list[Gpu]:
        """GPUs that could be claimed now, as far as can be seen, those that lost no run first."""
        if self._exclusive:
            self._look()
        found = [
            gpu
            for uuid, gpu in self._gpus.items()
            if uuid not in self._held and uuid not in self._occupied
        ]
        return sorted(found, key=lambda gpu: self._losses[gpu.uuid])

    def claim(self, count: int) -> list[Gpu] | None:
        """Take `count` GPUs, or none at all: None while there are not as many.

        Raises:
            HostError: the locks cannot be used.
        """
        taken: list[Gpu] = []
        for gpu in self.free():
            if len(taken) == count:
                break
            if self._lock(gpu.uuid):
                taken.append(gpu)
        if len(taken) < count:
            self.release(taken)
            return None
        return taken

    def take_over(self, uuids: Iterable[str]) -> list[Gpu]:
        """The GPUs of a run that is at work there already; those of other sweeps are left out."""
        wanted = [uuid for uuid in uuids if uuid in self._gpus and uuid not in self._held]
        return [self._gpus[uuid] for uuid in wanted if self._lock(uuid)]

    def release(self, gpus: Iterable[Gpu]) -> None:
        """Give GPUs back; harmless when called twice."""
        for gpu in gpus:
            descriptor = self._held.pop(gpu.uuid, None)
            if descriptor is not None:
                os.close(descriptor)
        self._next_look = 0.0

    def note_loss(self, gpus: Iterable[Gpu]) -> list[Gpu]:
        """Count a run that was lost to these GPUs; answers those that are out of service now."""
        worn = []
        for gpu in gpus:
            self._losses[gpu.uuid] += 1
            if self._losses[gpu.uuid] >= MOST_FAILURES and gpu.uuid in self._gpus:
                worn.append(self._gpus.pop(gpu.uuid))
        return worn

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._occupied = {
                uuid: who
                for uuid, who in self._ask().items()
                if uuid in self._gpus and uuid not in self._held
            }
            self._next_look = now + LOOK_AGAIN_SECONDS

    def _lock(self, uuid: str) -> bool:
        if not self._exclusive or uuid.startswith(SIMULATED_DEVICE_PREFIX):
            self._held[uuid] = None
            return True
        try:
            descriptor = self._open(uuid)
        except OSError as error:
            raise HostError(
                Problem(
                    str(self._locks),
                    f"the locks of the GPUs cannot be used ({error.strerror})",
                    "Make that folder writable for all users of this machine (mode 1777).",
                )
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._occupied = {**self._occupied, uuid: _holder(descriptor)}
            os.close(descriptor)
            return False
        # Whose it is, is a courtesy to whoever comes second.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        self._held[uuid] = descriptor
        return True

    def _open(self, uuid: str) -> int:
        """Its lock, which every user may hold, whoever made it."""
        if not self._locks.is_dir():
            self._locks.mkdir(parents=True, exist_ok=True)
            self._locks.chmod(0o1777)
        path = self._locks / f"{uuid}.lock"
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileNotFoundError):
            # Without O_CREAT first: the kernel refuses that for files of others in such folders.
            return os.open(path, flags)
        descriptor = os.open(path, flags | os.O_CREAT, 0o666)
        with suppress(OSError):
            os.fchmod(descriptor, 0o666)
        return descriptor


def _holder(descriptor: int) -> str:
    try:
        text = os.pread(descriptor, LONGEST_NAME, 0).decode("utf-8", errors="replace")
    except OSError:
        text = ""
    return f"another sweep ({printable(text)})" if text else "another sweep"
