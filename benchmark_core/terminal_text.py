"""Text for terminals and pipes: safe to show, and no reason to fail."""

import contextlib
import os
import sys
from typing import TextIO


def printable(text: str) -> str:
    """Text that cannot move the cursor or colour the terminal it is shown on."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def make_output_unbreakable() -> None:
    """Let a terminal that lacks a character show its code instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush_or_forget(stream: TextIO) -> None:
    """Write what is left; where nobody reads any more, send it nowhere.

    Python would otherwise try again when it ends, complain, and change the exit code.
    """
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
