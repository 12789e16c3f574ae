"""The worker as a process: started, waited for, and what it means when it leaves no result."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmark_core.documents import ContractError, read_bounded
from benchmark_core.faults import MemoryFault, ModelFault, RunFault, SpecFault
from benchmark_core.optimum import worker
from benchmark_core.optimum.environment import REMEDY, optimum_python
from benchmark_core.optimum.findings import WorkerFailure
from benchmark_core.terminal_text import printable

ORDER_FILE = "order.json"
LOG_FILE = "worker.log"
LAST_BYTES = 4000
LAST_LINES = 3
LONGEST_LINE = 200
OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")


def find_python() -> Path:
    """The Python with optimum-benchmark. Raises SpecFault where there is none."""
    python = optimum_python(os.environ)
    if not os.access(python, os.X_OK):
        raise SpecFault(f"there is no Python with optimum-benchmark at {python}", REMEDY)
    return python


def run_worker(python: Path, order: dict[str, Any], place: Path, whose: str) -> None:
    """One run of the worker in `place`, where all its files stay. `whose` names the model.

    It gets the environment of this run, and a cache of datasets of its own: with an older one the
    second repetition would find its inputs prepared, and measure nothing there.

    Raises:
        RunFault: it ended otherwise than with its files written.
    """
    place.mkdir(parents=True)
    (place / ORDER_FILE).write_text(json.dumps(order, indent=2) + "\n", encoding="utf-8")
    with (
        (place / LOG_FILE).open("wb") as log,
        tempfile.TemporaryDirectory(dir=place, prefix="cache-") as cache,
    ):
        try:
            # Isolated, so that neither this program nor the user's own packages are found.
            process = subprocess.Popen(
                [python, "-I", "-u", worker.__file__, ORDER_FILE, str(os.getpid())],
                cwd=place,
                env=os.environ | {"HF_DATASETS_CACHE": cache},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise SpecFault(f"{python} cannot be run: {error.strerror}", REMEDY) from error
        try:
            code = process.wait()
        finally:
            process.kill()
            process.wait()
    if code != 0:
        raise _fault(code, place, whose)


def _fault(code: int, place: Path, whose: str) -> RunFault:
    see = f"See {place.parent.name}/{place.name}/{LOG_FILE} in the run folder"
    failure = _told(place)
    if failure is None:
        how = f"ended with {code}" if code > 0 else f"was ended by {_signal_name(-code)}"
        return ModelFault(
            f"{whose}: the process of optimum-benchmark {how}; {_last_words(place)}",
            f"{see}; a process that is killed has often used up the memory.",
        )
    said = f"{failure.type}: {failure.message}" if failure.message else failure.type
    message = f"{whose}: optimum-benchmark ended with {_line(said)[:500]}"
    if failure.type in OUT_OF_MEMORY:
        return MemoryFault(message, f"{see}; give the row more GPUs, or choose a smaller model.")
    return ModelFault(
        message, f"{see}; check that the model loads there, or measure it with the pytorch backend."
    )


def _told(place: Path) -> WorkerFailure | None:
    try:
        return WorkerFailure.model_validate_json(read_bounded(place / worker.FAILURE_FILE))
    except (OSError, ContractError, ValidationError):
        return None


def _signal_name(number: int) -> str:
    names = {known.value: known.name for known in signal.Signals}
    return f"signal {number} ({names.get(number, 'unknown')})"


def _last_words(place: Path) -> str:
    with (place / LOG_FILE).open("rb") as log:
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - LAST_BYTES))
        text = log.read(LAST_BYTES).decode("utf-8", errors="replace")
    lines = [line[:LONGEST_LINE] for part in text.split("\n") if (line := _line(part))]
    return f"it last said: {' | '.join(lines[-LAST_LINES:])}" if lines else "it said nothing"


def _line(text: str) -> str:
    return printable(" ".join(text.split()))
