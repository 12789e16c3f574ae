"""How the user stops a sweep: once to let the present run finish, twice or by signal at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Level = Literal["go_on", "after_this_run", "now"]


def finishing_notice(running: int) -> str:
    """What the user is told after the first Ctrl-C."""
    if running < 1:
        return "nothing more is started"
    runs = "this run" if running == 1 else f"{running} runs"
    them = "it" if running == 1 else "them"
    return f"finishing {runs} first, no other is started; Ctrl-C again stops {them} now"


class StopRequest:
    """Set by signal handlers, read by the sweep's loop; a handler does nothing else."""

    def __init__(self) -> None:
        self.level: Level = "go_on"
        self._news = False

    def interrupt(self) -> None:
        self._news = self.level == "go_on"
        self.level = "after_this_run" if self.level == "go_on" else "now"

    def terminate(self) -> None:
        self.level = "now"

    def take_news(self) -> bool:
        """True once after the first Ctrl-C, for whoever tells the user."""
        news, self._news = self._news, False
        return news

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle Ctrl-C, SIGTERM and SIGHUP.

        A shell starts background jobs with Ctrl-C ignored, which must not hold for a sweep; whoever
        ignores SIGHUP (nohup) means it.
        """
        handlers = {
            signal.SIGINT: lambda number, frame: self.interrupt(),
            signal.SIGTERM: lambda number, frame: self.terminate(),
            signal.SIGHUP: lambda number, frame: self.terminate(),
        }
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            del handlers[signal.SIGHUP]
        earlier = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)
