"""A sweep as it is seen from another terminal: from its folders, and only what changes."""

import pytest

from benchmark_core.sample_journal import COLUMNS
from orchestrator.estimate import Estimate
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from orchestrator.sweep_picture.watch import SweepWatch
from orchestrator.sweep_record import ExpectedRun, SweepGpu, SweepRecord
from tests.support import builders
from tests.support.traces import two_gpus, write_trace

HEADER = ",".join(COLUMNS) + "\n"
EARLIER = "2026-01-02T03:00:00.000+00:00"
UUIDS = ("GPU-a", "GPU-b", "GPU-c")


@pytest.fixture
def directory(tmp_path):
    made = RunDirectory(tmp_path / "results")
    made.create()
    return made


def record(*run_ids, seconds=None, **changes):
    forecast = seconds and Estimate(low=seconds, central=seconds, high=seconds)
    fields = {
        "host": "node",
        "process": 1,
        "started_at": EARLIER,
        "engine": "process",
        "parallel": 3,
        "gpus": tuple(
            SweepGpu(index=n, uuid=uuid, name="NVIDIA H100") for n, uuid in enumerate(UUIDS)
        ),
        "runs": tuple(
            ExpectedRun(run_id=run_id, gpu_count=1, seconds=forecast) for run_id in run_ids
        ),
    }
    return SweepRecord(**(fields | changes))


def begin(directory, run_id, gpus=UUIDS[:1], at=builders.NOW):
    folder = directory.folder(run_id)
    folder.prepare(builders.spec(run_id=run_id), builders.launch(gpu_uuids=gpus, launched_at=at))
    return folder


def end(folder, name="finished", message=""):
    spec = builders.spec(run_id=folder.run_id)
    if name == "finished":
        report = builders.report(spec, ledger=builders.ledger(202.0))
        folder.report_path.write_text(report.to_json())
    outcome = Outcome(
        run_id=folder.run_id,
        spec_hash=spec.spec_hash(),
        outcome=name,
        error_message=message,
        engine="process",
        started_at=builders.NOW,
        finished_at=builders.NOW.replace("03:04", "03:14"),
        log_file="x.log",
    )
    folder.record(spec, folder.launch(), outcome)


def seen(watch):
    watch.look()
    return watch.picture()


def test_runs_wait_run_and_end(directory):
    watch = SweepWatch(directory, record("a", "b", "c", "d", seconds=3600.0))
    picture = seen(watch)
    assert (picture.total, picture.queued, picture.lanes) == (4, 4, picture.lanes)
    assert [(lane.gpus, lane.name) for lane in picture.lanes] == [("0-2", "")]
    assert picture.queue_seconds == pytest.approx(4 * 3600 / 3)
    folder = begin(directory, "b", gpus=UUIDS[1:])
    folder.journal_path.write_text(HEADER + "2,2,generate,2,1,4,,,,,\n" * 12)
    write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    with folder.lock():
        picture = seen(watch)
        free, lane = picture.lanes
        assert (free.gpus, free.name) == ("0", "")
        assert (lane.gpus, lane.name, lane.phase) == ("1-2", "b", "generate 2/2")
        assert (lane.done, lane.total, lane.watts) == (12, 16, 410.0)
        assert picture.spent_wh == pytest.approx(400 / 3600)
    end(folder)
    picture = seen(watch)
    assert (picture.finished, picture.queued, picture.ended) == (1, 3, 1)
    # From now on by its report.
    assert picture.spent_wh == pytest.approx(202 / 3600)


@pytest.mark.parametrize("rehearsal", [True, False])
def test_whether_its_energy_is_simulated_is_told_by_the_runs(directory, rehearsal):
    """Whatever their GPUs are called, and also of a run that nobody saw begin."""
    launch = builders.launch(rehearsal=rehearsal)
    running, failed = (directory.folder(name) for name in "ab")
    running.prepare(builders.spec(run_id="a"), launch)
    assert not seen(SweepWatch(directory, record("a"))).simulated
    with running.lock():
        assert seen(SweepWatch(directory, record("a"))).simulated == rehearsal
    failed.prepare(builders.spec(run_id="b"), launch)
    end(failed, "failed", "timeout: late")
    assert seen(SweepWatch(directory, record("b"))).simulated == rehearsal


def test_what_had_ended_before_the_sweep_began_waits_to_be_done_again(directory):
    end(begin(directory, "a"), "failed", "timeout: late")
    later = record("a", started_at="2999-01-01T00:00:00+00:00")
    assert seen(SweepWatch(directory, later)).queued == 1
    assert seen(SweepWatch(directory, record("a"))).failed == 1


def test_a_run_that_is_tried_again_counts_once_and_its_energy_twice(directory):
    watch = SweepWatch(directory, record("a"))
    folder = begin(directory, "a")
    write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    end(folder, "failed", "network: \x1b[2Jthe hub does not answer")
    picture = seen(watch)
    assert (picture.failed, picture.queued) == (1, 0)
    assert picture.setbacks[0].run_id == "a"
    again = begin(directory, "a", at=builders.NOW.replace("03:04", "03:30"))
    write_trace(again.path / "power_trace.csv", two_gpus(2.0))
    with again.lock():
        picture = seen(watch)
        assert (picture.failed, picture.queued, picture.waiting) == (0, 0, 0)
        assert [lane.name for lane in picture.lanes if lane.name] == ["a"]
        assert picture.spent_wh == pytest.approx((400 + 800) / 3600)
    end(again)
    picture = seen(watch)
    assert (picture.total, picture.finished, picture.failed) == (1, 1, 0)
    assert picture.spent_wh == pytest.approx((400 + 202) / 3600)


def test_an_attempt_that_nobody_saw_end_is_counted_by_its_trace(directory):
    """The watch began later. What an attempt before the sweep drew is no part of it."""
    for hour in ("02", "03", "04"):
        folder = begin(directory, "a", at=builders.NOW.replace("T03", f"T{hour}"))
        write_trace(folder.path / "power_trace.csv", two_gpus(1.0))
    end(folder)
    picture = seen(SweepWatch(directory, record("a")))
    assert picture.spent_wh == pytest.approx((400 + 202) / 3600)


def test_a_runner_that_was_killed_leaves_its_runs_to_be_done(directory):
    watch = SweepWatch(directory, record("a", "b"))
    folder = begin(directory, "a")
    with folder.lock():
        assert len([lane for lane in seen(watch).lanes if lane.name]) == 1
    watch.end()
    assert (watch.picture().queued, watch.picture().ended) == (2, 0)


def test_the_clock_stands_when_the_sweep_has_ended(directory):
    done = record("a", finished_at="2026-01-02T03:20:00.000+00:00")
    end(begin(directory, "a"))
    directory.sweep_path.write_text(done.to_json())
    watch = SweepWatch(directory, record("a"))
    watch.end()
    assert watch.picture().elapsed_seconds == pytest.approx(20 * 60, abs=1)


def test_a_finished_run_is_not_read_again(directory):
    folder = begin(directory, "a")
    end(folder)
    watch = SweepWatch(directory, record("a"))
    assert seen(watch).finished == 1
    for path in folder.path.iterdir():
        path.unlink()
    assert seen(watch).finished == 1


def test_an_outcome_that_cannot_be_read_harms_nobody(directory):
    folder = begin(directory, "a")
    folder.outcome_path.write_text("{")
    assert seen(SweepWatch(directory, record("a"))).ended == 0
