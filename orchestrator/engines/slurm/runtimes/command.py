"""Runtimes that are a command in the foreground: made from an order, watched, stopped whole."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.documents import timestamp
from orchestrator.engines.base import Order
from orchestrator.engines.container_settings import Bind
from orchestrator.engines.owner import process_start
from orchestrator.engines.process_group import MARK_VARIABLE, ProcessGroup
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.engines.token_file import TokenFile
from orchestrator.errors import HostError, Problem
from orchestrator.exit import Exit

STOP_SECONDS = 10.0
SEPARATORS = frozenset(',:"\n')


@dataclass(frozen=True)
class Command:
    """What is executed, and the variables beside those of the job."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


# From the order, the node's settings, a scratch home and the file with the token, if any.
MakeCommand = Callable[[RuntimeSettings, Order, Path, Path | None], Command]


class CommandRuntime:
    """`make` is pure. The command lives in the job, so Slurm itself kills what a lost one left."""

    def __init__(self, settings: RuntimeSettings, make: MakeCommand) -> None:
        self._settings = settings
        self._make = make

    def remove_orphans(self) -> list[str]:
        return []

    def start(self, order: Order) -> "CommandHandle":
        home = Path(tempfile.mkdtemp(prefix="ai-energy-score-home-"))
        token_file = self._write_token(order)
        mark = f"{order.run_id}.{secrets.token_hex(8)}"
        command = self._make(
            self._settings, order, home, token_file.path if token_file is not None else None
        )
        try:
            order.log_path.parent.mkdir(parents=True, exist_ok=True)
            with order.log_path.open("ab") as log:
                child = subprocess.Popen(
                    command.arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=os.environ | command.environment | {MARK_VARIABLE: mark},
                    start_new_session=True,
                )
        except OSError as error:
            _remove(home, token_file)
            what = f"{command.arguments[0]} cannot be started: {error.strerror}"
            remedy = "Name a runtime that the nodes have in the --slurm-profile file."
            raise HostError(Problem(f"run {order.run_id}", what, remedy)) from error
        return CommandHandle(child, mark, home, token_file)

    def _write_token(self, order: Order) -> TokenFile | None:
        settings = self._settings
        if settings.token is None or settings.caches is None or not order.asks_hub:
            return None
        return TokenFile(settings.token, os.geteuid(), os.getegid())


class CommandHandle:
    """One command of ours, the leader of its own session."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        mark: str,
        home: Path,
        token_file: TokenFile | None,
    ) -> None:
        self._child = child
        self._group = ProcessGroup(child.pid, process_start(child.pid) or "", mark)
        self._home = home
        self._token_file = token_file
        self._started_at = timestamp()
        self._exit: Exit | None = None

    def waits(self) -> bool:
        return False

    def poll(self) -> Exit | None:
        if self._exit is None and (code := self._child.poll()) is not None:
            self._group.kill()
            self._exit = self._ended(code)
        return self._exit

    def stop(self) -> Exit:
        if self.poll() is None:
            self._group.terminate(STOP_SECONDS)
            code = self._child.wait()
            ended = self._ended(code)
            detail = "stopped by the runner"
            self._exit = Exit("stopped", ended.code, detail, ended.started_at, ended.finished_at)
        assert self._exit is not None
        return self._exit

    def show_stacks(self) -> None:
        """Nobody asks for them on a node."""

    def is_gone(self) -> bool:
        return not self._group.members()

    def release(self) -> None:
        self._group.kill()
        self._child.poll()
        _remove(self._home, self._token_file)

    def _ended(self, code: int) -> Exit:
        detail = f"ended by signal {-code} ({signal.Signals(-code).name})" if code < 0 else ""
        shell_code = 128 - code if code < 0 else code
        return Exit("exited", shell_code, detail, self._started_at, timestamp())


def mount(bind: Bind, form: str, read_only: str) -> str:
    """`form` filled with the source and the target, and what says that nobody may write there."""
    place = form.format(source=bind.source.resolve(), target=bind.target)
    return place + (read_only if bind.read_only else "")


def plain_paths_alone(paths: Sequence[Path]) -> Iterator[Problem]:
    """These commands take mounts as lists, in which commas and colons stand between entries."""
    for path in paths:
        if SEPARATORS & set(str(path.resolve())):
            what = "has a comma, a colon or a quote in its path, which the runtime cannot mount"
            yield Problem(str(path), what, "Choose another folder.")


def _remove(home: Path, token_file: TokenFile | None) -> None:
    shutil.rmtree(home, ignore_errors=True)
    if token_file is not None:
        token_file.remove()
