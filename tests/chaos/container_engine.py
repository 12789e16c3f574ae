"""A container engine of a test's own, within its machine: it can be stopped, killed and started."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.machine import Machine, Program
from tests.support.image import ensure_rehearsal_image

START_SECONDS = 60.0


class ContainerEngine:
    """`data` outlives machines, so that the image is loaded into it once."""

    def __init__(self, machine: Machine, folder: Path, data: Path, live_restore: bool) -> None:
        self._machine = machine
        self._log = folder / "dockerd.log"
        self._socket = folder / "docker.sock"
        self._settings = folder / "daemon.json"
        self._settings.write_text(
            json.dumps(
                {
                    "hosts": [self.address],
                    "data-root": str(data),
                    "exec-root": "/run/docker",
                    "pidfile": "/run/docker.pid",
                    # The machine has no network, and its engine makes none.
                    "bridge": "none",
                    "iptables": False,
                    "ip6tables": False,
                    "live-restore": live_restore,
                    "shutdown-timeout": 2,
                }
            )
        )
        self._daemon: Program | None = None

    @property
    def address(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = ["dockerd", "--config-file", str(self._settings)]
            self._daemon = self._machine.start(command, Path("/"), dict(os.environ), log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._daemon.poll() is None, f"the engine ended: {self._last_words()}"
            assert time.monotonic() < deadline, f"the engine does not answer: {self._last_words()}"
            time.sleep(0.05)

    def stop(self, number: signal.Signals) -> None:
        assert self._daemon is not None
        self._daemon.signal(number)
        self._daemon.wait(60)

    def docker(self, *arguments: str) -> str:
        """What the command prints. Raises CalledProcessError."""
        command = ["docker", "--host", self.address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def _answers(self) -> bool:
        if not self._socket.exists():
            return False
        try:
            self.docker("version")
        except subprocess.CalledProcessError:
            return False
        return True

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


@contextmanager
def loaded_engine() -> Iterator[Path]:
    """The data of a container engine that knows the image. Raises ImageUnavailable."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-engine-"))
    tag, data = ensure_rehearsal_image(), folder / "data"
    machine = Machine(folder / "machine")
    try:
        subprocess.run(["docker", "save", "--output", folder / "image.tar", tag], check=True)
        machine.boot()
        engine = ContainerEngine(machine, folder, data, live_restore=False)
        engine.start()
        engine.docker("load", "--input", str(folder / "image.tar"))
        (folder / "image.tar").unlink()
        machine.power_off()
        yield data
    finally:
        machine.power_off()
        shutil.rmtree(folder)
