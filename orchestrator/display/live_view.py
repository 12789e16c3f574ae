"""A picture at the foot of a terminal, drawn again and again; what is said scrolls above it."""

import threading
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.text import Text

from orchestrator.display.sweep_drawing import SweepDrawing
from orchestrator.sweep_picture.picture import SweepPicture

REFRESH_SECONDS = 0.25

Look = Callable[[], SweepPicture]


class LiveView:
    """The picture at the foot of the terminal, drawn again and again until it is closed."""

    def __init__(self, console: Console, look: Look, said: Sequence[Text]) -> None:
        self._console = console
        self._look = look
        self._said = said
        self._guard = threading.RLock()
        self._closing = threading.Event()
        self._size = console.size
        self._live = self._begin()
        self._drawer = threading.Thread(target=self._draw, name="live view", daemon=True)
        self._drawer.start()

    def say(self, lines: Sequence[Text]) -> None:
        """Above the picture."""
        with self._guard, self._console:
            for line in lines:
                self._console.print(line, highlight=False)

    def close(self) -> None:
        self._closing.set()
        self._drawer.join()
        with self._guard:
            self._live.stop()

    def _begin(self) -> Live:
        live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            get_renderable=lambda: SweepDrawing(self._look()),
        )
        live.start(refresh=True)
        return live

    def _draw(self) -> None:
        """A terminal that went away ends it; that is told to whoever says something next."""
        while not self._closing.wait(REFRESH_SECONDS):
            try:
                with self._guard:
                    self._resize()
                    self._live.refresh()
            except OSError:
                return

    def _resize(self) -> None:
        """Terminals differ in what they make of lines that no longer fit, so all is drawn anew."""
        size, before = self._console.size, self._size
        self._size = size
        if size.width == before.width and size.height >= before.height:
            return
        self._live.stop()
        self._console.control(Control.home(), Control.clear())
        for line in list(self._said)[-size.height :]:
            self._console.print(line, highlight=False)
        self._live = self._begin()
