"""A machine of a test's own, in namespaces of the kernel: it can lose its power and boot again.

It has its own processes (numbers begin at 1 with every boot), its own boot id, its own `/run`, its
own locks of GPUs, and a wall clock that can be set. Files are those of the host. Needs root.
"""

import os
import shutil
import signal
import struct
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from orchestrator.gpu_slots import LOCKS

SOURCE = Path(__file__).parent / "wall_clock.c"
DIALS = "run/dials"
SPACES = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
BOOT = """
set -e
mount -t tmpfs -o mode=755 run /run
head -c 16 /dev/zero > /run/dials
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
mkdir -p -m 1777 "$2"
mount --bind "$1/locks" "$2"
mkdir /run/etc /run/etc_work
echo "$1/wall_clock.so" > /run/etc/ld.so.preload
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc_work overlay /etc
exec "$3" -S -c "$4"
"""
# The first process of a machine; whoever loses its parent becomes its child.
INIT = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("up", flush=True)
while True:
    signal.pause()
"""


class Machine:
    """`folder` outlives its boots, and must be on another file system than what it fills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unshare: subprocess.Popen[str] | None = None
        self._init_pid = 0
        self.locks = folder / "locks"
        self.locks.mkdir(parents=True)
        library = folder / "wall_clock.so"
        flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["cc", *flags, "-o", library, SOURCE], check=True)

    def boot(self) -> None:
        (self._folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        first = ("sh", "-c", BOOT, "sh", str(self._folder), str(LOCKS), sys.executable, INIT)
        self._unshare = subprocess.Popen(
            ["unshare", *SPACES, *first],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(self._folder / "boot.log").open("a"),
            text=True,
        )
        assert self._unshare.stdout is not None
        assert self._unshare.stdout.readline() == "up\n", "the machine does not boot"
        (self._init_pid,) = _children(self._unshare.pid)

    def power_off(self) -> None:
        """Everything that runs is killed at once, and nothing is told."""
        if self._unshare is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._init_pid, signal.SIGKILL)
        self._unshare.communicate()
        self._unshare = None

    def start(
        self, command: Sequence[str], cwd: Path, env: dict[str, str], output: IO[bytes]
    ) -> "Program":
        enter = ["nsenter", "--target", str(self._init_pid), "--mount", "--net", "--pid"]
        return Program(
            subprocess.Popen(
                [*enter, "env", f"--chdir={cwd}", *command],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As on a terminal, whatever shell started the test.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )

    def call(self, *command: str) -> None:
        """Run a small command in it; how that ends is nobody's business."""
        with Path(os.devnull).open("wb") as nowhere:
            self.start(command, Path("/"), dict(os.environ), nowhere).wait(30)

    def set_clock(self, offset_seconds: int) -> None:
        self._turn(0, offset_seconds)

    def hang(self, pid: int) -> None:
        """The process of that number, as this machine counts, never wakes from its next sleep."""
        self._turn(8, pid)

    def processes(self) -> list[tuple[int, str]]:
        """Number on the host and command line of all but the first one."""
        namespace = _namespace(self._init_pid)
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == self._init_pid:
                continue
            with suppress(OSError):
                if _namespace(int(entry.name)) == namespace:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found.append((int(entry.name), line.decode(errors="replace").strip()))
        return [(pid, line) for pid, line in found if line]

    def _turn(self, position: int, value: int) -> None:
        with Path(f"/proc/{self._init_pid}/root/{DIALS}").open("r+b") as dials:
            dials.seek(position)
            dials.write(struct.pack("=q", value))


class Program:
    """Something that was started in a machine."""

    def __init__(self, entered: subprocess.Popen[bytes]) -> None:
        self._entered = entered

    def poll(self) -> int | None:
        return self._entered.poll()

    def wait(self, seconds: float) -> int:
        """Exit code, or minus the signal. Raises TimeoutExpired."""
        return self._entered.wait(seconds)

    def signal(self, number: signal.Signals) -> None:
        """Harmless when it is over."""
        for pid in _children(self._entered.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def lack() -> str:
    """Why this host cannot have such machines; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make namespaces and mount file systems"
    missing = [name for name in ("unshare", "nsenter", "cc") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    attempt = ["unshare", *SPACES, "mount", "-t", "tmpfs", "attempt", "/mnt"]
    return subprocess.run(attempt, capture_output=True, text=True).stderr.strip()


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _namespace(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/pid").readlink())
