"""What a run shows of itself while it lasts, read from the files that it is writing."""

import os

import pytest

from benchmark_core.power_trace import TraceRow, format_row
from benchmark_core.sample_journal import COLUMNS
from orchestrator.pulse import HEAD_BYTES, LONGEST_SILENCE_SECONDS, Pulse, PulseReader, TraceTail
from orchestrator.run_folder import RunFolder
from tests.support.traces import two_gpus, write_trace

HEADER = ",".join(COLUMNS) + "\n"


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def test_a_run_goes_from_loading_to_its_samples(folder):
    reader = PulseReader(folder)
    assert reader.read() == Pulse(None, None, None, "load")
    folder.journal_path.write_text(HEADER)
    assert reader.read() == Pulse(None, None, None, "warm_up")
    folder.journal_path.write_text(HEADER + "1,2,prefill,2,1,5,,,,,\n")
    first = reader.read()
    assert (first.progress.done, first.phase) == (1, "prefill")
    assert reader.read() == first, "what is known stays known while nothing is new"


def test_power_and_energy_are_of_all_gpus_of_the_run(folder):
    reader = PulseReader(folder)
    trace = write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    pulse = reader.read()
    assert (pulse.watts, pulse.phase) == (410.0, "generate")
    assert pulse.gpu_joules == pytest.approx(400.0)
    write_trace(trace, two_gpus(200.0, phase=""))
    assert trace.stat().st_size > 3 * HEAD_BYTES
    pulse = reader.read()
    assert pulse.gpu_joules == pytest.approx(400.0 * 200)
    assert pulse.phase == "generate", "between two windows"


def test_before_the_first_window_the_gpus_are_resting(folder):
    write_trace(folder.path / "power_trace.csv", two_gpus(1.0, phase=""))
    assert PulseReader(folder).read().phase == "rest"


def test_a_trace_that_no_longer_grows_tells_no_power_but_its_energy(tmp_path):
    now = [0.0]
    tail = TraceTail(write_trace(tmp_path / "trace.csv", two_gpus(1.0)), lambda: now[0])
    assert tail.read().watts == 410.0
    now[0] = LONGEST_SILENCE_SECONDS + 1
    assert tail.read().watts is None
    assert tail.read().joules == pytest.approx(400.0)


@pytest.mark.parametrize("missing", ["watts", "counter_joules"])
def test_what_one_gpu_does_not_tell_is_told_of_none(tmp_path, missing):
    def look(row):
        return row._replace(**{missing: None}) if row.gpu == 0 else row

    power = TraceTail(write_trace(tmp_path / "trace.csv", map(look, two_gpus(1.0)))).read()
    assert (power.watts is None, power.joules is None) == (
        missing == "watts",
        missing == "counter_joules",
    )


def test_a_counter_that_was_set_back_tells_no_energy(tmp_path):
    rows = [*two_gpus(1.0), TraceRow(1.05, 0, "", 100.0, None, 3.0)]
    assert TraceTail(write_trace(tmp_path / "trace.csv", rows)).read().joules is None


@pytest.mark.parametrize("plant", ["pipe", "link", "folder", "garbage", "one endless line"])
def test_what_a_run_puts_in_the_place_of_its_trace_does_no_harm(folder, tmp_path, plant):
    path = folder.path / "power_trace.csv"
    if plant == "pipe":
        os.mkfifo(path)
    elif plant == "link":
        path.symlink_to(write_trace(tmp_path / "elsewhere.csv", two_gpus(1.0)))
    elif plant == "folder":
        path.mkdir()
    elif plant == "garbage":
        path.write_bytes(b"\0\xff,\n" * 99 + b"1,0,\xff,nan,,,,,,,,\n")
    else:
        path.write_text("9" * 3_000_000)
    assert PulseReader(folder).read() == Pulse(None, None, None, "load")


def test_a_torn_row_waits_for_its_end(tmp_path):
    rows = two_gpus(1.0)
    path = write_trace(tmp_path / "trace.csv", rows[:-1])
    with path.open("a") as stream:
        stream.write(format_row(rows[-1])[:-9])
    assert TraceTail(path).read().joules == pytest.approx(400.0, abs=20)
