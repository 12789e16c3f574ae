"""What people see: lines for pipes, bars for terminals, and a table at the end."""

import io
import os
import re
import threading
import time

import pytest
from rich.console import Console

from orchestrator.display import results_view
from orchestrator.display.live import LiveDisplay
from orchestrator.display.patient import PatientDisplay
from orchestrator.display.plain import PlainDisplay
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.progress import Progress, SampleTail
from orchestrator.pulse import Pulse
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord
from orchestrator.sweep_result import SweepResult
from orchestrator.words import duration
from tests.support import builders

HOSTILE = "org_[bold red]x[/]_Off"


def planned(run_id="org_model_Off"):
    return PlannedRun(config=None, spec=builders.spec(run_id=run_id))


def progress(done, total, step="generate", sample=3, samples=10):
    return Progress(done, total, step, repetition=1, repetitions=2, sample=sample, samples=samples)


def ended(run_id, outcome="finished", message="", tail=()):
    return Outcome(
        run_id=run_id,
        spec_hash="0" * 64,
        outcome=outcome,
        error_message=message,
        finished_at=builders.NOW,
        log_file=f"{run_id}.log",
        engine="process",
        log_tail=tail,
    )


def record(*run_ids, gpus=2, parallel=2):
    return SweepRecord(
        host="node",
        process=1,
        started_at=builders.NOW,
        engine="process",
        parallel=parallel,
        gpus=tuple(SweepGpu(index=n, uuid=f"GPU-{n}", name="NVIDIA H100") for n in range(gpus)),
        runs=tuple(ExpectedRun(run_id=run_id, gpu_count=1) for run_id in run_ids),
    )


def on(*gpus):
    return builders.launch(gpu_uuids=tuple(f"GPU-{number}" for number in gpus))


def pulse(done, total, step="generate", watts=None):
    return Pulse(progress(done, total, step), watts, None, step)


def walk(display, run_id):
    run = planned(run_id)
    display.warn([Problem("here", "something", "Do this.")])
    display.sweep_started(record(run_id), {"other_Off": "finished before"})
    display.run_started(run, on(0), adopted=False)
    display.run_progressed(run, pulse(3, 10))
    display.run_ended(run, ended(run_id, "failed", "crash: it broke", ("last words",)), 30.0)
    display.run_started(run, on(0, 1), adopted=False)
    display.run_ended(run, ended(run_id, "failed", "crash: it broke", ("last words",)), None)
    display.close()


def test_plain_lines_tell_the_whole_story():
    stream = io.StringIO()
    walk(PlainDisplay(stream), "org_model_Off")
    text = stream.getvalue()
    for part in (
        "warning: here: something. Do this.",
        "skipped other_Off: finished before",
        "1 runs to do, up to 2 at a time, 1 skipped",
        "[1/1] starting org_model_Off on GPU 0\n",
        "failed org_model_Off: crash: it broke (log: org_model_Off.log); tried again in 30 s (0 s)",
        "[1/1] trying again org_model_Off on GPUs 0-1\n",
        "failed org_model_Off: crash: it broke (log: org_model_Off.log) (0 s)",
        "    | last words",
    ):
        assert part in text
    assert "\x1b" not in text


def test_plain_progress_comes_now_and_then_for_each_run(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("orchestrator.display.plain.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    display = PlainDisplay(stream)
    runs = [planned("a"), planned("b")]
    display.sweep_started(record("a", "b"), {})
    for clock[0], run in zip((0.0, 10.0), runs, strict=True):
        display.run_started(run, on(0), adopted=False)
    for clock[0] in (20.0, 35.0, 45.0, 46.0):
        for run in runs:
            display.run_progressed(run, pulse(int(clock[0]), 90, watts=412.4))
    display.run_progressed(runs[0], Pulse(None, None, None))
    lines = [line for line in stream.getvalue().splitlines() if "samples" in line]
    assert lines == [
        "[1/2] a: 35 of 90 samples, generate, 412 W, about 55 s left",
        "[2/2] b: 45 of 90 samples, generate, 412 W, about 45 s left",
    ]


@pytest.mark.parametrize("width", [80, 200])
def test_live_bars_show_names_as_they_are_written(width):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, color_system="truecolor")
    walk(LiveDisplay(console), HOSTILE)
    text = stream.getvalue()
    assert "[bold red]" in text
    assert "last words" in text
    assert "crash: it broke" in text
    assert "\x1b[3" in text


def test_without_colours_where_nobody_wants_them(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    walk(LiveDisplay(Console(file=stream, force_terminal=True, width=80)), "org_model_Off")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", stream.getvalue())


class Slow:
    """Writes down what it is told, one thing at a time, or says that it was not so."""

    def __init__(self):
        self.told = []
        self._busy = threading.Lock()

    def notice(self, text):
        assert self._busy.acquire(blocking=False)
        time.sleep(0.0005)
        self.told.append(text)
        self._busy.release()

    def close(self):
        self.told.append("closed")


def test_many_threads_may_tell_at_once_and_all_is_told_before_the_end():
    slow = Slow()
    display = PatientDisplay(slow)
    threads = [
        threading.Thread(target=lambda n=n: [display.notice(f"{n} {m}") for m in range(20)])
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    display.close()
    assert slow.told[-1] == "closed"
    assert sorted(slow.told[:-1]) == sorted(f"{n} {m}" for n in range(8) for m in range(20))
    of_one = [text for text in slow.told if text.startswith("3 ")]
    assert of_one == [f"3 {m}" for m in range(20)]


def test_a_display_that_stands_still_holds_nobody_up(monkeypatch):
    """As a terminal does after Ctrl-S. Its pipe is full, so that a write waits for ever."""
    monkeypatch.setattr("orchestrator.display.patient.CLOSING_SECONDS", 0.1)
    reader, writer = os.pipe()
    display = PatientDisplay(PlainDisplay(os.fdopen(writer, "w")))
    for _ in range(40):
        display.notice("x" * 10_000)
    for number in range(3000):
        display.run_progressed(planned(), pulse(number, 3000))
    display.close()
    assert display._words.qsize() < 1100
    os.close(reader)


def test_a_reader_that_left_ends_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    display = PatientDisplay(PlainDisplay(os.fdopen(writer, "w")))
    for _ in range(3):
        display.notice("anybody there?")
    display.close()
    assert display._gone


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5340, "89 min"), (11100, "3 h 05 min")],
)
def test_durations_read_like_speech(seconds, text):
    assert duration(seconds) == text


def test_the_tail_of_samples_reads_only_whole_lines(tmp_path):
    path = tmp_path / "benchmark_results.csv"
    tail = SampleTail(path)
    assert tail.read() is None
    header = "repetition,repetitions,pass,passes,sample,samples\n"
    path.write_text(header)
    assert tail.read() is None
    with path.open("a") as stream:
        stream.write("1,2,prefill,2,1,5\n1,2,pre")
    assert tail.read() == progress(1, 20, "prefill", sample=1, samples=5)
    with path.open("a") as stream:
        stream.write("fill,2,2,5\n")
    assert tail.read() == progress(2, 20, "prefill", sample=2, samples=5)
    with path.open("a") as stream:
        # Several at a time: the fifth ended before the third, and the next pass begins at one.
        stream.write("1,2,prefill,2,5,5\n1,2,prefill,2,3,5\n1,2,prefill,2,4,5\n")
    assert tail.read() == progress(5, 20, "prefill", sample=5, samples=5)
    with path.open("a") as stream:
        stream.write("1,2,generate,2,2,5\n")
    assert tail.read() == progress(6, 20, "generate", sample=1, samples=5)
    assert tail.read() is None


def test_a_tail_survives_garbage(tmp_path):
    path = tmp_path / "benchmark_results.csv"
    path.write_bytes(b"header\n\xff\xfe,not,numbers\n")
    assert SampleTail(path).read() is None


def test_the_closing_table_names_sources_failures_and_the_file(tmp_path, capsys):
    path = tmp_path / "master_results.csv"
    from orchestrator.master_columns import COLUMNS

    def line(**cells):
        return ",".join(str(cells.get(name, "")) for name in COLUMNS)

    good = line(
        run_id="a_b_Off",
        outcome="finished",
        gpu_energy_wh=0.25,
        total_completion_tokens=2048,
        reasoning_tokens=1024,
        rehearsal="yes",
        verdict="flagged",
        verdict_reasons="rehearsal",
        gpu_energy_source="simulated: x",
    )
    bad = line(
        run_id="c_d_Off",
        outcome="failed",
        error_message="timeout: late",
        verdict="invalid",
        verdict_reasons="counter_reset",
    )
    path.write_text("\n".join([",".join(COLUMNS), good, bad]) + "\n")
    result = SweepResult(finished=1, skipped=0, failed=1, interrupted=0, not_started=0)
    results_view.show(path, ["a_b_Off", "c_d_Off"], result)
    text = capsys.readouterr().out
    for part in (
        "REHEARSAL",
        "GPU energy: simulated: x",
        "CPU energy: not measured",
        "failed c_d_Off: timeout: late",
        "--rerun-failed",
        "1 finished, 1 failed",
        str(path),
        "flagged in 1 runs: rehearsal",
        "invalid in 1 runs (c_d_Off): counter_reset",
    ):
        assert part in text
    assert "GPU energy: not measured" not in text
    assert " 0.25" in text
    headings, first, *_ = text.splitlines()
    end = headings.index("reasoning") + len("reasoning")
    assert first[:end].split()[-2:] == ["2048", "1024"]


def test_invalid_rows_are_named_and_a_narrow_terminal_shows_the_verdict(
    tmp_path, capsys, monkeypatch
):
    from orchestrator.master_columns import COLUMNS

    path = tmp_path / "master_results.csv"
    run_ids = [f"m_{number:02d}" for number in range(12)]
    cells = {"outcome": "finished", "verdict": "invalid"}
    lines = [
        ",".join(
            ({"run_id": run_id, "verdict_reasons": "phase_not_positive"} | cells).get(name, "")
            for name in COLUMNS
        )
        for run_id in run_ids
    ]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    monkeypatch.setattr(results_view, "WIDTH_WHEN_PIPED", 80)
    result = SweepResult(finished=12, skipped=0, failed=0, interrupted=0, not_started=0)
    results_view.show(path, run_ids, result)
    text = capsys.readouterr().out
    named = ", ".join(run_ids[:10])
    assert f"invalid in 12 runs ({named} and 2 more): phase_not_positive" in text
    heading, first, *_ = text.splitlines()
    assert heading.split()[-1] == "verdict"
    assert "CPU Wh" not in heading
    assert "reasoning" not in heading
    assert first.split()[-1] == "invalid"


@pytest.mark.parametrize(
    "line", ["9" * 400 + ",2,prefill,2,1,5", "1,2,prefill,2,1," + "9" * 400, "x" * 200_000]
)
def test_what_a_run_writes_instead_of_counts_harms_nobody(tmp_path, line):
    path = tmp_path / "benchmark_results.csv"
    path.write_text(f"header\n{line}\n")
    tail = SampleTail(path)
    assert tail.read() is None
    with path.open("a") as stream:
        stream.write("y" * 3_000_000)
    for _ in range(5):
        tail.read()
    assert len(tail._rest) <= 2**16


@pytest.mark.parametrize(("digests", "warned"), [(("a", "a"), False), (("a", "b"), True)])
def test_results_of_different_images_are_flagged(tmp_path, capsys, digests, warned):
    """Also when the other image's row is no part of this sweep."""
    from orchestrator.master_columns import COLUMNS

    lines = [
        ",".join(
            {"run_id": f"run_{number}", "outcome": "finished", "image_digest": digest}.get(name, "")
            for name in COLUMNS
        )
        for number, digest in enumerate(digests)
    ]
    path = tmp_path / "master_results.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    result = SweepResult(finished=1, skipped=0, failed=0, interrupted=0, not_started=0)
    results_view.show(path, ["run_0"], result)
    assert ("2 different images" in capsys.readouterr().out) == warned
