"""One process of ours and all it started, from its start to its end."""

import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.engines.bounded_log import BoundedLog
from orchestrator.engines.process_group import HELD_SECONDS, RECORD_FILE, ProcessRecord
from orchestrator.engines.token_file import TokenFile
from orchestrator.exit import Exit

STOP_SECONDS = 10.0


class ProcessHandle:
    """One process, ours or (`child` is None) an adopted one, whose exit code nobody can know."""

    def __init__(
        self,
        record: ProcessRecord,
        folder: Path,
        log: BoundedLog,
        child: "subprocess.Popen[bytes] | None",
        token_file: TokenFile | None,
    ) -> None:
        self._group = record.group
        self._started_at = record.launched_at
        self._folder = folder
        self._log = log
        self._child = child
        self._token_file = token_file
        self._exit: Exit | None = None

    def waits(self) -> bool:
        return False

    def poll(self) -> Exit | None:
        self._log.bound()
        if self._exit is None and not self._group.leader_lives():
            self._group.kill()
            self._exit = self._ended(self._code())
        return self._exit

    def stop(self) -> Exit:
        if self.poll() is None:
            self._group.terminate(STOP_SECONDS)
            code = _shell_code(self._code())
            self._exit = Exit("stopped", code, "stopped by the runner", self._started_at, _now())
            if self._group.leader_lives():
                held = "the kernel holds it, perhaps in a driver, and does not let it die"
                self._exit = Exit("vanished", None, held, self._started_at, _now())
        assert self._exit is not None
        return self._exit

    def show_stacks(self) -> None:
        # The shell that waited for the record has become the run, so its number is the run's.
        if self._exit is None:
            self._group.tell_leader(signal.SIGUSR1)

    def is_gone(self) -> bool:
        return not self._group.leader_lives()

    def _code(self) -> int | None:
        """Of our own child, once it is dead; a wait without an end could outlast every timeout."""
        if self._child is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(timeout=HELD_SECONDS)
        return None

    def release(self) -> None:
        self._group.kill()
        self._code()
        self._log.bound()
        if self._token_file is not None:
            self._token_file.remove()
        record = ProcessRecord.read(self._folder)
        # A later attempt has a record of its own in the same folder.
        if record is None or record.mark == self._group.mark:
            (self._folder / RECORD_FILE).unlink(missing_ok=True)

    def _ended(self, code: int | None) -> Exit:
        detail = ""
        if code is None:
            detail = "started by an earlier runner, so its exit code is not known"
        elif code == -signal.SIGKILL:
            detail = "killed by signal 9 (often out of memory; the kernel log says so)"
        elif code < 0:
            detail = f"ended by signal {-code} ({signal.Signals(-code).name})"
        return Exit("exited", _shell_code(code), detail, self._started_at, _now())


def _shell_code(code: int | None) -> int | None:
    """As a shell and a container engine tell it: 128 plus the signal."""
    return 128 - code if code is not None and code < 0 else code


def _now() -> str:
    return datetime.now(UTC).isoformat()
