"""The prompt a model sees, and what a catalog's reasoning state means."""

from typing import get_args

import pytest
from transformers import AutoTokenizer

from benchmark_core.faults import ModelFault, SpecFault
from benchmark_core.reasoning.rendering import render
from benchmark_core.reasoning.states import KNOWN_STATES, ReasoningState, parse_state
from tests.support.tiny_hub import GPT2, LLAMA, built_hub, tiny_hub  # noqa: F401

pytestmark = pytest.mark.usefixtures("tiny_hub")

HEAD = "<|begin|><|user|>What floats?<|end|><|assistant|>"


@pytest.mark.parametrize(
    ("state", "prompt", "switches"),
    [
        ("On", HEAD, {"enable_thinking": True}),
        ("Off", HEAD + "<think></think>", {"enable_thinking": False}),
        ("Off (N/A)", HEAD + "<think></think>", {"enable_thinking": False}),
        (
            "On (High)",
            HEAD + "<think><|effort_high|>",
            {"enable_thinking": True, "reasoning_effort": "high"},
        ),
        (
            "On (Low)",
            HEAD + "<think><|effort_low|>",
            {"enable_thinking": True, "reasoning_effort": "low"},
        ),
    ],
)
def test_the_state_reaches_the_template(state: str, prompt: str, switches: object) -> None:
    rendered = render(AutoTokenizer.from_pretrained(LLAMA), parse_state(state), "What floats?")
    assert (rendered.text, rendered.form) == (prompt, "chat")
    assert rendered.template_kwargs == switches
    assert type(rendered.template_kwargs["enable_thinking"]) is bool


def test_without_a_request_the_template_gets_no_switch() -> None:
    rendered = render(AutoTokenizer.from_pretrained(GPT2), None, "What floats?")
    assert rendered.text == "<|user|>What floats?<|end|><|assistant|><think>"
    assert rendered.template_kwargs == {}


def test_text_that_looks_like_a_template_is_left_alone() -> None:
    text = "{{ 1 + 1 }} {% if x %} 'quoted' <b>\n"
    rendered = render(AutoTokenizer.from_pretrained(LLAMA), parse_state("On"), text)
    assert rendered.text == f"<|begin|><|user|>{text}<|end|><|assistant|>"


def test_without_a_template_the_text_stays_raw() -> None:
    tokenizer = AutoTokenizer.from_pretrained(LLAMA)
    tokenizer.chat_template = None
    rendered = render(tokenizer, parse_state("On"), "What floats?")
    assert (rendered.text, rendered.form) == ("What floats?", "raw")
    assert rendered.template_kwargs == {}


def test_a_template_that_refuses_is_a_model_fault() -> None:
    tokenizer = AutoTokenizer.from_pretrained(LLAMA)
    tokenizer.chat_template = "{{ raise_exception('a system message is needed') }}"
    with pytest.raises(ModelFault, match=r"tiny-llama.*a system message is needed") as caught:
        render(tokenizer, parse_state("On"), "What floats?")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "thinking", "effort"),
    [
        ("On", True, None),
        ("On (Low)", True, "low"),
        ("on  ( medium )", True, "medium"),
        (" ON(HIGH) ", True, "high"),
        ("Off", False, None),
        ("Off (N/A)", False, None),
    ],
)
def test_states(text: str, thinking: bool, effort: str | None) -> None:
    request = parse_state(text)
    assert (request.thinking, request.effort) == (thinking, effort)


def test_known_states_keep_their_wording() -> None:
    assert get_args(ReasoningState) == KNOWN_STATES
    assert [parse_state(state).state for state in KNOWN_STATES] == list(KNOWN_STATES)


@pytest.mark.parametrize("text", ["", "Maybe", "On (Huge)", "Off (High)", "On (High) twice", "1"])
def test_unknown_states_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(SpecFault) as caught:
        parse_state(text)
    assert repr(text) in caught.value.message
    assert "On (High)" in caught.value.remedy
