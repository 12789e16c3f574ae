"""A note is read as settings only where every line of it is one."""

import pytest

from orchestrator.catalog_note import settings_of_note


@pytest.mark.parametrize(
    ("note", "settings"),
    [
        ("enable_thinking=True", {"enable_thinking": True}),
        ("enable_thinking=False", {"enable_thinking": False}),
        (" thinking : false ", {"thinking": False}),
        ("reasoning: True\n", {"reasoning": True}),
        ("reasoning: 'FALSE'", {"reasoning": False}),
        ("reasoning_effort: high", {"reasoning_effort": "high"}),
        ('reasoning_effort = "Low"', {"reasoning_effort": "low"}),
        (
            "  reasoning: True\n  reasoning_params:\n    reasoning_effort: medium",
            {"reasoning": True, "reasoning_effort": "medium"},
        ),
        (
            "reasoning: True\r\n\r\nenable_thinking: True\r\n",
            {"reasoning": True, "enable_thinking": True},
        ),
        ("reasoning_params:", {}),
    ],
)
def test_a_note_of_settings(note, settings):
    found = settings_of_note(note)
    assert found == settings
    assert [type(value) for value in found.values()] == [type(value) for value in settings.values()]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "default",
        "N/A (default)",
        "enable_thinking true.",
        "Thinking Mode: Prepend input with <think>.",
        "Slow-Thinking Mode (Default): /think before the prompt.",
        "Reasoning OFF Mode: /no_think in the system prompt.",
        "reasoning: sometimes",
        "reasoning:",
        "reasoning_effort:",
        "enable_thinking=True, or leave it out",
        "enable_thinking='True",
        "reasoning: True\nand a word about it",
        "a word about it\nreasoning: True",
        "temperature: high",
        "Enable_Thinking=True",
    ],
)
def test_prose_is_no_setting(note):
    assert settings_of_note(note) == {}
