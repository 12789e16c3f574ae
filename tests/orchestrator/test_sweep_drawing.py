"""The picture of a sweep in every room that a terminal may have."""

import pytest
from rich.cells import cell_len

from orchestrator.display.sweep_drawing import lines_of, shortened
from orchestrator.estimate import Estimate
from orchestrator.progress import Progress
from orchestrator.pulse import Pulse
from orchestrator.sweep_picture.picture import Lane, Setback, SweepPicture
from orchestrator.sweep_picture.tally import SweepTally
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord

LONG = "deepseek-ai_DeepSeek-R1-Distill-Qwen-32B-Instruct-2507_On_High"
HOSTILE = "org_\x1b[2J[bold red]模型模型模型模型模型模型"


def picture(**changes):
    fields = {
        "lanes": tuple(
            Lane(str(n), f"{LONG}{n}", "generate 10/10", 7 * n, 1000, 690.5, 11100.0)
            for n in range(8)
        ),
        "total": 24,
        "finished": 3,
        "failed": 2,
        "interrupted": 1,
        "queued": 10,
        "waiting": 1,
        "queue_seconds": 11100.0,
        "setbacks": (
            Setback("first", "failed", "oldest"),
            Setback(LONG, "failed", "out_of_memory: " + "long " * 99),
            Setback(HOSTILE, "interrupted", "stopped\x1b[31m by the user"),
        ),
        "watts": 5524.0,
        "spent_wh": 1234.5,
        "simulated": False,
        "elapsed_seconds": 11100.0,
        "left_seconds": 7200.0,
    }
    return SweepPicture(**(fields | changes))


def drawn(width, height=24, ascii_only=False, **changes):
    return [line.plain for line in lines_of(picture(**changes), width, height, ascii_only)]


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 132, 200, 500])
@pytest.mark.parametrize("height", [1, 2, 3, 5, 8, 24, 60])
def test_it_never_outgrows_its_room(width, height):
    lines = drawn(width, height)
    assert 1 <= len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    assert not any("\x1b" in line for line in lines)


def test_on_80_columns_every_run_has_its_name_phase_samples_power_and_time():
    lines = drawn(80)
    (line,) = (line for line in lines if line.startswith("7 "))
    for part in ("deepseek", "High7", "generate 10/10", "4 %", "690 W", "3h05m"):
        assert part in line
    assert "3.0" not in line
    text = "\n".join(lines)
    for part in (
        "6 of 24 runs, 3 h 05 min so far, about 2 h 00 min left",
        "10 runs, about 3 h 05 min of work; 1 to be tried again",
        "2 runs, 1 interrupted",
        "1.23 kWh of GPU energy spent, 5,524 W now",
        "first: oldest",
    ):
        assert part in text
    assert text.index("stopped") < text.index("oldest"), "the newest first"


def test_wide_terminals_show_whole_names_and_counts():
    (line,) = (line for line in drawn(200) if line.startswith("7 "))
    assert f"{LONG}7" in line
    assert "49/1,000" in line


def test_what_does_not_fit_is_counted():
    lines = drawn(80, 8)
    assert "and 6 more" in lines
    assert [line[0] for line in lines[:2]] == ["0", "1"]


def test_what_nobody_knows_is_left_out_or_a_dash():
    lanes = (Lane("", "run", "loading"),)
    text = "\n".join(
        drawn(80, lanes=lanes, setbacks=(), watts=None, spent_wh=None, left_seconds=None)
    )
    assert "GPU energy not measured so far" in text
    assert "left" not in text.splitlines()[-3]
    assert text.count("–") == 2
    assert "GPU " not in text.splitlines()[1]


def test_made_up_energy_says_so():
    assert any("1.23 kWh" in line and "simulated" in line for line in drawn(80, simulated=True))


def test_a_terminal_without_unicode_gets_none():
    lines = drawn(80, ascii_only=True, setbacks=())
    assert "━" not in "".join(lines)
    assert "─" not in "".join(lines)


def test_the_beginning_and_the_end_tell_runs_apart():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcde…hijk"


# ------------------------------------------------------------------ what is added up


def tally(*seconds, parallel=2, gpus=2):
    """Of runs a, b, c.. with these forecasts."""
    runs = (
        ExpectedRun(
            run_id=chr(ord("a") + number),
            gpu_count=1,
            seconds=central and Estimate(low=0, central=central, high=2 * central),
        )
        for number, central in enumerate(seconds)
    )
    every = (SweepGpu(index=n, uuid=f"GPU-{n}", name="NVIDIA H100") for n in range(gpus))
    return SweepTally(
        SweepRecord(
            host="node",
            process=1,
            started_at="2026-01-02T03:00:00.000+00:00",
            engine="process",
            parallel=parallel,
            gpus=tuple(every),
            runs=tuple(runs),
        ),
        began=0.0,
    )


def at(done, repetition=1, joules=None):
    return Pulse(Progress(done, 100, "generate", repetition, 10, 1, 5), 50.0, joules, "generate")


def test_the_time_left_is_by_forecasts_first_and_then_by_samples():
    sums = tally(1000.0, 1000.0, 500.0, 500.0)
    sums.started("a", ["GPU-0"], 0.0)
    sums.started("b", ["GPU-1"], 0.0)
    sums.progressed("a", at(0), 100.0)
    assert sums.picture(100.0).lanes[0].left_seconds == 900.0
    assert sums.picture(100.0).left_seconds == pytest.approx((900 + 900 + 500 + 500) / 2)
    # Twice as fast as it was expected to be, now that one repetition is over.
    sums.progressed("a", at(40, repetition=4), 300.0)
    assert sums.picture(300.0).lanes[0].left_seconds == pytest.approx(300.0)
    sums.ended("a", "finished", seconds=700.0)
    assert sums.picture(700.0).left_seconds == pytest.approx((300 + 1000) / 2)


def test_without_forecasts_other_runs_tell_how_long_one_takes():
    sums = tally(None, None, None)
    sums.started("a", [], 0.0)
    assert sums.picture(10.0).left_seconds is None
    sums.ended("a", "finished", seconds=60.0)
    assert sums.picture(60.0).left_seconds == pytest.approx(60.0)


def test_energy_is_that_of_all_attempts_and_failures_are_those_for_good():
    sums = tally(None, None)
    for attempt in range(2):
        sums.started("a", ["GPU-0"], 0.0, rehearsal=attempt == 1)
        sums.progressed("a", at(1, joules=1800.0), 1.0)
        sums.ended("a", "failed", "network: gone", retry_seconds=30.0 if attempt == 0 else None)
        now = sums.picture(2.0)
        assert now.simulated == (attempt == 1)
        assert (now.failed, now.waiting, now.queued) == ((0, 1, 2) if attempt == 0 else (1, 0, 1))
    assert now.spent_wh == pytest.approx(1.0)
    assert [setback.why for setback in now.setbacks] == [
        "tried again in 30 s; network: gone",
        "network: gone",
    ]


def test_a_picture_of_ten_thousand_runs_walks_over_none_of_them():
    """Counted in calls, not in time: those of a thousand runs and of one are the same."""
    import sys

    calls = {}
    for count in (10, 10_000):
        sums = tally(*([60.0] * 10))
        for number in range(count):
            sums.ended(f"run {number}", "finished", seconds=1.0)
        calls[count] = 0

        def trace(frame, event, argument, count=count):
            calls[count] += event in ("call", "c_call")

        sys.setprofile(trace)
        sums.picture(1.0)
        sys.setprofile(None)
    assert calls[10] == calls[10_000]
