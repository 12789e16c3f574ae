"""Which display serves which output."""

import sys

from orchestrator.display.base import Display
from orchestrator.display.patient import PatientDisplay


def choose() -> Display:
    """Bars on a terminal, lines elsewhere."""
    if sys.stdout.isatty():
        from orchestrator.display.live import LiveDisplay

        return PatientDisplay(LiveDisplay())
    from orchestrator.display.plain import PlainDisplay

    return PatientDisplay(PlainDisplay())
