"""The wording of a catalog's reasoning state, and its meaning."""

import re

from benchmark_core.contract import Effort, ReasoningRequest
from benchmark_core.faults import SpecFault

KNOWN_STATES = ("On", "On (Low)", "On (Medium)", "On (High)", "Off", "Off (N/A)")

_MEANINGS: dict[str, tuple[bool, Effort | None]] = {
    "on": (True, None),
    "on (low)": (True, "low"),
    "on (medium)": (True, "medium"),
    "on (high)": (True, "high"),
    "off": (False, None),
    "off (n/a)": (False, None),
}


def parse_state(text: str) -> ReasoningRequest:
    """What a catalog's reasoning state asks for. Letter case and spare blanks do not matter.

    Raises:
        SpecFault: the wording is none of `KNOWN_STATES`.
    """
    wording = re.sub(r"\s+", " ", text).strip()
    key = re.sub(r" ?\( ?(.*?) ?\)", r" (\1)", wording.casefold())
    if key not in _MEANINGS:
        raise SpecFault(
            f"reasoning state {text!r} is not known",
            f"Write one of: {', '.join(KNOWN_STATES)}.",
        )
    thinking, effort = _MEANINGS[key]
    return ReasoningRequest(state=wording, thinking=thinking, effort=effort)
