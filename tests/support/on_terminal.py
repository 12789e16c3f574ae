"""What a command shows on a terminal."""

import os
import pty
import re
import subprocess
from collections.abc import Sequence

from tests.support.runner import ROOT, environment


def on_terminal(command: Sequence[str], columns: int) -> str:
    """Its text without colours, on a terminal of that width."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(COLUMNS=str(columns), TERM="xterm"),
        stdout=follower,
    )
    os.close(follower)
    text = b""
    while chunk := _read(leader):
        text += chunk
    os.close(leader)
    assert done.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m|\r", "", text.decode())


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
