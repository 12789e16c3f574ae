"""How the program of an attempt ended, as the engine that ran it saw it."""

from dataclasses import dataclass
from typing import Literal

from benchmark_core.contract import Launch

ExitCause = Literal[
    "exited",
    "out_of_memory",
    "stopped",
    "vanished",
    "not_started",
    "engine_restarted",
    "terminated",
    "server_failed",
    "crashed",
    "timeout",
    "lost",
    "cancelled",
]


@dataclass(frozen=True)
class Exit:
    """`detail` is one line for people.

    Where the engine chose the place itself, `launch` is the order's, completed. `node` is the
    machine then whose GPUs the run had, None where it had none, or where how it ended says nothing
    of them.
    """

    cause: ExitCause
    code: int | None
    detail: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    image_digest: str | None = None
    launch: Launch | None = None
    node: str | None = None
