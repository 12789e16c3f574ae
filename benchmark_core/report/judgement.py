"""How a run is judged: why it failed, whether to believe it, whether it is official."""

from typing import Literal

from benchmark_core.documents import Frozen


class Official(Frozen):
    """Whether the run kept to the official protocol, and everything in which it did not."""

    official: bool
    deviations: tuple[str, ...]


class Failure(Frozen):
    """Why a run failed: `kind` for machines, `message` and `remedy` for people."""

    kind: str
    message: str
    remedy: str


class Verdict(Frozen):
    verdict: Literal["valid", "flagged", "invalid"]
    reasons: tuple[str, ...]
