"""Energy between given times, against a GPU whose power is known, through gaps and resets."""

import pytest

from benchmark_core.power_trace import TraceRow
from benchmark_core.trace_energy import joules_between
from tests.support.traces import sampled, write_trace

WATTS = 300.0
STEP_SECONDS = 0.1


def trace(folder, counter=True, hole=(0.0, 0.0), reset_at=None, gpus=1):
    """Twenty seconds from 100 on; the counter moves in steps of 0.1 s."""

    def look(seconds, gpu):
        if hole[0] < seconds < hole[1]:
            return None
        joules = WATTS * round(seconds // STEP_SECONDS * STEP_SECONDS, 6)
        if reset_at is not None and seconds > reset_at:
            joules -= 20_000.0
        counted = joules if counter else None
        return TraceRow(seconds, gpu, "", instant_watts=WATTS, counter_joules=counted)

    return write_trace(folder / "power_trace.csv", sampled(120.0, look, gpus, since=100.013))


def between(path, *windows, gpus=1):
    return joules_between(path, gpus, windows)


@pytest.mark.parametrize("counter", [True, False], ids=["counter", "power"])
def test_windows_may_overlap_and_come_in_any_order(tmp_path, counter):
    windows = ((110.0, 113.0), (101.0, 119.0), (105.5, 110.0), (107.0, 107.0))
    found = between(trace(tmp_path, counter, gpus=2), *windows, gpus=2)
    seconds = [end - start for start, end in windows]
    assert found == pytest.approx([2 * WATTS * one for one in seconds], abs=2 * WATTS * 0.05)


def test_a_counter_knows_what_went_by_in_a_gap_and_power_does_not(tmp_path):
    windows = ((102.0, 104.0), (104.0, 112.0), (107.0, 112.0), (112.0, 118.0))
    counted = between(trace(tmp_path, hole=(105.0, 109.0)), *windows)
    expected = [600.0, 2400.0, None, 1800.0]
    assert [one is None for one in counted] == [one is None for one in expected]
    assert counted[1] == pytest.approx(2400.0, abs=WATTS * 0.05)
    by_power = between(trace(tmp_path, counter=False, hole=(105.0, 109.0)), *windows)
    assert by_power == [pytest.approx(600.0), None, None, pytest.approx(1800.0)]


def test_a_counter_that_went_back_is_right_on_either_side(tmp_path):
    windows = ((102.0, 106.0), (104.0, 112.0), (112.0, 118.0))
    before, across, after = between(trace(tmp_path, reset_at=108.0), *windows)
    assert (before, after) == pytest.approx((1200.0, 1800.0), abs=WATTS * 0.05)
    assert across is None


def test_a_window_just_outside_the_trace_goes_on_as_beside_it_and_no_farther(tmp_path):
    path = trace(tmp_path)
    near, early, late = between(path, (99.8, 120.2), (98.0, 110.0), (110.0, 121.0))
    assert near == pytest.approx(20.4 * WATTS, abs=WATTS * 0.05)
    assert (early, late) == (None, None)


def test_a_gpu_that_the_trace_lacks_leaves_nothing_known(tmp_path):
    assert between(trace(tmp_path), (105.0, 106.0), gpus=2) == [None]
    assert between(tmp_path / "none.csv", (105.0, 106.0)) == [None]
