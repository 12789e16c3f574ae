"""The program that samples GPUs into a power trace.

Run as `python -m benchmark_core.meters.power_sampling --file PATH [--period SECONDS] UUID...`. A
process of its own, so that the model's loop never waits for it. It imports as little as it can: it
starts while others wait for it, and stays in memory beside the model.

Standard input takes the labels of windows, one line each: the monotonic time from which the label
holds, a tab, the label (empty: between windows). The end of standard input ends the program, so it
never outlives its owner. Times of rows are rounded as they are written before they are compared
with those of labels. A row is written one tick after it was taken: by then the label has arrived
that was set at the moment of the row.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from math import ceil, inf, isfinite
from pathlib import Path
from typing import Any

from benchmark_core.power_trace import HEADER, TraceRow, format_row, throttle_words

# The driver's fields for the power's mean over the last second and over the last milliseconds.
AVERAGE_POWER_FIELD = (185, 0)
INSTANT_POWER_FIELD = (186, 0)
# What the driver answers for unsigned values that it does not have.
NO_VALUES = (2**32 - 1, 2**64 - 1)
PERIOD_SECONDS = 0.05
# What the energy does not rest on is asked for no more often than this, and not of all GPUs in one
# tick: a driver that takes a millisecond for each answer would else not keep up with many GPUs.
STATE_SECONDS = 0.1
# What changes seldom, or is slow to ask for, is asked for once in this time.
SLOW_SECONDS = 1.0
# Ends a line that the system wrote only in part, so that nobody takes it for a row.
TORN = b"#\n"
# So much is read at a time, and so often in one tick: input without end must not hold up the rows.
INPUT_BYTES = 65536
MOST_READS = 4
LONGEST_MARK_BYTES = 4096


class Gpu:
    """What the driver says of one GPU at a time."""

    def __init__(self, position: int, uuid: str, period_seconds: float = PERIOD_SECONDS) -> None:
        """Raises pynvml.NVMLError when there is no such GPU."""
        import pynvml

        self._nvml = pynvml
        self._position = position
        self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        # By rows and not by time: when ticks come late, asking for more would make them later yet.
        self._rows_per_state = max(1, ceil(STATE_SECONDS / period_seconds - 1e-9))
        self._rows = position
        self._state: dict[str, Any] = {}
        self._slow_phase = position * period_seconds
        self._slow_turn: int | None = None
        self._limit_watts: float | None = None
        self._processes: int | None = None
        self._read_reasons = pynvml.nvmlDeviceGetCurrentClocksEventReasons
        try:
            self._read_reasons(self._handle)
        except pynvml.NVMLError_FunctionNotFound:
            self._read_reasons = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons
        except pynvml.NVMLError:
            pass
        self._power_types = {
            pynvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
            pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
            pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
            pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
            pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
            pynvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
            pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
        }

    def sample(self) -> TraceRow:
        """A row without a phase, of the moment at which the energy counter was read."""
        nvml = self._nvml
        asked_at = time.monotonic()
        joules = _thousandth(self._ask(nvml.nvmlDeviceGetTotalEnergyConsumption))
        answered_at = time.monotonic()
        watts, instant_watts = self._power()
        if not self._state or self._rows % self._rows_per_state == 0:
            self._state = self._ask_state()
        self._rows += 1
        turn = int((answered_at + self._slow_phase) / SLOW_SECONDS)
        if turn != self._slow_turn:
            self._slow_turn = turn
            self._limit_watts = _thousandth(self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit))
            processes = self._ask(nvml.nvmlDeviceGetComputeRunningProcesses_v3)
            self._processes = None if processes is None else len(processes)
        return TraceRow(
            seconds=round((asked_at + answered_at) / 2, 6),
            gpu=self._position,
            phase="",
            watts=watts,
            instant_watts=instant_watts,
            counter_joules=joules,
            power_limit_watts=self._limit_watts,
            processes=self._processes,
            **self._state,
        )

    def _ask_state(self) -> dict[str, Any]:
        """The fields of a row that hold until they are asked for again."""
        nvml = self._nvml
        utilisation = self._ask(nvml.nvmlDeviceGetUtilizationRates)
        return {
            "celsius": self._ask(
                lambda handle: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
            ),
            "sm_clock_mhz": self._ask(
                lambda handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)
            ),
            "utilisation_percent": None if utilisation is None else utilisation.gpu,
            "throttle_reasons": throttle_words(self._ask(self._read_reasons) or 0),
        }

    def _power(self) -> tuple[float | None, float | None]:
        """Average and instant watts, from one question to the driver."""
        fields = self._ask(
            lambda handle: self._nvml.nvmlDeviceGetFieldValues(
                handle, [AVERAGE_POWER_FIELD, INSTANT_POWER_FIELD]
            )
        )
        average, instant = fields or (None, None)
        if average is None or average.nvmlReturn != self._nvml.NVML_SUCCESS:
            watts = _thousandth(self._ask(self._nvml.nvmlDeviceGetPowerUsage))
        else:
            watts = self._field_watts(average)
        return watts, self._field_watts(instant)

    def _field_watts(self, field: Any) -> float | None:
        if field is None or field.nvmlReturn != self._nvml.NVML_SUCCESS:
            return None
        member = self._power_types.get(field.valueType)
        return None if member is None else _thousandth(getattr(field.value, member))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """None where the driver has no answer, be it for now or for good."""
        try:
            answer = question(self._handle)
        except self._nvml.NVMLError:
            return None
        return None if answer in NO_VALUES else answer


class Labels:
    """The labels of windows and from when on each holds, as they arrive on a pipe."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._torn = b""
        self._marks: list[tuple[float, str]] = [(0.0, "")]

    def receive(self) -> bool:
        """Take all that has arrived; False once nothing more can, because the owner is gone."""
        for _ in range(MOST_READS):
            try:
                block = os.read(self._descriptor, INPUT_BYTES)
            except BlockingIOError:
                break
            if not block:
                return False
            *lines, torn = (self._torn + block).split(b"\n")
            self._torn = torn[:LONGEST_MARK_BYTES]
            for line in lines:
                self._take(line)
        return True

    def at(self, seconds: float) -> str:
        """The label at that time; earlier ones are forgotten, so times may not go back."""
        while len(self._marks) > 1 and self._marks[1][0] <= seconds:
            del self._marks[0]
        return self._marks[0][1]

    def _take(self, line: bytes) -> None:
        time_text, tab, label = line.decode(errors="replace").partition("\t")
        try:
            seconds = float(time_text)
        except ValueError:
            return
        if tab and isfinite(seconds):
            self._marks.append((seconds, label))
            self._marks.sort(key=lambda mark: mark[0])


class TraceFile:
    """Appends whole rows, with one write for all that are written together."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("a+b", buffering=0)
        self._torn = False
        size = self._stream.seek(0, os.SEEK_END)
        if size == 0:
            self._stream.write(HEADER.encode())
        else:
            self._stream.seek(size - 1)
            self._torn = self._stream.read(1) != b"\n"

    def write(self, rows: Sequence[TraceRow]) -> None:
        """A full disk costs the rows, not the program: the trace then has a gap to be seen."""
        data = "".join(map(format_row, rows)).encode()
        if self._torn:
            data = TORN + data
        try:
            written = self._stream.write(data)
        except OSError:
            return
        if written:
            self._torn = written < len(data)


def ticks(period_seconds: float) -> Iterator[None]:
    """On a steady schedule; ticks that were missed are left out, not made up for."""
    started_at = time.monotonic()
    number = 0
    while True:
        yield
        passed = time.monotonic() - started_at
        number = max(number, int(passed / period_seconds)) + 1
        time.sleep(max(0.0, started_at + number * period_seconds - time.monotonic()))


def sample(gpus: Sequence[Gpu], labels: Labels, trace: TraceFile, period_seconds: float) -> None:
    """Until standard input ends, the owner is gone, or the system asks to end."""
    owner = os.getppid()
    asked_to_end = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: asked_to_end.append(number))
    held: list[TraceRow] = []
    for _ in ticks(period_seconds):
        # A forked child of the owner may hold the pipe open after the owner's end.
        is_wanted = labels.receive() and os.getppid() == owner and not asked_to_end
        if held:
            trace.write([row._replace(phase=labels.at(row.seconds)) for row in held])
        if not is_wanted:
            return
        held = [gpu.sample() for gpu in gpus]


def main(arguments: Sequence[str]) -> int:
    # Ctrl-C goes to all processes of a terminal, and what it means is for the owner to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(prog="power_sampling")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--period", type=_seconds, default=PERIOD_SECONDS)
    parser.add_argument("uuids", nargs="+")
    options = parser.parse_args(arguments)
    import pynvml

    try:
        pynvml.nvmlInit()
        gpus = [Gpu(number, uuid, options.period) for number, uuid in enumerate(options.uuids)]
        trace = TraceFile(options.file)
    except (pynvml.NVMLError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    sample(gpus, Labels(sys.stdin.fileno()), trace, options.period)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (isfinite(seconds) and seconds > 0):
        raise ValueError("the period must be above 0")
    return seconds


def _thousandth(value: float | None) -> float | None:
    """Watts of milliwatts, joules of millijoules; None for what is no value."""
    if value is None or value in NO_VALUES or not 0 <= value < inf:
        return None
    return value / 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
