"""One repetition: the windows that were measured, and the phases made of them."""

from benchmark_core.contract import PassName, PhaseName
from benchmark_core.documents import Frozen
from benchmark_core.report.energy import Reading
from benchmark_core.report.token_counts import TokenCounts


class Window(Frozen):
    """One measured pass over the samples: from the return of open to the call of close.

    `truncated` samples reached the limit of tokens before their reasoning had ended; None where
    reasoning and answer were not told apart. `first_token_seconds` is the mean time from the start
    of a sample to its first token of any kind, None where nobody saw it. `latency_seconds` is the
    mean time of a successful sample where several were under way at a time; otherwise None, because
    one follows the other and the duration says it.
    """

    name: PassName
    duration_seconds: float
    reading: Reading
    tokens: TokenCounts
    successful: int
    failed: int
    truncated: int | None = None
    first_token_seconds: float | None = None
    latency_seconds: float | None = None


class Phase(Frozen):
    """One phase of the methodology. Decode is the pass with N tokens minus the pass with one."""

    duration_seconds: float
    gpu_joules: float | None
    cpu_joules: float | None
    ram_joules: float | None


class Repetition(Frozen):
    windows: tuple[Window, ...]
    phases: dict[PhaseName, Phase]
