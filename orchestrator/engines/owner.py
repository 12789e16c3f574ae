"""Who started an attempt, told so that a recycled process number is never taken for it."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Owner:
    """One process of one boot of one host. `started` is the boot's id and the start in ticks."""

    host: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Self:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process `pid` of this host; `started` is empty where there is none."""
        return cls(socket.gethostname(), pid, process_start(pid) or "")

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The owner that `to_json` wrote, None for anything else."""
        try:
            fields = json.loads(text)
            return cls(str(fields["host"]), int(fields["pid"]), str(fields["started"]))
        except (ValueError, TypeError, KeyError):
            return None

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def is_gone(self) -> bool:
        """True only when it is certain: on another host nobody here can know."""
        return self.host == socket.gethostname() and process_start(self.pid) != self.started


def process_start(pid: int) -> str | None:
    """Boot and start time of a living process, None when it is dead, a zombie included."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    # The second field is the command in parentheses, which may hold blanks and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}-{fields[19]}"
