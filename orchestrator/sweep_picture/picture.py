"""What there is to see of a sweep at one moment. Data alone, for displays to draw."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lane:
    """One run at work; or, without a `name`, GPUs that wait for one.

    `gpus` are the driver's indices as text, empty for a run without GPUs. `total` is 0 before the
    first sample. What nobody knows is None.
    """

    gpus: str
    name: str = ""
    phase: str = ""
    done: int = 0
    total: int = 0
    watts: float | None = None
    left_seconds: float | None = None


@dataclass(frozen=True)
class Setback:
    """A run that failed or was interrupted, and what becomes of it."""

    run_id: str
    outcome: str
    why: str


@dataclass(frozen=True)
class SweepPicture:
    """`total` runs are `ended`, at work or `queued`; those kept from earlier sweeps are no part.

    `waiting` of the queued ones have failed and are tried again. `setbacks` are the newest, the
    newest last. `watts` are those of all runs at work, `spent_wh` the GPU energy spent by this
    sweep so far, failed attempts too; None where no run's energy can be followed. `simulated`: a
    run was a rehearsal, so that nobody drew its energy.
    """

    lanes: tuple[Lane, ...]
    total: int
    finished: int
    failed: int
    interrupted: int
    queued: int
    waiting: int
    queue_seconds: float | None
    setbacks: tuple[Setback, ...]
    watts: float | None
    spent_wh: float | None
    simulated: bool
    elapsed_seconds: float
    left_seconds: float | None

    @property
    def ended(self) -> int:
        return self.finished + self.failed + self.interrupted
