"""One run at work, as it is followed: where it stands, and how long it will last."""

from orchestrator.estimate import Estimate
from orchestrator.progress import Progress
from orchestrator.pulse import Pulse
from orchestrator.sweep_picture.picture import Lane

WORDS = {
    "": "starting",
    "load": "loading",
    "warm_up": "warm-up",
    "rest": "resting",
    "idle_before": "resting",
    "idle_after": "resting",
}
"""For windows that are no pass over the samples."""


class Running:
    """`began` is on the monotonic clock; `forecast` is of the whole run."""

    def __init__(
        self, run_id: str, places: tuple[int, ...], began: float, forecast: Estimate | None
    ) -> None:
        self.run_id = run_id
        self.places = places
        self.began = began
        self.pulse = Pulse(None, None, None)
        self._forecast_seconds = forecast.central if forecast else None
        self._first: tuple[float, int] | None = None

    def feel(self, pulse: Pulse, now: float) -> None:
        if pulse.gpu_joules is None and self.pulse.gpu_joules is not None:
            # A trace that cannot be read for a moment takes nothing back.
            pulse = Pulse(pulse.progress, pulse.watts, self.pulse.gpu_joules, pulse.phase)
        self.pulse = pulse
        if pulse.progress and self._first is None:
            self._first = now, pulse.progress.done

    def left_seconds(self, now: float) -> float | None:
        """By its samples once it has gone through all its passes, before by its forecast.

        The passes differ too much in length for an early guess by samples to beat a forecast.
        """
        elapsed = now - self.began
        progress, forecast = self.pulse.progress, self._forecast_seconds
        early = progress is None or progress.repetition <= 1 < progress.repetitions
        if forecast is not None and early and elapsed < forecast:
            return forecast - elapsed
        return self._by_samples(progress, now) if progress else None

    def expected_left_seconds(self, now: float, usual: float | None) -> float | None:
        """The same, but also where nothing tells: `usual` is how long other runs took.

        A run that lasts longer than it was to is taken to end now.
        """
        left = self.left_seconds(now)
        if left is not None:
            return left
        whole = usual if self._forecast_seconds is None else self._forecast_seconds
        return None if whole is None else max(whole - (now - self.began), 0.0)

    def _by_samples(self, progress: Progress, now: float) -> float | None:
        """From the first look on, because loading says nothing of samples."""
        began, done_then = self._first or (now, 0)
        rest = max(progress.total - progress.done, 0)
        if progress.done > done_then and now > began:
            return (now - began) / (progress.done - done_then) * rest
        return (now - self.began) / progress.done * rest if progress.done else None

    def lane(self, gpus: str, now: float) -> Lane:
        progress = self.pulse.progress
        return Lane(
            gpus=gpus,
            name=self.run_id,
            phase=self._phase(progress),
            done=progress.done if progress else 0,
            total=progress.total if progress else 0,
            watts=self.pulse.watts,
            left_seconds=self.left_seconds(now),
        )

    def _phase(self, progress: Progress | None) -> str:
        """`loading`, or `generate 3/10`."""
        phase = self.pulse.phase
        if phase in WORDS and not (progress and phase in ("", "rest", "load", "warm_up")):
            return WORDS[phase]
        if progress is None:
            return phase
        name = phase or progress.step
        return f"{name} {progress.repetition}/{progress.repetitions}"
