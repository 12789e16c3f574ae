"""One container of ours, from its start to its removal."""

import signal
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.engines.container_log import LogStream, engine_errors
from orchestrator.engines.token_file import TokenFile
from orchestrator.exit import Exit, ExitCause

if TYPE_CHECKING:
    from docker.models.containers import Container

LOOK_SECONDS = 0.2
TERMINATED = 128 + signal.SIGTERM
"""Nothing inside ends itself so: an engine does it that ends, before it stops to answer."""
UNKNOWN = 255
"""Of a container that was there when the power went, and is not when the engine is back."""
KILLED = (128 + signal.SIGKILL, TERMINATED, UNKNOWN)
"""Exit codes of containers that an engine takes along when it ends: it asks, then it kills."""
STOP_SECONDS = 10
LAST_OUTPUT_SECONDS = 5.0
# What the engine writes for "never".
NO_TIME = "0001-01-01"


class DockerHandle:
    """Asks the engine, bears its absence for `patience_seconds`, and cleans up."""

    def __init__(
        self,
        container: "Container",
        log: LogStream | None,
        token_file: TokenFile | None,
        patience_seconds: float,
        ended: Exit | None = None,
    ) -> None:
        self._container = container
        self._log = log
        self._token_file = token_file
        self._patience_seconds = patience_seconds
        self._exit = ended
        self._next_look = 0.0
        self._away_since: float | None = None
        self._away_seconds = 0.0

    def waits(self) -> bool:
        return False

    def poll(self) -> Exit | None:
        now = time.monotonic()
        if self._exit is None and now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._exit = self._look()
        return self._exit

    def stop(self) -> Exit:
        if self._exit is None:
            self._exit = self._look() or self._stop_container()
        return self._exit

    def show_stacks(self) -> None:
        # The first process inside is the engine's own init, which passes signals on.
        if self._exit is None:
            with suppress(*engine_errors()):
                self._container.kill(signal="SIGUSR1")

    def is_gone(self) -> bool:
        from docker.errors import NotFound

        try:
            self._container.reload()
        except NotFound:
            return True
        except engine_errors():
            return False
        return self._container.status not in ("running", "paused", "restarting")

    def release(self) -> None:
        # What cannot be removed now carries our labels and is found as a leftover later.
        with suppress(*engine_errors()):
            self._container.remove(force=True, v=True)
        if self._log is not None:
            self._log.close()
        if self._token_file is not None:
            self._token_file.remove()

    def _look(self) -> Exit | None:
        from docker.errors import NotFound

        try:
            self._container.reload()
        except NotFound:
            return Exit("vanished", None, "the container was removed by somebody else")
        except engine_errors() as error:
            return self._bear_absence(error)
        self._note_return()
        state = self._container.attrs["State"]
        if state["Status"] in ("running", "paused", "restarting"):
            return None
        if state["Status"] == "created":
            return Exit("engine_restarted", None, "it was created and never started")
        return self._ended(state)

    def _stop_container(self) -> Exit:
        from docker.errors import NotFound

        try:
            self._container.stop(timeout=STOP_SECONDS)
            self._container.reload()
        except NotFound:
            return Exit("stopped", None, "the container was already removed")
        except engine_errors() as error:
            return Exit("vanished", None, f"the engine did not answer when told to stop: {error}")
        ended = self._ended(self._container.attrs["State"])
        return Exit(
            "stopped",
            ended.code,
            "stopped by the runner",
            ended.started_at,
            ended.finished_at,
            ended.image_digest,
        )

    def _ended(self, state: dict[str, Any]) -> Exit:
        if self._log is not None:
            self._log.finish(LAST_OUTPUT_SECONDS)
        code = int(state["ExitCode"])
        out_of_memory = bool(state.get("OOMKilled"))
        if code == 128 + signal.SIGKILL and not out_of_memory:
            out_of_memory = has_memory_event(self._container, state)
        cause: ExitCause = "out_of_memory" if out_of_memory and code != 0 else "exited"
        if code in KILLED and not out_of_memory and self._away_seconds > 0:
            cause = "engine_restarted"
        elif code == TERMINATED and not out_of_memory:
            cause = "terminated"
        return Exit(
            cause=cause,
            code=code,
            detail="; ".join(_explain(code, out_of_memory, self._away_seconds)),
            started_at=_iso_time(state.get("StartedAt")),
            finished_at=_iso_time(state.get("FinishedAt")),
            image_digest=self._container.attrs["Image"],
        )

    def _bear_absence(self, error: Exception) -> Exit | None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since < self._patience_seconds:
            return None
        away = f"the container engine has not answered for {now - self._away_since:.0f} s"
        return Exit("vanished", None, f"{away}: {error}")

    def _note_return(self) -> None:
        if self._away_since is not None:
            self._away_seconds += time.monotonic() - self._away_since
            self._away_since = None


def has_result(state: dict[str, Any]) -> bool:
    """Whether a container runs, or ran and ended: its code tells how a run went.

    One that was created and never started has a code as well, but it is nobody's.
    """
    if state["Status"] == "exited":
        return _iso_time(state.get("StartedAt")) is not None
    return state["Status"] in ("running", "paused", "restarting")


def was_killed(container: "Container") -> bool:
    """Whether it was ended from outside while nobody watched: mostly by its engine, or with it.

    Its run is no worse than one that never began. Out of memory is the run's own end.
    """
    state = container.attrs["State"]
    if state["Status"] != "exited" or int(state["ExitCode"]) not in KILLED:
        return False
    return not (state.get("OOMKilled") or has_memory_event(container, state))


def has_memory_event(container: "Container", state: dict[str, Any]) -> bool:
    """Whether the engine saw it run out of memory. The news may come after that of its end.

    Then it is not in the container's state, but among the events; one second is given to it.
    """
    started_at = _iso_time(state.get("StartedAt"))
    if started_at is None or container.client is None:
        return False
    with suppress(*engine_errors()):
        events = container.client.events(
            since=int(datetime.fromisoformat(started_at).timestamp()),
            until=int(time.time()) + 1,
            filters={"container": str(container.id), "event": "oom"},
            decode=True,
        )
        return any(True for _ in events)
    return False


def _explain(code: int, out_of_memory: bool, away_seconds: float) -> list[str]:
    reasons = []
    if out_of_memory and code != 0:
        reasons.append("killed for using more memory than there is")
    elif out_of_memory:
        reasons.append("a process inside was killed for lack of memory")
    elif code == 128 + signal.SIGKILL:
        reasons.append(
            "killed from outside (signal 9), by somebody, by a restart of the engine, or by a"
            " kernel short of memory"
        )
    elif code > 128 and code - 128 in set(signal.Signals):
        reasons.append(f"ended by signal {code - 128} ({signal.Signals(code - 128).name})")
    if away_seconds > 0:
        reasons.append(f"the container engine was away for {away_seconds:.0f} s of the run")
    return reasons


def _iso_time(text: str | None) -> str | None:
    """The engine's time, in nanoseconds, as ISO 8601 in microseconds."""
    if not text or text.startswith(NO_TIME):
        return None
    return datetime.fromisoformat(text).isoformat()
