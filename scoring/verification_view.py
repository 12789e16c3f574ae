"""What came of verifying something, on screen and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmark_core.terminal_text import printable
from scoring.failed_point import Verification
from scoring.words import SIMULATED


def lines(found: Verification) -> Iterator[str]:
    """Failed points first, each on one line."""
    for point in found.failed:
        yield f"failed: {point.line()}"
    for one in found.not_checked:
        yield one.line()
    counts = f"{len(found.failed)} failed, {len(found.not_checked)} not checked"
    yield printable(f"{found.subject}: {len(found.holds)} points hold, {counts}")
    if found.rehearsal:
        yield SIMULATED


def document(found: Verification) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "verified": not found.failed,
        "rehearsal": found.rehearsal,
        "failed": [asdict(point) for point in found.failed],
        "not_checked": [asdict(one) for one in found.not_checked],
        "holds": list(found.holds),
    }
