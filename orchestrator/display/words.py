"""Phrases that every display uses."""

from orchestrator.outcome import Outcome


def duration(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def outcome_line(outcome: Outcome) -> str:
    """`finished RUN_ID`, or what went wrong and where the log is."""
    if outcome.outcome == "finished":
        return f"finished {outcome.run_id}"
    return f"{outcome.outcome} {outcome.run_id}: {outcome.error_message} (log: {outcome.log_file})"
