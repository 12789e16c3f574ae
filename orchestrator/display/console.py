"""The console that views draw on."""

from rich.console import Console


class PlainSpokenConsole(Console):
    """Reports a reader that has left as an error; rich would end the program with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
