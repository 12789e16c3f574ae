"""How many programs that are not the run's computed on a GPU, from the numbers in its trace."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnPrograms:
    """Who computes on a GPU for the run.

    The model's own process from loading on, or all the time where it `was_there` for an earlier
    run; or, where the model is `served`, so many processes of its server all the time, None where
    nobody could see how many.
    """

    model_on_gpu: bool
    served: bool = False
    server_processes: int | None = None
    was_there: bool = False


class ForeignPrograms:
    """Counts row by row.

    The ids that the driver gives cannot be compared with ours inside a container, the numbers can:
    where the model's own process comes in, the count rises. From `load_opened` on it may be there,
    and from `settled[0]` to `settled[1]` it surely comes to be.
    """

    def __init__(self, own: OwnPrograms, load_opened: float, settled: tuple[float, float]) -> None:
        self._own = own
        self._load_opened = load_opened
        self._settled_from, self._settled_until = settled
        self._before: int | None = None
        self._during: int | None = None
        self._after: int | None = None
        self._last_before = self._settled = 0

    def see(self, seconds: float, count: int, at_work: bool, in_idle_after: bool) -> None:
        if seconds < self._load_opened:
            self._before = max(self._before or 0, count)
            self._last_before = count
        elif self._settled_from <= seconds <= self._settled_until:
            self._settled = max(self._settled, count)
        if at_work:
            self._during = max(self._during or 0, count)
        if in_idle_after:
            self._after = max(self._after or 0, count)

    def found(self) -> tuple[int | None, int | None, int | None]:
        """Before the model was loaded, in the repetitions, and after them; None: not known."""
        before, during, after = self._before, self._during, self._after
        if self._own.served:
            before, during, after = map(self._beside_server, (before, during, after))
            return before, during, after
        if self._own.was_there:
            before, during, after = map(self._beside_own, (before, during, after))
            return before, during, after
        return before, self._beside_model(during), self._beside_model(after)

    def _beside_server(self, count: int | None) -> int | None:
        own = self._own.server_processes
        return None if count is None or own is None else max(0, count - own)

    def _beside_own(self, count: int | None) -> int | None:
        if not self._own.model_on_gpu:
            return count
        # A driver that does not show our own process need not show others: its 0 tells nothing.
        return count - 1 if count else None

    def _beside_model(self, count: int | None) -> int | None:
        if count is None or not self._own.model_on_gpu:
            return count
        if self._settled > self._last_before:
            return max(0, count - 1)
        # Ours is not shown: what is shown are others, and a 0 tells nothing.
        return count or None
