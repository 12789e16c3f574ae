"""What the power trace of a run tells."""

from benchmark_core.documents import Frozen


class GpuConditions(Frozen):
    """What one GPU went through, from the power trace.

    Temperatures are means over the first and the last repetition. `throttled` gives for each reason
    its share of the measured time. `power_limits_watts` are those of the run's windows and the time
    between them, each once, in the order seen, the first few at most. Of foreign processes the
    largest number seen at once is given; None where nobody can tell.
    """

    uuid: str
    first_celsius: float | None
    last_celsius: float | None
    highest_celsius: float | None
    highest_watts: float | None
    power_limits_watts: tuple[float, ...]
    throttled: dict[str, float]
    foreign_before: int | None
    foreign_during: int | None
    foreign_after: int | None


class TraceFacts(Frozen):
    """What the power trace says of the whole run, and how well it agrees with the counter.

    `disagreement` is (integrated - counter) / counter over the same time. `longest_gap_seconds` is
    the longest time without a power reading from the opening of the first repetition to the close
    of the last, or within the whole run where nothing was repeated. `counter_resets` is how often
    the counter of a GPU was found lower than before.
    """

    samples: int
    rate_hertz: float
    longest_gap_seconds: float
    integrated_joules: float | None
    counter_joules: float | None
    disagreement: float | None
    gpus: tuple[GpuConditions, ...]
    counter_resets: int = 0


class SinglePass(Frozen):
    """Prefill and decode told apart within the generate pass, mean per repetition.

    None where the parts are too short for the meter, and then `because` says so.
    """

    prefill_wh: float | None
    decode_wh: float | None
    because: str | None
