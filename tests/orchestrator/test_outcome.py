"""A run is finished only if the engine, the report and the spec all say so."""

import pytest

from benchmark_core.report.judgement import Failure, Verdict
from orchestrator.exit import Exit
from orchestrator.outcome import conclude, log_tail, read_report
from tests.support import builders

CLEAN = Exit(cause="exited", code=0)


@pytest.fixture
def decide(tmp_path):
    def conclude_with(report=None, ended=CLEAN, stopped=None, raw=None):
        spec = builders.spec()
        path = tmp_path / "benchmark_report.json"
        if raw is not None:
            path.write_text(raw)
        elif report is not None:
            path.write_text(report.to_json())
        log = tmp_path / "run.log"
        log.write_bytes(b"first\nTraceback: \x1b[31mred\x1b[0m\n\xff last\n")
        launch = builders.launch(timeout_seconds=30.0)
        return conclude(spec, launch, read_report(path), log, ended, stopped, builders.NOW)

    return conclude_with


def test_a_clean_exit_with_a_faithful_report_is_finished(decide):
    outcome = decide(builders.report(builders.spec()))
    assert outcome.outcome == "finished"
    assert outcome.error_message == ""
    assert outcome.log_tail == ()


@pytest.mark.parametrize(
    ("arguments", "outcome", "start"),
    [
        ({"ended": Exit("out_of_memory", 137, "the kernel killed it")}, "failed", "out_of_memory"),
        ({"ended": Exit("vanished", None, "the engine went away")}, "failed", "vanished"),
        ({"ended": Exit("not_started", None, "no image")}, "failed", "not_started"),
        ({"ended": Exit("exited", 3)}, "failed", "no_report"),
        ({"raw": '{"schema_version": 1, "run_id": "'}, "failed", "no_report"),
        ({"raw": ""}, "failed", "no_report"),
        ({"stopped": "timeout", "ended": Exit("stopped", 143)}, "failed", "timeout"),
        ({"stopped": "user", "ended": Exit("stopped", 143)}, "interrupted", "interrupted"),
    ],
)
def test_everything_else_is_named(decide, arguments, outcome, start):
    found = decide(**arguments)
    assert found.outcome == outcome
    assert found.error_message.startswith(start)
    assert "\n" not in found.error_message


def test_a_report_with_other_settings_is_refused(decide):
    spec = builders.spec()
    report = builders.report(spec, applied=builders.applied(spec, dtype="float32"))
    outcome = decide(report)
    assert outcome.outcome == "failed"
    assert outcome.reason == "wrong_settings"
    assert "precision: asked for float16, applied float32" in outcome.error_message


def test_a_good_report_does_not_hide_a_bad_exit(decide):
    outcome = decide(builders.report(builders.spec()), ended=Exit("exited", 1))
    assert (outcome.outcome, outcome.reason) == ("failed", "exit_code")


def test_the_log_tail_cannot_move_the_cursor(decide):
    outcome = decide()
    assert outcome.log_tail[0] == "first"
    assert "\x1b" not in "".join(outcome.log_tail)


def test_the_log_tail_is_bounded(tmp_path):
    log = tmp_path / "long.log"
    log.write_text("\n".join("x" * 5000 for _ in range(1000)))
    tail = log_tail(log)
    assert 0 < len(tail) <= 20
    assert max(map(len, tail)) <= 300


def test_a_missing_log_has_no_tail(tmp_path):
    assert log_tail(tmp_path / "none.log") == ()


@pytest.mark.parametrize(
    ("ended", "stopped"),
    [
        (Exit("stopped", 143), "user"),
        (Exit("stopped", 137), "timeout"),
        (Exit("vanished", None, "the engine went away"), None),
        (Exit("not_started", None, "it could not be taken over"), None),
        (Exit("exited", None), None),
    ],
)
def test_a_run_that_did_its_last_act_is_finished_however_it_ended(decide, ended, stopped):
    outcome = decide(builders.report(builders.spec()), ended=ended, stopped=stopped)
    assert (outcome.outcome, outcome.error_message) == ("finished", "")


def test_a_message_is_bounded(decide):
    failure = Failure(kind="crashed", message="x" * 100_000, remedy="y")
    report = builders.report(builders.spec(), outcome="failed", failure=failure)
    assert len(decide(report, ended=Exit("exited", 1)).error_message) == 2000


def failed_report(verdict, **changes):
    fields = {
        "outcome": "failed",
        "failure": Failure(kind="meter_failed", message="the counter fell", remedy="look"),
        "verdict": verdict,
    }
    return builders.report(builders.spec(), **(fields | changes))


RESET = Verdict(verdict="invalid", reasons=("counter_reset",))


def test_what_a_failed_report_says_of_its_meter_is_kept(decide):
    outcome = decide(failed_report(RESET), ended=Exit("exited", 1))
    assert (outcome.outcome, outcome.reason) == ("failed", "meter_failed")
    assert outcome.verdict == RESET


@pytest.mark.parametrize(
    ("report", "arguments"),
    [
        (failed_report(None), {}),
        (failed_report(Verdict(verdict="valid", reasons=())), {}),
        (failed_report(Verdict(verdict="flagged", reasons=("rehearsal",))), {}),
        (failed_report(RESET, spec_hash="0" * 64), {}),
        (failed_report(RESET, run_id="another"), {}),
        (failed_report(RESET), {"stopped": "user"}),
        (builders.report(builders.spec(), verdict=RESET), {}),
        (builders.report(builders.spec(), verdict=RESET), {"ended": Exit("exited", 0)}),
    ],
)
def test_no_other_verdict_is_held_against_a_run(decide, report, arguments):
    assert decide(report, **({"ended": Exit("exited", 1)} | arguments)).verdict is None


def test_reasons_are_bounded_and_safe_to_show(decide):
    hostile = Verdict(verdict="invalid", reasons=("\x1b[31m" + "x" * 1000,) * 1000)
    reasons = decide(failed_report(hostile), ended=Exit("exited", 1)).verdict.reasons
    assert len(reasons) == 20
    assert max(map(len, reasons)) == 100
    assert "\x1b" not in "".join(reasons)
