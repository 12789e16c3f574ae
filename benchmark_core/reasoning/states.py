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


def _key(text: str) -> str:
    """Alike for all spellings of a state; in linear time, as cells of a catalog can be long."""
    return re.sub(r"\s*([()])\s*", r"\1", " ".join(text.casefold().split()))


_BY_WORDING = {_key(state): state for state in _MEANINGS}


def state_of(thinking: bool, effort: Effort | None) -> ReasoningState:
    """The plainest wording of a meaning."""
    return next(state for state, meaning in _MEANINGS.items() if meaning == (thinking, effort))


def parse_state(text: str) -> ReasoningRequest:
    """What a catalog's reasoning state asks for, in the canonical wording.

    Letter case and spare blanks do not matter.

    Raises:
        SpecFault: the wording is none of `KNOWN_STATES`.
    """
    key = _key(text)
    if key not in _BY_WORDING:
        raise SpecFault(
            f"reasoning state {text[:60]!r} is not known",
            f"Write one of: {', '.join(KNOWN_STATES)}.",
        )
    state = _BY_WORDING[key]
    thinking, effort = _MEANINGS[state]
    return ReasoningRequest(state=state, thinking=thinking, effort=effort)
