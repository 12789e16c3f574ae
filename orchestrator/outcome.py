"""`outcome.json`: how an attempt ended, in the words of the host, written last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from benchmark_core.contract import Launch, RunSpec
from benchmark_core.differences import differences
from benchmark_core.documents import ContractError, Document
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.run_report import RunReport
from benchmark_core.terminal_text import printable
from orchestrator.exit import Exit

OutcomeName = Literal["finished", "failed", "interrupted"]
StopReason = Literal["timeout", "hang", "user"]

IMPORT_ENGINE = "import"
"""What stands as the engine of a run that was measured elsewhere."""
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 16_000
LONGEST_LINE = 300
LONGEST_MESSAGE = 2000
MOST_REASONS = 20
LONGEST_REASON = 100
SEE_LOG = "See the end of its log."


class Outcome(Document):
    """`error_message` is one line and empty only for a finished run.

    `verdict` is there where a run failed and its report blames a meter. Of an imported run
    `spec_hash` and `log_file` are empty, and `finished_at` where its source does not tell the time.
    """

    run_id: str
    spec_hash: str
    outcome: OutcomeName
    error_message: str = ""
    reason: str = ""
    verdict: Verdict | None = None
    exit_code: int | None = None
    engine: str
    image_digest: str | None = None
    started_at: str | None = None
    finished_at: str
    log_file: str
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Returned:
    """What a run left for a report. `damage` says why there is none that can be read."""

    report: RunReport | None
    damage: str = ""


def read_report(path: Path) -> Returned:
    if not path.exists():
        return Returned(None, "it left no report")
    try:
        return Returned(RunReport.read(path))
    except ContractError as error:
        return Returned(None, f"its report is damaged: {error}")


def end_told_by(report: RunReport, detail: str) -> Exit:
    """How a run ended that nobody watched to its end: with the times that its report tells."""
    return Exit(
        cause="exited",
        code=None,
        detail=detail,
        started_at=_moment(report.started_at),
        finished_at=_moment(report.finished_at),
    )


def _moment(text: str | None) -> str | None:
    """None for what is no moment; a run can write anything into its report."""
    try:
        return text if text and datetime.fromisoformat(text).tzinfo else None
    except ValueError:
        return None


def conclude(
    spec: RunSpec,
    launch: Launch,
    returned: Returned,
    log_path: Path,
    ended: Exit,
    stopped: StopReason | None,
    now: str,
) -> Outcome:
    report = returned.report
    wrong = differences(spec, report) if report and report.failure is None else []
    reason, why = "", ""
    if report is None or wrong or not _is_complete(report, ended, stopped):
        reason, why = _fault(returned, wrong, ended, stopped, launch.timeout_seconds)
    if reason == "no_report":
        why = f"{why} {_last_words(log_path)}"
    name: OutcomeName = "failed" if reason else "finished"
    if reason == "interrupted":
        name = "interrupted"
    message = printable(" ".join(f"{reason}: {why}".split())) if reason else ""
    return Outcome(
        run_id=spec.run_id,
        spec_hash=spec.spec_hash(),
        outcome=name,
        error_message=message[:LONGEST_MESSAGE],
        reason=reason,
        verdict=_verdict(spec, report) if report and name == "failed" else None,
        exit_code=ended.code,
        engine=launch.engine,
        image_digest=ended.image_digest or launch.image_digest,
        started_at=ended.started_at,
        finished_at=ended.finished_at or now,
        log_file=log_path.name,
        log_tail=() if name == "finished" else log_tail(log_path),
    )


def _is_complete(report: RunReport, ended: Exit, stopped: StopReason | None) -> bool:
    """Whether the run had done its last act, however its end came about after that."""
    late_end = stopped is not None or ended.cause != "exited" or ended.code in (0, None)
    return late_end and report.failure is None


def _verdict(spec: RunSpec, report: RunReport) -> Verdict | None:
    """What a failed report says of its meter, bounded: a run can write anything there."""
    verdict = report.verdict
    believed = (report.run_id, report.spec_hash) == (spec.run_id, spec.spec_hash())
    if report.failure is None or verdict is None or not believed:
        return None
    if verdict.verdict != "invalid" or not verdict.reasons:
        return None
    reasons = verdict.reasons[:MOST_REASONS]
    return Verdict(
        verdict="invalid", reasons=tuple(printable(reason)[:LONGEST_REASON] for reason in reasons)
    )


def _fault(
    returned: Returned,
    wrong: Sequence[str],
    ended: Exit,
    stopped: StopReason | None,
    timeout_seconds: float | None,
) -> tuple[str, str]:
    """What speaks against a finished run: a word for machines, and why.

    `wrong` is what the run applied otherwise than asked.
    """
    report = returned.report
    if stopped == "user":
        return "interrupted", "stopped by the user; start again to resume."
    if stopped == "timeout":
        why = f"stopped after {timeout_seconds:g} s. Raise --timeout, or lower --num-prompts."
        return "timeout", why
    if stopped == "hang":
        why = "it wrote no sample line for longer than --hang-timeout and was stopped."
        return "hang", f"{why} Where it was stands at the end of its log."
    if ended.cause != "exited":
        return ended.cause, ended.detail
    if report is None:
        why = f"the run ended with {_code(ended)} and {returned.damage}. {ended.detail}"
        return "no_report", why
    if report.failure:
        return report.failure.kind, f"{report.failure.message}. {report.failure.remedy}"
    if wrong:
        why = f"{'; '.join(wrong)}. The figures belong to another experiment."
        return "wrong_settings", why
    why = f"the run left a report and ended with {_code(ended)}. {ended.detail} {SEE_LOG}"
    return "exit_code", why


def _code(ended: Exit) -> str:
    return "an unknown exit code" if ended.code is None else f"exit code {ended.code}"


def _last_words(log_path: Path) -> str:
    lines = [line for line in log_tail(log_path) if line.strip()]
    return f"Its log ends: {lines[-1]}" if lines else "Its log is empty."


def log_tail(path: Path) -> tuple[str, ...]:
    """The last lines of a log: bounded, printable, without control characters."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - LOG_TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(printable(line)[:LONGEST_LINE] for line in text.splitlines()[-LOG_TAIL_LINES:])
