"""Who ends a run, and when: itself, its program, the user, or time."""

from collections.abc import Callable
from functools import partial

import pytest

from benchmark_core.documents import timestamp
from benchmark_core.sample_journal import COLUMNS
from orchestrator.exit import Exit
from orchestrator.patience import Patience
from orchestrator.run_folder import RunFolder
from orchestrator.run_watch import RunWatch
from orchestrator.stop_request import StopRequest
from tests.support import builders

WELL = Exit("exited", 0)
STOPPED = Exit("stopped", None)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    for module in ("run_watch", "patience"):
        monkeypatch.setattr(f"orchestrator.{module}.time", clock)
    return clock


class Program:
    """Ends when `live` says so, which is called at each look; stands in a queue while `queued`."""

    def __init__(
        self, live: Callable[[], Exit | None], queued: Callable[[], bool] = lambda: False
    ) -> None:
        self.poll = live
        self.waits = queued
        self.told: list[str] = []

    def stop(self) -> Exit:
        self.told.append("stop")
        return STOPPED

    def show_stacks(self) -> None:
        self.told.append("show stacks")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def watch(folder, timeout=None, hang=None, shares_program=False, stop=None, pulses=None):
    return RunWatch(
        folder=folder,
        log_path=folder.path / "run.log",
        new_patience=partial(Patience, timeout, hang),
        tell=[].append if pulses is None else pulses.append,
        stop=stop or StopRequest(),
        shares_program=shares_program,
    )


def test_time_counts_from_when_a_run_leaves_its_queue_each_time(folder, clock):
    """Its job waits, loses its node near its limit, waits again, and begins anew."""

    def is_queued() -> bool:
        return clock.now < 30 or 38 <= clock.now < 60

    job = Program(lambda: WELL if clock.now >= 68 else None, is_queued)
    assert watch(folder, timeout=10).follow(job, timestamp()) == (WELL, None)
    assert job.told == []


def test_a_run_past_its_time_is_stopped(folder, clock):
    program = Program(lambda: None)
    assert watch(folder, timeout=10).follow(program, timestamp()) == (STOPPED, "timeout")
    assert program.told == ["stop"]


def test_a_run_that_was_taken_over_has_used_its_time(folder, clock):
    program = Program(lambda: WELL if clock.now > 1 else None)
    assert watch(folder, timeout=10).follow(program, builders.NOW) == (STOPPED, "timeout")


@pytest.mark.parametrize("has_samples", [False, True])
def test_a_log_is_a_sign_of_life_until_there_are_samples(folder, clock, has_samples):
    """Silence is answered with a question for the stacks, and then with the end."""
    if has_samples:
        folder.journal_path.write_text(",".join(COLUMNS) + "\n1,2,prefill,2,1,5,,,,,\n")
    pulses = []

    def load() -> None:
        if clock.now < 20:
            (folder.path / "run.log").write_text("." * int(clock.now))

    program = Program(load)
    found = watch(folder, hang=5, pulses=pulses).follow(program, timestamp())
    assert found == (STOPPED, "hang")
    assert program.told == ["show stacks", "stop"]
    assert (clock.now > 20) is not has_samples
    assert pulses
    assert (pulses[-1].progress is not None) is has_samples


def test_a_run_beside_others_in_its_program_ends_with_its_report(folder, clock):
    def measure() -> None:
        if clock.now > 1:
            folder.report_path.write_text(builders.report(builders.spec()).to_json())

    ended, stopped = watch(folder, shares_program=True).follow(Program(measure), timestamp())
    assert (ended.cause, ended.code, stopped) == ("exited", None, None)
    assert ended.finished_at == builders.NOW


def test_a_report_written_just_before_the_program_ended_badly_counts(folder, clock):
    """Its exit code is that of another run; alone it is the run's own."""
    failed = Exit("exited", 1)

    def end() -> Exit:
        folder.report_path.write_text(builders.report(builders.spec()).to_json())
        return failed

    ended, _ = watch(folder, shares_program=True).follow(Program(end), timestamp())
    assert ended.code is None
    assert watch(folder).follow(Program(end), timestamp()) == (failed, None)


@pytest.mark.parametrize("level", ["after_this_run", "now"])
def test_the_user_ends_a_run_that_goes_on(folder, clock, level):
    stop = StopRequest()
    stop.level = level
    program = Program(lambda: WELL if clock.now > 1 else None)
    found = watch(folder, stop=stop).follow(program, timestamp())
    assert found == ((STOPPED, "user") if level == "now" else (WELL, None))
    over = Program(lambda: WELL)
    assert watch(folder, stop=stop).follow(over, timestamp()) == (WELL, None)
    assert over.told == []
