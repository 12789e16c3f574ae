"""Commands as a user without privileges, from tests that root runs as well."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOCKET = Path("/var/run/docker.sock")
# A number that no account has: nothing on the machine belongs to it.
NOBODY_IN_PARTICULAR = 24567
READ_ANYTHING = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")


def unprivileged_uid() -> int:
    return NOBODY_IN_PARTICULAR if os.geteuid() == 0 else os.geteuid()


def give_away(folder: Path) -> Path:
    """Let the unprivileged user own `folder`, and reach it from the top. For temporary folders."""
    if os.geteuid() == 0:
        os.chown(folder, NOBODY_IN_PARTICULAR, NOBODY_IN_PARTICULAR)
        for parent in folder.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)
    return folder


def run_unprivileged(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], home: Path
) -> "subprocess.CompletedProcess[str]":
    """Run `command` with access to the container engine; when we are nobody already, as we are."""
    return subprocess.run(
        [*_become_nobody(), *command],
        cwd=cwd,
        env={**environment, "HOME": str(home), "USER": "tester", "LOGNAME": "tester"},
        capture_output=True,
        text=True,
        timeout=280,
    )


@cache
def _become_nobody() -> tuple[str, ...]:
    """The prefix that gives up root.

    Where root's checkout or interpreter lies in a closed folder, the ability to read is kept, and
    that one alone.
    """
    if os.geteuid() != 0:
        return ()
    number = str(NOBODY_IN_PARTICULAR)
    groups = f"--groups={SOCKET.stat().st_gid}" if SOCKET.exists() else "--clear-groups"
    plain = ("setpriv", "--reuid", number, "--regid", number, groups)
    probe = [*plain, sys.executable, "-c", "import orchestrator, pydantic"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    tried = subprocess.run(probe, env=environment, cwd="/", capture_output=True)
    return plain if tried.returncode == 0 else (*plain, *READ_ANYTHING)
