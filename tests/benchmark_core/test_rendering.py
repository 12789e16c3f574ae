"""One user message through a tokenizer's own chat template."""

import pytest
from transformers import AutoTokenizer

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import NOTHING, Instruction
from benchmark_core.reasoning.rendering import has_template, render
from tests.support import chat_templates as templates
from tests.support.chat_templates import tokenizer_with
from tests.support.tiny_hub import LLAMA, built_hub, tiny_hub  # noqa: F401

TEXT = "What floats?"
HEAD = "<|begin|><|user|>What floats?<|end|><|assistant|>"


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize(
    ("kwargs", "tail"),
    [
        ({}, ""),
        ({"enable_thinking": True}, ""),
        ({"enable_thinking": False}, "<think></think>"),
        ({"enable_thinking": True, "reasoning_effort": "low"}, "<think><|effort_low|>"),
    ],
)
def test_the_switches_reach_the_template(kwargs: dict[str, bool | str], tail: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(LLAMA)
    assert render(tokenizer, Instruction(kwargs=kwargs), TEXT) == HEAD + tail


def test_a_system_message_comes_first_and_none_is_sent_unasked() -> None:
    tokenizer = tokenizer_with(templates.REPEATS_THE_SYSTEM_MESSAGE)
    assert render(tokenizer, NOTHING, TEXT) == HEAD
    asked = render(tokenizer, Instruction(system="/no_think"), TEXT)
    assert asked == "<|begin|><|system|>/no_think<|end|>" + HEAD.removeprefix("<|begin|>")


def test_an_empty_system_message_is_one() -> None:
    tokenizer = tokenizer_with(templates.REPEATS_THE_SYSTEM_MESSAGE)
    assert "<|system|><|end|>" in render(tokenizer, Instruction(system=""), TEXT)


def test_a_prefix_stands_directly_before_the_text() -> None:
    tokenizer = tokenizer_with(templates.IGNORES_EVERYTHING)
    rendered = render(tokenizer, Instruction(user_prefix="/think"), TEXT)
    assert rendered == HEAD.replace(TEXT, "/think" + TEXT)


@pytest.mark.parametrize(
    "text", ["{{ 1 + 1 }} {% if x %} 'quoted' <b>\n", "", " \n ", "ü 猫 🐈", "<think></think>"]
)
def test_the_text_is_left_as_it_is(text: str) -> None:
    tokenizer = tokenizer_with(templates.IGNORES_EVERYTHING)
    assert render(tokenizer, NOTHING, text) == f"<|begin|><|user|>{text}<|end|><|assistant|>"


@pytest.mark.parametrize("template", [templates.TAKES_PARTS_ONLY, templates.DEMANDS_PARTS])
@pytest.mark.parametrize("text", [TEXT, "ü 猫\n", "{'type': 'text'}"])
def test_a_template_for_messages_of_several_parts_gets_one_part(template: str, text: str) -> None:
    tokenizer = tokenizer_with(template)
    instruction = Instruction(kwargs={"enable_thinking": False}, system="Be brief.")
    assert render(tokenizer, instruction, text) == (
        f"<|system|>Be brief.<|end|><|user|>{text}<|end|><|assistant|><think></think>"
    )


def test_a_part_never_stands_in_the_prompt_as_it_is_in_the_program() -> None:
    """To a template that cuts a text, a list of one part looks short enough to be left whole."""
    rendered = render(tokenizer_with(templates.CUTS_THE_MESSAGE), NOTHING, TEXT)
    assert rendered == HEAD.replace(TEXT, TEXT[:5])


def test_whether_there_is_a_template() -> None:
    assert has_template(tokenizer_with(templates.IGNORES_EVERYTHING))
    assert not has_template(tokenizer_with(None))
    assert not has_template(tokenizer_with(""))


@pytest.mark.parametrize(
    ("template", "instruction", "said"),
    [
        (templates.RAISES_ALWAYS, NOTHING, ": I want two messages"),
        (
            templates.RAISES_ON_A_SYSTEM_MESSAGE,
            Instruction(system="x"),
            "with a system message: no system message, please",
        ),
        (
            templates.RAISES_ON_FALSE,
            Instruction(kwargs={"enable_thinking": False}),
            "with enable_thinking=False: I always think",
        ),
        (templates.IS_NO_JINJA, NOTHING, "cannot render one user message"),
        ("{{ messages[7].content.x.y }}", NOTHING, "cannot render one user message"),
        (
            "{{ raise_exception('\\x1b[31m\\ud800\\u202e ' + 'no' * 9999) }}",
            NOTHING,
            ": \ufffd[31m\ufffd\ufffd nono",
        ),
        ("{{ raise_exception('') }}", NOTHING, ": TemplateError"),
        ("{{ '\\ud800' + messages[0].content }}", NOTHING, "surrogates not allowed"),
    ],
)
def test_a_template_that_does_not_work_is_a_fault(
    template: str, instruction: Instruction, said: str
) -> None:
    with pytest.raises(ReasoningFault) as caught:
        render(tokenizer_with(template, name="org/picky"), instruction, TEXT)
    assert caught.value.message.startswith("org/picky: the chat template")
    assert said in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
    assert "revision" in caught.value.remedy
