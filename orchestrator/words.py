"""Phrases for people, the same wherever they are read."""

from orchestrator.outcome import Outcome

DASH = "–"


def duration(seconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def energy(wh: float) -> str:
    """`0.42 Wh`, `42.0 Wh`, `1.23 kWh`."""
    if wh < 10:
        return f"{wh:.2f} Wh"
    return f"{wh:.1f} Wh" if wh < 1000 else f"{wh / 1000:,.2f} kWh"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def outcome_line(outcome: Outcome, retry_seconds: float | None = None) -> str:
    """`finished RUN_ID`, or what went wrong, where the log is and whether it is tried again."""
    if outcome.outcome == "finished":
        return f"finished {outcome.run_id}"
    line = f"{outcome.outcome} {outcome.run_id}: {outcome.error_message} (log: {outcome.log_file})"
    return line if retry_seconds is None else f"{line}; {again(retry_seconds)}"


def again(retry_seconds: float) -> str:
    return f"tried again in {duration(retry_seconds)}" if retry_seconds >= 1 else "tried again now"
