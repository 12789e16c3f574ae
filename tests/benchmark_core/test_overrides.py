"""Reasoning asked for by `key=value` arguments."""

import pytest

from benchmark_core.direct.overrides import KEYS, parse_overrides
from benchmark_core.faults import SpecFault

REASONING = "scenario.reasoning"
ENABLE = "scenario.reasoning_params.enable_thinking"
THINKING = "scenario.reasoning_params.thinking"
EFFORT = "scenario.reasoning_params.reasoning_effort"


@pytest.mark.parametrize(
    ("arguments", "state", "thinking", "effort"),
    [
        ([f"{REASONING}=True"], "On", True, None),
        ([f"{REASONING}=False"], "Off", False, None),
        ([f"{REASONING}=false"], "Off", False, None),
        ([f"{REASONING}=TRUE"], "On", True, None),
        ([f"+{REASONING}=True"], "On", True, None),
        ([f"++{REASONING}=False"], "Off", False, None),
        ([f"{REASONING}=True", f"{EFFORT}=low"], "On (Low)", True, "low"),
        ([f"{EFFORT}=high", f"{REASONING}=True"], "On (High)", True, "high"),
        ([f"{EFFORT}=medium"], "On (Medium)", True, "medium"),
        ([f"{ENABLE}=False"], "Off", False, None),
        ([f"{THINKING}=True"], "On", True, None),
        ([f"{REASONING}=True", f"{ENABLE}=True", f"{THINKING}=True"], "On", True, None),
        ([f"{REASONING}=False", f"{ENABLE}=False"], "Off", False, None),
    ],
)
def test_arguments_mean(
    arguments: list[str], state: str, thinking: bool, effort: str | None
) -> None:
    found = parse_overrides(arguments)
    assert found is not None
    assert (found.state, found.thinking, found.effort) == (state, thinking, effort)
    assert type(found.thinking) is bool


def test_without_arguments_nothing_is_asked() -> None:
    assert parse_overrides([]) is None


@pytest.mark.parametrize(
    "value", ["", "1", "0", "yes", "no", "on", "None", "'False'", "True ", "Tru", "False=True", "f"]
)
@pytest.mark.parametrize("key", [REASONING, ENABLE, THINKING])
def test_what_is_no_truth_value_is_refused(key: str, value: str) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_overrides([f"{key}={value}"])
    assert f"{key}={value}" in caught.value.message
    assert caught.value.remedy == "Write True or False."


@pytest.mark.parametrize("value", ["", "huge", "Low", "HIGH", "none", "True", "3"])
def test_what_is_no_level_is_refused(value: str) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_overrides([f"{EFFORT}={value}"])
    assert f"{EFFORT}={value}" in caught.value.message
    assert "low, medium, high" in caught.value.remedy


@pytest.mark.parametrize(
    "arguments",
    [
        [f"{REASONING}=True", f"{ENABLE}=False"],
        [f"{REASONING}=False", f"{EFFORT}=low"],
        [f"{EFFORT}=low", f"{THINKING}=False"],
        [f"{ENABLE}=True", f"{THINKING}=False"],
        [f"{REASONING}=True", f"{REASONING}=False"],
        [f"{REASONING}=True", f"+{REASONING}=False"],
        [f"{EFFORT}=low", f"{EFFORT}=high"],
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_overrides(arguments)
    assert all(argument in caught.value.message for argument in arguments)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("scenario.reasonin=True", f"Did you mean {REASONING}=...?"),
        ("scenario.reasoning_effort=low", "Did you mean"),
        ("scenario.reasoning_params.effort=low", f"Did you mean {EFFORT}=...?"),
        ("scenario.reasoning", "Did you mean"),
        ("x=1", ", ".join(KEYS)),
        ("=True", ", ".join(KEYS)),
        ("", ", ".join(KEYS)),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(argument: str, hint: str) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_overrides([f"{REASONING}=True", argument])
    assert repr(argument) in caught.value.message
    assert hint in caught.value.remedy


def test_a_very_long_argument_is_not_repeated_whole() -> None:
    for argument in ("x" * 10**6, f"{REASONING}={'y' * 10**6}", f"{EFFORT}={'z' * 10**6}"):
        with pytest.raises(SpecFault) as caught:
            parse_overrides([argument])
        assert len(caught.value.message) < 300
