"""Prefill and decode told apart within one pass, against work whose power is known."""

import math

import pytest

from benchmark_core.power_trace import TraceRow
from benchmark_core.single_pass import TokenMark, split
from tests.support.traces import sampled, write_trace

PREFILL_WATTS, DECODE_WATTS = 600.0, 300.0
STEP_SECONDS = 0.1


def marks_of(first_at, samples, prefill=1.1, decode=2.3, pause=0.003):
    whole = prefill + decode + pause
    starts = [first_at + number * whole for number in range(samples)]
    return [TokenMark(at, at + prefill, at + prefill + decode) for at in starts]


def power_at(marks, seconds):
    for mark in marks:
        if mark.started_at <= seconds < mark.first_token_at:
            return PREFILL_WATTS
        if mark.first_token_at <= seconds < mark.ended_at:
            return DECODE_WATTS
    return 100.0


def stepping_counter(marks, until):
    """The counter as read at a time: the exact integral, seen in steps."""
    fine = 0.001
    course = [0.0]
    for number in range(round(until / fine) + 1):
        course.append(course[-1] + fine * power_at(marks, number * fine))

    def read(seconds):
        return course[round(math.floor(seconds / STEP_SECONDS + 1e-9) * STEP_SECONDS / fine)]

    return read


def trace(folder, marks, until, counter=True, gpus=1, hole=(0.0, 0.0)):
    read = stepping_counter(marks, until)

    def look(seconds, gpu):
        if hole[0] < seconds < hole[1]:
            return None
        joules = 5000.0 + read(seconds) if counter else None
        watts = power_at(marks, seconds)
        return TraceRow(seconds, gpu, "", instant_watts=watts, counter_joules=joules)

    # Off the beat of the counter's steps.
    return write_trace(folder / "power_trace.csv", sampled(until, look, gpus, since=0.013))


@pytest.mark.parametrize("counter", [True, False], ids=["counter", "power"])
@pytest.mark.parametrize("gpus", [1, 2])
def test_the_parts_of_two_repetitions_are_found(tmp_path, counter, gpus):
    repetitions = [marks_of(1.0, 6), marks_of(24.0, 6)]
    path = trace(tmp_path, [*repetitions[0], *repetitions[1]], 47.0, counter, gpus)
    found = split(path, gpus, repetitions)
    assert found.because is None
    assert found.prefill_wh == pytest.approx(gpus * 6 * 1.1 * PREFILL_WATTS / 3600, rel=0.02)
    assert found.decode_wh == pytest.approx(gpus * 6 * 2.3 * DECODE_WATTS / 3600, rel=0.02)


def test_the_last_sample_may_end_before_the_next_step(tmp_path):
    marks = marks_of(1.0, 2)
    path = trace(tmp_path, marks, marks[-1].ended_at)
    assert split(path, 1, [marks]).decode_wh == pytest.approx(2 * 2.3 * 300 / 3600, rel=0.03)


@pytest.mark.parametrize(
    ("marks", "because"),
    [
        (marks_of(1.0, 3, prefill=0.012), "prefill lasts 0.012 s on average, the meter needs 0.5"),
        (marks_of(1.0, 3, decode=0.2), "decode lasts 0.2 s on average, the meter needs 0.5"),
        (
            [*marks_of(1.0, 1, prefill=20.0), *marks_of(30.0, 3, prefill=0.1)],
            "prefill lasts less than the 0.5 s that the meter needs in 3 of 4 samples",
        ),
        ([], "the times of the first tokens were not taken"),
    ],
)
def test_parts_too_short_are_not_told_apart(tmp_path, marks, because):
    found = split(trace(tmp_path, marks, 45.0), 1, [marks])
    assert (found.prefill_wh, found.decode_wh) == (None, None)
    assert found.because.startswith(because)


def test_one_short_part_in_ten_is_borne(tmp_path):
    marks = [*marks_of(1.0, 9), *marks_of(40.0, 1, prefill=0.3)]
    assert split(trace(tmp_path, marks, 45.0), 1, [marks]).because is None


def test_a_repetition_without_marks_is_no_split(tmp_path):
    marks = marks_of(1.0, 3)
    found = split(trace(tmp_path, marks, 20.0), 1, [marks, []])
    assert found.because == "a repetition has no sample with the time of its first token"


@pytest.mark.parametrize("counter", [True, False], ids=["counter", "power"])
@pytest.mark.parametrize("hole", [(5.0, 7.0), (0.0, 3.0), (8.0, 20.0)])
def test_a_trace_with_a_hole_gives_no_split(tmp_path, counter, hole):
    marks = marks_of(1.0, 3)
    found = split(trace(tmp_path, marks, 20.0, counter, hole=hole), 1, [marks])
    assert found.prefill_wh is None
    assert found.because.startswith("the power trace does not cover every sample")


def test_one_gpu_missing_in_the_trace_gives_no_split(tmp_path):
    marks = marks_of(1.0, 3)
    assert split(trace(tmp_path, marks, 20.0), 2, [marks]).prefill_wh is None


def test_a_counter_that_went_back_gives_no_split(tmp_path):
    marks = marks_of(1.0, 3)
    read = stepping_counter(marks, 20.0)

    def look(seconds, gpu):
        joules = read(seconds) if seconds < 5 else read(seconds) - 1000
        return TraceRow(seconds, gpu, "", counter_joules=joules)

    path = write_trace(tmp_path / "power_trace.csv", sampled(20.0, look))
    assert split(path, 1, [marks]).prefill_wh is None


def test_samples_at_the_same_time_cannot_be_told_apart(tmp_path):
    marks = [*marks_of(1.0, 1), *marks_of(2.0, 1)]
    assert split(trace(tmp_path, marks, 20.0), 1, [marks]).because == "the samples overlap in time"
