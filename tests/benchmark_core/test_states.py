"""What the wording of a catalog's reasoning state means."""

from typing import get_args

import pytest

from benchmark_core.contract import Effort
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import KNOWN_STATES, ReasoningState, parse_state, state_of


@pytest.mark.parametrize(
    ("text", "thinking", "effort"),
    [
        ("On", True, None),
        ("On (Low)", True, "low"),
        ("on  ( medium )", True, "medium"),
        (" ON(HIGH) ", True, "high"),
        ("Off", False, None),
        ("Off (N/A)", False, None),
        ("off(n/a)", False, None),
    ],
)
def test_a_wording_means(text: str, thinking: bool, effort: str | None) -> None:
    request = parse_state(text)
    assert (request.thinking, request.effort) == (thinking, effort)


def test_known_states_keep_their_wording() -> None:
    assert get_args(ReasoningState) == KNOWN_STATES
    assert [parse_state(state).state for state in KNOWN_STATES] == list(KNOWN_STATES)


@pytest.mark.parametrize(
    "text", ["", "Maybe", "On (Huge)", "Off (High)", "On (High) twice", "1", "True", "On (N/A)"]
)
def test_unknown_wordings_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_state(text)
    assert repr(text) in caught.value.message
    for state in KNOWN_STATES:
        assert state in caught.value.remedy


@pytest.mark.parametrize(
    ("thinking", "effort", "state"),
    [
        (True, None, "On"),
        (True, "high", "On (High)"),
        (True, "medium", "On (Medium)"),
        (True, "low", "On (Low)"),
        (False, None, "Off"),
    ],
)
def test_a_meaning_has_one_plainest_wording(
    thinking: bool, effort: Effort | None, state: str
) -> None:
    assert state_of(thinking, effort) == state
    found = parse_state(state)
    assert (found.thinking, found.effort) == (thinking, effort)
