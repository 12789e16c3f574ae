"""Which display serves which output."""

import os
import sys

from orchestrator.display.base import Display
from orchestrator.display.patient import PatientDisplay


def choose() -> Display:
    """The live view on a terminal that can move its cursor, lines elsewhere."""
    if sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from orchestrator.display.live import LiveDisplay

        return PatientDisplay(LiveDisplay())
    from orchestrator.display.plain import PlainDisplay

    return PatientDisplay(PlainDisplay())
