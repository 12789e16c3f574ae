"""What a power trace says of a run, against traces whose truth is known."""

import pytest

from benchmark_core.ledger import Span
from benchmark_core.power_trace import TraceRow
from benchmark_core.trace_analysis import MOST_LIMITS, analyse
from tests.support.traces import sampled, write_trace

SPANS = (
    Span("idle_before", 1.013, 3.0, None),
    Span("load", 3.1, 5.0, None),
    Span("warm_up", 5.1, 6.0, None),
    Span("generate 1", 6.517, 10.0, None),
    Span("generate 2", 10.523, 14.0, None),
    Span("idle_after", 14.25, 16.027, None),
)
END = 17.0


def named_at(seconds):
    names = (span.name for span in SPANS if span.opened_at <= seconds <= span.closed_at)
    return next(names, "")


def analysed(folder, look, gpus=1, counter=None, model_on_gpu=True, until=END, **known):
    path = write_trace(folder / "power_trace.csv", sampled(until, look, gpus))
    uuids = [f"GPU-{n}" for n in range(gpus)]
    return analyse(path, uuids, SPANS, counter, model_on_gpu, **known)


def conditions(folder, look, **known):
    return analysed(folder, look, **known).facts.gpus[0]


def rising(seconds, start=100.0, slope=10.0):
    return start + slope * seconds


def rising_joules(opened, closed, start=100.0, slope=10.0):
    return start * (closed - opened) + slope * (closed**2 - opened**2) / 2


# ------------------------------------------------------------------ energy


def test_the_whole_run_is_integrated_from_the_average_and_between_from_the_instant_power(tmp_path):
    def look(seconds, gpu):
        instant = rising(seconds, 50.0, 3.0)
        return TraceRow(seconds, gpu, "", watts=rising(seconds), instant_watts=instant)

    truth = rising_joules(1.013, 16.027)
    found = analysed(tmp_path, look, counter=truth * 0.98)
    assert found.facts.integrated_joules == pytest.approx(truth, rel=1e-6)
    assert found.facts.counter_joules == truth * 0.98
    assert found.facts.disagreement == pytest.approx(1 / 0.98 - 1, rel=1e-4)
    gaps = [(3.0, 3.1), (5.0, 5.1), (6.0, 6.517), (10.0, 10.523), (14.0, 14.25)]
    between = sum(rising_joules(*gap, 50.0, 3.0) for gap in gaps)
    assert found.between_joules == pytest.approx(between, rel=1e-6)


def test_all_gpus_count_and_others_do_not(tmp_path):
    def look(seconds, gpu):
        return TraceRow(seconds, gpu, "", watts=100.0 * (gpu + 1))

    rows = [*sampled(END, look, gpus=2)]
    rows += [row._replace(gpu=7, watts=1e6) for row in rows]
    path = write_trace(tmp_path / "power_trace.csv", sorted(rows))
    found = analyse(path, ["GPU-0", "GPU-1"], SPANS, None, model_on_gpu=True)
    assert found.facts.integrated_joules == pytest.approx(300 * (16.027 - 1.013), rel=1e-6)
    assert [gpu.highest_watts for gpu in found.facts.gpus] == [100.0, 200.0]
    assert found.facts.disagreement is None


def test_samples_and_rate_are_those_of_one_gpu(tmp_path):
    found = analysed(tmp_path, lambda t, n: TraceRow(t, n, "", watts=1.0), gpus=3).facts
    assert found.samples == 341
    assert found.rate_hertz == pytest.approx(20.0)
    assert found.longest_gap_seconds == pytest.approx(0.05, abs=1e-6)


def test_a_short_gap_is_bridged_and_a_long_one_leaves_the_energy_unknown(tmp_path):
    def with_hole(first, last):
        def look(t, n):
            row = TraceRow(t, n, "", watts=rising(t), instant_watts=rising(t))
            return None if first < t < last else row

        return look

    short = analysed(tmp_path, with_hole(7.0, 7.9))
    assert short.facts.longest_gap_seconds == pytest.approx(0.9)
    assert short.facts.integrated_joules == pytest.approx(rising_joules(1.013, 16.027), rel=1e-6)
    long = analysed(tmp_path, with_hole(7.0, 9.0))
    assert long.facts.longest_gap_seconds == pytest.approx(2.0)
    assert long.facts.integrated_joules is None
    assert long.between_joules is not None
    across = analysed(tmp_path, with_hole(9.0, 11.0))
    assert across.between_joules is None


def test_an_average_power_alone_does_not_tell_of_the_short_time_between_windows(tmp_path):
    found = analysed(tmp_path, lambda t, n: TraceRow(t, n, "", watts=rising(t)))
    assert found.facts.integrated_joules is not None
    assert found.between_joules is None


def test_a_long_gap_in_a_much_longer_run_is_bridged(tmp_path):
    spans = [Span("generate 1", 0.0, 300.0, None)]
    rows = sampled(300.0, lambda t, n: None if 7 < t < 9 else TraceRow(t, n, "", watts=rising(t)))
    path = write_trace(tmp_path / "power_trace.csv", rows)
    found = analyse(path, ["GPU-0"], spans, None, model_on_gpu=True)
    assert found.facts.longest_gap_seconds == pytest.approx(2.0)
    assert found.facts.integrated_joules == pytest.approx(rising_joules(0.0, 300.0), rel=1e-6)
    assert found.between_joules == 0


@pytest.mark.parametrize(
    ("look", "gap"),
    [
        (lambda t, n: TraceRow(t, n, "", watts=1.0) if t <= 12.0 else None, 2.0),
        (lambda t, n: TraceRow(t, n, "", watts=1.0) if t >= 8.0 else None, 1.483),
        (lambda t, n: TraceRow(t, n, ""), 7.483),
    ],
    ids=["ends early", "begins late", "no power"],
)
def test_a_trace_that_does_not_cover_the_run_gives_no_energy(tmp_path, look, gap):
    found = analysed(tmp_path, look, counter=100.0).facts
    assert found.integrated_joules is None
    assert found.disagreement is None
    assert found.longest_gap_seconds == pytest.approx(gap, abs=1e-6)


def test_one_gpu_without_power_leaves_all_without_energy(tmp_path):
    found = analysed(tmp_path, lambda t, n: TraceRow(t, n, "", watts=None if n else 100.0), gpus=2)
    assert found.facts.integrated_joules is None
    assert found.between_joules is None


@pytest.mark.parametrize(
    ("first", "last", "gap"), [(3.0, 4.9, 0.05), (5.0, 7.0, 0.483), (13.5, 15.9, 0.5)]
)
def test_gaps_count_from_the_first_repetition_to_the_last(tmp_path, first, last, gap):
    found = analysed(
        tmp_path, lambda t, n: None if first < t < last else TraceRow(t, n, "", watts=1.0)
    )
    assert found.facts.longest_gap_seconds == pytest.approx(gap, abs=1e-6)


def test_without_repetitions_gaps_count_in_the_whole_run(tmp_path):
    rows = sampled(END, lambda t, n: None if 3.0 < t < 4.9 else TraceRow(t, n, "", watts=1.0))
    path = write_trace(tmp_path / "power_trace.csv", rows)
    found = analyse(path, ["GPU-0"], SPANS[:3], None, model_on_gpu=True)
    assert found.facts.longest_gap_seconds == pytest.approx(1.9)


def test_no_trace_is_one_gap(tmp_path):
    found = analyse(tmp_path / "power_trace.csv", ["GPU-0"], SPANS, 5.0, model_on_gpu=True)
    assert (found.facts.samples, found.facts.rate_hertz) == (0, 0.0)
    assert found.facts.longest_gap_seconds == pytest.approx(7.483)
    assert found.facts.integrated_joules is None
    assert found.facts.gpus[0].first_celsius is None


def test_a_run_without_windows_has_no_energy(tmp_path):
    rows = sampled(2.0, lambda t, n: TraceRow(t, n, "", watts=1.0))
    path = write_trace(tmp_path / "power_trace.csv", rows)
    found = analyse(path, ["GPU-0"], [], None, model_on_gpu=True)
    assert found.facts.integrated_joules is None
    assert found.between_joules is None


def counting(resets):
    """100 W, and a counter that is back at zero at the times given."""

    def look(seconds, gpu):
        since = max((at for at in resets.get(gpu, ()) if at <= seconds), default=-50.0)
        return TraceRow(seconds, gpu, "", watts=100.0, counter_joules=100.0 * (seconds - since))

    return look


@pytest.mark.parametrize(
    ("resets", "found"),
    [
        ({}, 0),
        ({0: [8.01]}, 1),
        ({0: [8.01, 12.01], 1: [8.01]}, 3),
        ({1: [5.05]}, 1),
        ({0: [0.5], 1: [16.5]}, 0),
    ],
    ids=["none", "in a window", "more often", "between windows", "outside the run"],
)
def test_a_counter_that_falls_within_the_run_was_reset(tmp_path, resets, found):
    assert analysed(tmp_path, counting(resets), gpus=2).facts.counter_resets == found


def test_a_counter_that_was_not_told_for_a_while_is_compared_with_what_it_was(tmp_path):
    def look(seconds, gpu):
        row = counting({0: [8.01]})(seconds, gpu)
        return row._replace(counter_joules=None) if 7.5 < seconds < 9.0 else row

    assert analysed(tmp_path, look).facts.counter_resets == 1


# ------------------------------------------------------------------ conditions


def test_temperatures_are_those_of_the_first_and_the_last_repetition(tmp_path):
    degrees = {"generate 1": 40.0, "generate 2": 55.0, "load": 60.0}

    def look(seconds, gpu):
        return TraceRow(seconds, gpu, "", celsius=degrees.get(named_at(seconds), 30.0))

    found = conditions(tmp_path, look)
    assert (found.first_celsius, found.last_celsius, found.highest_celsius) == (40.0, 55.0, 60.0)


def test_throttling_is_a_share_of_the_measured_time(tmp_path):
    def look(seconds, gpu):
        reasons = ("sw_power_cap", "gpu_idle", "applications_clocks") if seconds < 10 else ()
        return TraceRow(seconds, gpu, "", throttle_reasons=(*reasons, "sync_boost"))

    found = conditions(tmp_path, look).throttled
    assert set(found) == {"sw_power_cap", "sync_boost"}
    assert found["sync_boost"] == 1.0
    assert found["sw_power_cap"] == pytest.approx(3.483 / (3.483 + 3.477), abs=0.01)


def test_throttling_outside_the_repetitions_is_not_measured_time(tmp_path):
    def look(seconds, gpu):
        at_work = named_at(seconds).startswith("generate")
        return TraceRow(seconds, gpu, "", throttle_reasons=() if at_work else ("hw_thermal",))

    assert conditions(tmp_path, look).throttled == {}


def test_every_power_limit_is_named_once_in_the_order_seen(tmp_path):
    def look(seconds, gpu):
        limit = 700.0 if seconds < 6 or seconds > 12 else 500.0
        return TraceRow(seconds, gpu, "", power_limit_watts=limit)

    assert conditions(tmp_path, look).power_limits_watts == (700.0, 500.0)


def test_power_limits_outside_the_run_are_not_its_own(tmp_path):
    def look(seconds, gpu):
        limit = 700.0 if 1.013 <= seconds <= 16.027 else 500.0
        return TraceRow(seconds, gpu, "", power_limit_watts=limit)

    assert conditions(tmp_path, look).power_limits_watts == (700.0,)


def test_only_the_first_power_limits_are_named(tmp_path):
    def look(seconds, gpu):
        return TraceRow(seconds, gpu, "", power_limit_watts=round(seconds * 20))

    found = conditions(tmp_path, look).power_limits_watts
    assert found == tuple(float(number) for number in range(21, 21 + MOST_LIMITS))


def foreign(folder, count, **known):
    """`count` gives the number of programs at a time and where the run then is."""
    found = conditions(
        folder,
        lambda t, n: TraceRow(t, n, "", processes=count(t, named_at(t))),
        **known,
    )
    return found.foreign_before, found.foreign_during, found.foreign_after


def test_the_models_own_process_is_not_foreign(tmp_path):
    assert foreign(tmp_path, lambda t, name: int(t > 4)) == (0, 0, 0)
    assert foreign(tmp_path, lambda t, name: int(t > 6.6)) == (0, 0, 0), "counted late"
    assert foreign(tmp_path, lambda t, name: int(t > 4), model_on_gpu=False) == (0, 1, 1)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 2, (1, 0, 0)),
        (7, 8, (0, 1, 0)),
        (11, 13, (0, 1, 0)),
        (14.5, 15, (0, 0, 1)),
        (0, 17, (1, 1, 1)),
    ],
)
def test_a_foreign_process_counts_where_it_ran(tmp_path, since, until, expected):
    def count(seconds, name):
        return int(seconds > 4) + int(since <= seconds <= until)

    assert foreign(tmp_path, count) == expected


def test_a_process_that_was_on_the_gpu_for_an_earlier_run_is_not_foreign(tmp_path):
    def count(seconds, name):
        return 1 + int(7 <= seconds <= 8)

    assert foreign(tmp_path, lambda t, name: 1, was_on_gpus=True) == (0, 0, 0)
    assert foreign(tmp_path, count, was_on_gpus=True) == (0, 1, 0)
    assert foreign(tmp_path, lambda t, name: 0, was_on_gpus=True) == (None, None, None)
    on_cpu = {"was_on_gpus": True, "model_on_gpu": False}
    assert foreign(tmp_path, lambda t, name: 1, **on_cpu) == (1, 1, 1)


def test_a_foreign_process_is_seen_where_ours_is_not(tmp_path):
    assert foreign(tmp_path, lambda t, name: int(t > 11)) == (0, 1, 1)


def test_an_unknown_number_of_processes_is_not_zero(tmp_path):
    assert foreign(tmp_path, lambda t, name: None) == (None, None, None)
    assert foreign(tmp_path, lambda t, name: int(t > 4) if t < 14 else None) == (0, 0, None)
    assert foreign(tmp_path, lambda t, name: int(t > 4) if t > 3.2 else None) == (None, 0, 0)


def test_a_driver_that_does_not_show_our_process_need_not_show_others(tmp_path):
    assert foreign(tmp_path, lambda t, name: 0) == (0, None, None)
    assert foreign(tmp_path, lambda t, name: 0, model_on_gpu=False) == (0, 0, 0)
    assert foreign(tmp_path, lambda t, name: int(t > 14.3)) == (0, None, 1), "but one was seen"


def test_the_processes_of_a_server_are_not_foreign_at_any_time(tmp_path):
    def found(own, count):
        def look(seconds, gpu):
            return TraceRow(seconds, gpu, "", processes=count(seconds))

        path = write_trace(tmp_path / "power_trace.csv", sampled(END, look, 1))
        (gpu,) = analyse(path, ["GPU-0"], SPANS, None, False, own).facts.gpus
        return gpu.foreign_before, gpu.foreign_during, gpu.foreign_after

    assert found({"GPU-0": 2}, lambda seconds: 2) == (0, 0, 0)
    assert found({"GPU-0": 2}, lambda seconds: 2 + (seconds > 7)) == (0, 1, 1)
    assert found({"GPU-0": 2}, lambda seconds: 3 if seconds < 2 else 2) == (1, 0, 0)
    # It may bring the model up with the first request.
    assert found({"GPU-0": 1}, lambda seconds: int(seconds > 5.5)) == (0, 0, 0)
    assert found({"GPU-0": 1}, lambda seconds: None) == (None, None, None)
    assert found({}, lambda seconds: 2) == (None, None, None), "nobody saw which are the server's"


def test_our_process_may_end_before_the_rest_is_watched(tmp_path):
    assert foreign(tmp_path, lambda t, name: 1 if 4 < t < 6 else 0) == (0, 0, 0)
