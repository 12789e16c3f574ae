"""A terminal to run a command on, and what stands on its screen."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Sequence
from pathlib import Path

TOKEN = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """As much of a terminal as rich asks for. Lines that scroll out at the top are in `history`."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.rows: list[str] = [""] * lines
        self.history: list[str] = []
        self.row = self.column = 0
        self.cursor_shown = True
        self.unknown: set[str] = set()

    def resize(self, columns: int, lines: int) -> None:
        """As terminals do that cut lines; some fold them, and show even less of what was there."""
        while len(self.rows) > lines:
            self.history.append(self.rows.pop(0))
            self.row = max(self.row - 1, 0)
        self.rows = [row[:columns] for row in self.rows] + [""] * (lines - len(self.rows))
        self.columns, self.lines = columns, lines
        self.column = min(self.column, columns)

    def feed(self, text: str) -> None:
        for token in TOKEN.finditer(text):
            numbers, command, motion, words = token.groups()
            if command:
                self._obey(command, numbers)
            elif motion == "\r":
                self.column = 0
            elif motion == "\n":
                self._down()
            else:
                self._write(words)

    def _obey(self, command: str, numbers: str) -> None:
        count = int(numbers.split(";")[0] or 1) if numbers else 1
        if command == "A":
            self.row = max(self.row - count, 0)
        elif command == "H":
            self.row = self.column = 0
        elif command == "K":
            self.rows[self.row] = ""
        elif command == "J":
            self.rows = [""] * self.lines
        elif command in "hl" and numbers == "25":
            self.cursor_shown = command == "h"
        elif command != "m":
            self.unknown.add(command)

    def _write(self, words: str) -> None:
        for char in words:
            if self.column == self.columns:
                self.column = 0
                self._down()
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[: self.column] + char + line[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == self.lines:
            self.history.append(self.rows.pop(0))
            self.rows.append("")
            self.row -= 1


class Terminal:
    """A command on a terminal of its own. Close it, and the command hears of it (SIGHUP)."""

    def __init__(
        self, command: Sequence[str], cwd: Path, env: dict[str, str], columns: int, lines: int
    ) -> None:
        self._leader, follower = pty.openpty()
        self.screen = Screen(columns, lines)
        self.raw = ""
        self._guard = threading.Lock()
        self._tell_size(columns, lines)
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, lines: int) -> None:
        with self._guard:
            self.screen.resize(columns, lines)
            self._tell_size(columns, lines)

    def seen(self) -> list[str]:
        with self._guard:
            return [row.rstrip() for row in self.screen.rows]

    def wait(self) -> int:
        code = self.process.wait(timeout=120)
        self._reader.join(timeout=10)
        os.close(self._leader)
        return code

    def _tell_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                chunk = os.read(self._leader, 65536)
            except OSError:
                return
            if not chunk:
                return
            text = (rest + chunk).decode("utf-8", errors="ignore")
            # A sequence or a character that is not whole yet waits for its end.
            whole = text if "\x1b" not in text[-12:] else text[: text.rindex("\x1b")]
            rest = text[len(whole) :].encode()
            with self._guard:
                self.raw += whole
                self.screen.feed(whole)
