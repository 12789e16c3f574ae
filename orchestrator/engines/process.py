"""Runs as plain processes of this machine: the same entry point without a container."""

import importlib.util
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmark_core.optimum import environment as optimum
from orchestrator.engines.base import Leftover, Order
from orchestrator.engines.bounded_log import BoundedLog
from orchestrator.engines.container_settings import Caches
from orchestrator.engines.optimum_environment import find_optimum_problems
from orchestrator.engines.owner import Owner, process_start
from orchestrator.engines.process_environment import inherited
from orchestrator.engines.process_group import (
    MARK_VARIABLE,
    RECORD_FILE,
    ProcessRecord,
)
from orchestrator.engines.process_handle import STOP_SECONDS, ProcessHandle
from orchestrator.engines.token_file import TokenFile, remove_stale_tokens
from orchestrator.errors import HostError, Problem
from orchestrator.run_directory import RUNS_DIR

PROGRAM_ROOT = Path(__file__).resolve().parents[2]
MODEL_PACKAGES = ("torch", "transformers", "datasets", "codecarbon", "accelerate")
# The process waits for a line before it becomes the run, so that its record is on disk first: a
# runner killed in between leaves a process that reads the end of the pipe and goes.
WAIT_FOR_RECORD = 'IFS= read -r go && exec "$@" </dev/null'


class ProcessEngine:
    """Each run in its own session, stopped whole. Needs the packages of the image on the host.

    `caches` is None where no model is loaded. `program_root` is the folder with benchmark_core.
    The `HF_` variables and proxies of the runs come from `environment`, or where that is empty
    from this process's own. `optimum_python` is the Python of runs that optimum-benchmark makes.
    """

    name = "process"

    def __init__(
        self,
        output_dir: Path,
        caches: Caches | None = None,
        token: str | None = None,
        environment: Mapping[str, str] | None = None,
        program_root: Path = PROGRAM_ROOT,
        optimum_python: Path | None = None,
    ) -> None:
        self._output_dir = output_dir
        self._caches = caches
        self._token = token
        self._environment = dict(environment or {})
        self._program_root = program_root
        self._optimum_python = optimum_python
        remove_stale_tokens()

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        needed = list(MODEL_PACKAGES) if self._caches is not None else []
        if wants_gpus:
            needed.append("pynvml")
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        if missing:
            yield Problem(
                "process engine",
                f"this Python ({sys.executable}) cannot import {', '.join(missing)}",
                "In the project's folder run `pip install -r requirements.txt`;"
                " or use --engine docker",
            )

        if self._optimum_python is not None:
            yield from find_optimum_problems(self._optimum_python)

    def warnings(self) -> Iterator[Problem]:
        yield from ()

    def image_name(self) -> None:
        return None

    def image_digest(self) -> str | None:
        return None

    def samples_path(self, samples: Path) -> str:
        return str(samples.resolve())

    def start(self, order: Order) -> ProcessHandle:
        folder = order.folder.resolve()
        mark = f"{order.run_id}.{secrets.token_hex(8)}"
        token_file = self._write_token(order)
        token_path = token_file.path if token_file is not None else None
        environment = self._make_environment(order, token_path) | {MARK_VARIABLE: mark}
        folders = [str(one.resolve()) for one in order.folders]
        command = [sys.executable, "-m", "benchmark_core", "run", *folders]
        try:
            order.log_path.parent.mkdir(parents=True, exist_ok=True)
            with order.log_path.open("ab") as log:
                child = subprocess.Popen(
                    ["/bin/sh", "-c", WAIT_FOR_RECORD, "sh", *command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            if token_file is not None:
                token_file.remove()
            raise _not_started(order, error) from error
        try:
            record = _record(order, mark, child.pid)
            record.write(folder)
            _let_go(child)
        except OSError as error:
            child.kill()
            child.wait()
            if token_file is not None:
                token_file.remove()
            raise _not_started(order, error) from error
        return ProcessHandle(record, folder, BoundedLog(order.log_path), child, token_file)

    def leftovers(self) -> list[Leftover]:
        found = []
        for path in sorted(self._output_dir.glob(f"{RUNS_DIR}/*/{RECORD_FILE}")):
            record = ProcessRecord.read(path.parent)
            if record is not None and record.owner.is_gone():
                alive = not record.also and record.group.leader_lives()
                found.append(Leftover(str(path.parent), record.run_id, record.spec_hash, alive))
        return found

    def adopt(self, leftover: Leftover, order: Order) -> ProcessHandle:
        """Watch it from here on; its output stays in the log that it was started with."""
        record = ProcessRecord.read(Path(leftover.key))
        if record is None:
            raise HostError(
                Problem(leftover.key, f"{RECORD_FILE} cannot be read", "Start the run anew")
            )
        log = BoundedLog(order.log_path)
        return ProcessHandle(record, Path(leftover.key), log, None, None)

    def discard(self, leftover: Leftover) -> None:
        """Kill what still runs of it and remove its record, unless a new attempt is there now."""
        folder = Path(leftover.key)
        record = ProcessRecord.read(folder)
        if record is not None and not record.owner.is_gone():
            return
        if record is not None:
            record.group.terminate(STOP_SECONDS)
        (folder / RECORD_FILE).unlink(missing_ok=True)

    def _write_token(self, order: Order) -> TokenFile | None:
        if self._token is None or self._caches is None or not order.asks_hub:
            return None
        return TokenFile(self._token, os.geteuid(), os.getegid())

    def _make_environment(self, order: Order, token_path: Path | None) -> dict[str, str]:
        environment = inherited(self._environment) | {
            "PYTHONPATH": str(self._program_root),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "CUDA_VISIBLE_DEVICES": ",".join(order.launch.gpu_uuids) if order.wants_gpus else "",
        }
        if self._caches is not None:
            environment["HF_HUB_CACHE"] = str(self._caches.hub)
            environment["HF_DATASETS_CACHE"] = str(self._caches.datasets)
        if not order.asks_hub:
            environment["HF_HUB_OFFLINE"] = "1"
        if self._optimum_python is not None:
            environment[optimum.VARIABLE] = str(self._optimum_python)
        if token_path is not None:
            environment["HF_TOKEN_PATH"] = str(token_path)
        return environment


def _record(order: Order, mark: str, pid: int) -> ProcessRecord:
    owner = Owner.current()
    return ProcessRecord(
        run_id=order.run_id,
        spec_hash=order.spec_hash,
        also=tuple(folder.name for folder in order.also),
        mark=mark,
        pid=pid,
        started=process_start(pid) or "",
        launched_at=datetime.now(UTC).isoformat(),
        owner_host=owner.host,
        owner_pid=owner.pid,
        owner_started=owner.started,
    )


def _let_go(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin is not None
    with child.stdin as pipe:
        pipe.write(b"go\n")


def _not_started(order: Order, error: OSError) -> HostError:
    return HostError(
        Problem(
            f"run {order.run_id}",
            f"its process cannot be started: {error.strerror or error}",
            "Put right what it names and start again; finished runs are kept",
        )
    )
