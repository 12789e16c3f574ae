"""What a tokenizer alone tells of a model that no row is about."""

from typing import Any

import pytest

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import (
    BRACKETS,
    CHANNELS,
    ENABLE_THINKING,
    INNER,
    SYSTEM_FLAG,
    THINK,
    THINKING,
    Marker,
    Way,
)
from benchmark_core.reasoning.probe import probe
from tests.support import chat_templates as templates
from tests.support.chat_templates import tokenizer_with, tokenizer_without_marks

ALL_LEVELS = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("template", "way", "unswitched", "levels"),
    [
        (templates.ON_BY_DEFAULT, ENABLE_THINKING, "on", ()),
        (templates.OFF_BY_DEFAULT, ENABLE_THINKING, "off", ()),
        (templates.NEITHER_BY_DEFAULT, ENABLE_THINKING, "unforced", ()),
        (templates.SWITCH_BEFORE_THE_MESSAGE, ENABLE_THINKING, "off", ()),
        (templates.TAKES_PARTS_ONLY, ENABLE_THINKING, "on", ()),
        (templates.OTHER_SWITCH, THINKING, "off", ()),
        (templates.STRIPPED_SYSTEM_FLAG, SYSTEM_FLAG, "on", ()),
        (templates.TELLS_THE_DATE, ENABLE_THINKING, "on", ()),
        (templates.OPENS_THE_BLOCK, None, "on", ()),
        (templates.OPENS_BRACKETS, None, "on", ()),
        (templates.LEVELS, None, "on", ALL_LEVELS),
        (templates.LEVELS_BELOW_THE_SWITCH, ENABLE_THINKING, "on", ALL_LEVELS),
        (templates.RAISES_ON_LEVELS, ENABLE_THINKING, "on", ()),
        (templates.RAISES_ON_FALSE, None, "unforced", ()),
        (templates.RAISES_ON_A_SYSTEM_MESSAGE, None, "unforced", ()),
        (templates.IGNORES_EVERYTHING, None, "unforced", ()),
        (templates.REPEATS_THE_SYSTEM_MESSAGE, None, "unforced", ()),
        (templates.CLOSES_THE_BLOCK, None, "unforced", ()),
        # With a system message it forgets the user's, which is no way to switch anything.
        (templates.KEEPS_THE_FIRST_MESSAGE_ONLY, None, "unforced", ()),
    ],
)
def test_each_mechanism_is_found(
    template: str, way: Way | None, unswitched: str, levels: tuple[str, ...]
) -> None:
    found = probe(tokenizer_with(template), "org/stranger")
    assert found.ways == ((way,) if way else ())
    assert (found.unswitched, found.levels) == (unswitched, levels)
    assert found.level_switch == ("reasoning_effort" if levels else None)
    assert (found.name, found.raw) == ("org/stranger", False)


def test_without_a_template_the_text_stays_raw_and_nothing_is_claimed() -> None:
    found = probe(tokenizer_with(None), "org/stranger")
    assert (found.raw, found.unswitched, found.ways, found.levels) == (True, "none", (), ())


def test_a_name_tells_nothing() -> None:
    tokenizer = tokenizer_with(templates.IGNORES_EVERYTHING)
    names = ("Qwen/Qwen3-Mirage-Thinking", "someone/DeepSeek-R1-copy", "org/plain")
    found = [probe(tokenizer, name) for name in names]
    assert {(family.unswitched, family.ways, family.marker) for family in found} == {
        ("unforced", (), THINK)
    }


def test_where_template_and_vocabulary_know_no_marks_there_is_no_reasoning() -> None:
    found = probe(tokenizer_without_marks("{{ messages[-1].content }}"), "org/stranger")
    assert (found.unswitched, found.marker) == ("none", None)


@pytest.mark.parametrize(
    ("template", "special", "marker"),
    [
        (templates.IGNORES_EVERYTHING, (), THINK),
        (templates.LEVELS, (), CHANNELS),
        (templates.IGNORES_EVERYTHING + "{# [/THINK] #}", (), BRACKETS),
        (templates.IGNORES_EVERYTHING, ("[/THINK]",), BRACKETS),
        (templates.IGNORES_EVERYTHING, ("<|inner_suffix|>",), INNER),
        (templates.ON_BY_DEFAULT, ("[/THINK]",), THINK),
        # Nothing but the opened block says which marks this one uses.
        (templates.OPENS_BRACKETS, (), BRACKETS),
        (templates.OPENS_THE_BLOCK, ("[/THINK]",), THINK),
    ],
)
def test_the_marks_are_those_of_the_template_before_those_of_the_vocabulary(
    template: str, special: tuple[str, ...], marker: Marker
) -> None:
    assert probe(tokenizer_with(template, special), "org/stranger").marker == marker


def test_chance_in_the_template_is_no_switch() -> None:
    """Every rendering of it differs from every other, whatever it was given."""
    found = probe(tokenizer_with(templates.DRAWS_LOTS), "org/stranger")
    assert (found.ways, found.levels) == ((), ())


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (templates.RAISES_ALWAYS, "I want two messages"),
        (templates.IS_NO_JINJA, "cannot render"),
        (templates.LEAVES_THE_MESSAGE_OUT, "leaves the user's message out"),
        (templates.CHANGES_THE_MESSAGE, "or changes it"),
        (templates.CUTS_THE_MESSAGE, "or changes it"),
    ],
)
def test_a_template_that_does_not_work_is_refused(template: str, said: str) -> None:
    tokenizer: Any = tokenizer_with(template, name="org/stranger")
    with pytest.raises(ReasoningFault) as caught:
        probe(tokenizer, "org/stranger")
    assert "org/stranger" in caught.value.message
    assert said in caught.value.message
    assert caught.value.remedy
