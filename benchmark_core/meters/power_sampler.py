"""The sampling process, as its owner sees it."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmark_core.faults import MeterFault
from benchmark_core.power_trace import tail

PROGRAM = "benchmark_core.meters.power_sampling"
SOURCES = Path(__file__).resolve().parents[2]
START_SECONDS = 10.0
# How long the process may take to end by itself, and again after it was asked to.
END_SECONDS = 1.0
POLL_SECONDS = 0.01
LONGEST_COMPLAINT_BYTES = 65536
# A pipe takes so much whole or not at all.
LONGEST_LABEL = 200


class PowerSampler:
    """Writes the power trace of exactly the GPUs of `gpu_uuids` to `path`, from `start` to `stop`.

    The process dies with this one, however this one ends.
    """

    def __init__(
        self, gpu_uuids: tuple[str, ...], path: Path, period_seconds: float = 0.05
    ) -> None:
        self._gpu_uuids = gpu_uuids
        self._path = path.absolute()
        self._period_seconds = period_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0.0
        self._labels: int | None = None
        self._complaints: int | None = None

    def start(self) -> None:
        """`launch`, and returns when the first rows are in the file. Raises MeterFault."""
        self.launch()
        self.await_rows()

    def launch(self) -> None:
        """Let the process come up on its own, which takes a tenth of a second. The file is there.

        Raises:
            MeterFault: it cannot be started; the reason is `sampler_failed`.
        """
        self._launched_at = time.monotonic()
        try:
            # An earlier run by hand in the same folder left a trace of another time.
            self._path.write_bytes(b"")
            self._spawn()
        except OSError as error:
            self.stop()
            raise _fault(str(error)) from error

    def await_rows(self) -> bool:
        """Whether the first rows had still to be waited for; at once when they are there.

        Raises:
            MeterFault: there are none within 10 s; the reason is `sampler_failed`.
        """
        if self.wait_past(self._launched_at, 0.0):
            return False
        if self.wait_past(self._launched_at, START_SECONDS):
            return True
        why = self._complaint() or f"no sample within {START_SECONDS:g} s"
        self.stop()
        raise _fault(why)

    def mark(self, label: str, at_seconds: float | None = None) -> None:
        """From now on rows carry this label; an empty one between windows.

        `at_seconds` is the edge's own time, which may lie back by less than a period. Takes
        microseconds and never fails: that the process is gone shows where its rows are missed.
        """
        if self._labels is None:
            return
        seconds = time.monotonic() if at_seconds is None else at_seconds
        line = f"{seconds!r}\t{' '.join(label.split())[:LONGEST_LABEL]}\n"
        with contextlib.suppress(OSError):
            os.write(self._labels, line.encode(errors="replace"))

    def wait_past(self, seconds: float, patience_seconds: float = 2.0) -> bool:
        """Whether the file holds a row of every GPU later than that time, waiting for it."""
        patient_until = time.monotonic() + patience_seconds
        while True:
            # Asked before the file is read: rows written just before the end count.
            is_hopeless = not self.alive() or time.monotonic() > patient_until
            rows = tail(self._path, seconds)
            if len({row.gpu for row in rows if row.seconds > seconds}) >= len(self._gpu_uuids):
                return True
            if is_hopeless:
                return False
            time.sleep(POLL_SECONDS)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ends the process after its last rows; harmless when called twice or before `start`."""
        labels, self._labels = self._labels, None
        if labels is not None:
            os.close(labels)
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        complaints, self._complaints = self._complaints, None
        if complaints is not None:
            os.close(complaints)

    def _spawn(self) -> None:
        standard_input, self._labels = os.pipe()
        self._complaints, standard_error = os.pipe()
        # Whoever would have to wait loses what it writes, on both ends: nobody reads along.
        for descriptor in (self._labels, self._complaints, standard_error):
            os.set_blocking(descriptor, False)
        try:
            self._process = subprocess.Popen(
                self._command(),
                stdin=standard_input,
                stdout=subprocess.DEVNULL,
                stderr=standard_error,
                env=dict(os.environ) | {"PYTHONPATH": _search_path()},
                close_fds=True,
            )
        finally:
            os.close(standard_input)
            os.close(standard_error)

    def _command(self) -> list[str]:
        options = ["--file", str(self._path), "--period", str(self._period_seconds)]
        # -P: no module of the current directory stands in for one of ours.
        return [sys.executable, "-P", "-m", PROGRAM, *options, *self._gpu_uuids]

    def _complaint(self) -> str:
        """The last line that the process wrote to its standard error."""
        if self._complaints is None:
            return ""
        try:
            text = os.read(self._complaints, LONGEST_COMPLAINT_BYTES).decode(errors="replace")
        except OSError:
            return ""
        return (text.strip().splitlines() or [""])[-1]


def _fault(why: str) -> MeterFault:
    return MeterFault(
        f"the process that samples the power of the GPUs does not work: {why}",
        "Look at nvidia-smi, the kernel log and the space left on the disk, then run the row"
        " again.",
        "sampler_failed",
    )


def _search_path() -> str:
    return os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH")]))


def _end(process: subprocess.Popen[bytes]) -> None:
    for signal_it in (process.terminate, process.kill):
        try:
            process.wait(END_SECONDS)
            return
        except subprocess.TimeoutExpired:
            signal_it()
    process.wait()
