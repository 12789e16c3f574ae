"""The wording of a catalog's reasoning state, and its meaning."""

import re
from typing import Final, Literal, get_args

from benchmark_core.contract import Effort, ReasoningRequest
from benchmark_core.faults import SpecFault

ReasoningState = Literal["On", "On (High)", "On (Medium)", "On (Low)", "Off", "Off (N/A)"]

KNOWN_STATES: Final[tuple[ReasoningState, ...]] = get_args(ReasoningState)

_MEANINGS: dict[ReasoningState, tuple[bool, Effort | None]] = {
    "On": (True, None),
    "On (High)": (True, "high"),
    "On (Medium)": (True, "medium"),
    "On (Low)": (True, "low"),
    "Off": (False, None),
    "Off (N/A)": (False, None),
}
_BY_WORDING = {state.casefold(): state for state in _MEANINGS}


def state_of(thinking: bool, effort: Effort | None) -> ReasoningState:
    """The plainest wording of a meaning."""
    return next(state for state, meaning in _MEANINGS.items() if meaning == (thinking, effort))


def parse_state(text: str) -> ReasoningRequest:
    """What a catalog's reasoning state asks for, in the canonical wording.

    Letter case and spare blanks do not matter.

    Raises:
        SpecFault: the wording is none of `KNOWN_STATES`.
    """
    wording = re.sub(r"\s+", " ", text).strip()
    key = re.sub(r" ?\( ?(.*?) ?\)", r" (\1)", wording.casefold())
    if key not in _BY_WORDING:
        raise SpecFault(
            f"reasoning state {text!r} is not known",
            f"Write one of: {', '.join(KNOWN_STATES)}.",
        )
    state = _BY_WORDING[key]
    thinking, effort = _MEANINGS[state]
    return ReasoningRequest(state=state, thinking=thinking, effort=effort)
