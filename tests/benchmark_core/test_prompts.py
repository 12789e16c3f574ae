"""The prompts of one run, from the model's id and what is asked of it."""

from datetime import date, datetime
from pathlib import Path

import pytest
from transformers.utils import chat_template_utils

from benchmark_core.checkpoints.faults import told_as_model_faults
from benchmark_core.faults import ModelFault, ReasoningFault
from benchmark_core.hub import LONGEST_TEXT, repository_text
from benchmark_core.reasoning import prompts as prompts_module
from benchmark_core.reasoning.prompts import LONGEST_EXAMPLE, Prompts
from benchmark_core.reasoning.splitting import Split
from benchmark_core.reasoning.states import parse_state
from tests.support import chat_templates as templates
from tests.support.chat_templates import tokenizer_with, tokenizer_without_marks, tokens_of

TEXT = "What floats?"
HEAD = "<|begin|><|user|>What floats?<|end|><|assistant|>"
MAGISTRAL = "mistralai/Magistral-Small-2507"
BRACKETED = (
    "{% for message in messages %}{{ '[SYSTEM_PROMPT]' + message.content + '[/SYSTEM_PROMPT]' "
    "if message.role == 'system' else '[INST]' + message.content + '[/INST]' }}{% endfor %}"
)


def no_file(name: str) -> str:
    raise AssertionError(f"nobody needs {name}")


def prompts(model: str, state: str | None, template: str | None) -> Prompts:
    made = Prompts(model, parse_state(state) if state else None)
    made.settle(tokenizer_with(template, name=model), no_file)
    return made


@pytest.mark.parametrize(
    ("model", "template", "state", "text", "kwargs"),
    [
        ("org/x", templates.ON_BY_DEFAULT, "On", HEAD, {"enable_thinking": True}),
        (
            "org/x",
            templates.ON_BY_DEFAULT,
            "Off",
            HEAD + "<think></think>",
            {"enable_thinking": False},
        ),
        ("org/x", templates.OTHER_SWITCH, "On", HEAD + "<think>", {"thinking": True}),
        ("org/x", templates.IGNORES_EVERYTHING, "On", HEAD, {}),
        ("org/x", templates.OPENS_THE_BLOCK, "Off", HEAD + "<think>", {}),
        (
            "org/x",
            templates.LEVELS_BELOW_THE_SWITCH,
            "On (Low)",
            HEAD + "<think><|effort_low|>",
            {"enable_thinking": True, "reasoning_effort": "low"},
        ),
        (
            "zai-org/GLM-4.6",
            templates.ON_BY_DEFAULT,
            "Off (N/A)",
            HEAD + "<think></think>",
            {"enable_thinking": False},
        ),
        ("google/gemma-3-1b-it", templates.IGNORES_EVERYTHING, "On", HEAD, {}),
    ],
)
def test_every_prompt_is_made_as_was_settled(
    model: str, template: str, state: str, text: str, kwargs: dict[str, bool | str]
) -> None:
    made = prompts(model, state, template).make(TEXT)
    assert (made.text, made.form, made.template_kwargs) == (text, "chat", kwargs)
    assert [type(value) for value in made.template_kwargs.values()] == [
        type(value) for value in kwargs.values()
    ]


class Clock:
    """Stands in for the calendar here and in the library, as far as prompts ask for either."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moment = datetime(2031, 1, 31, 23, 59, 59)
        monkeypatch.setattr(chat_template_utils, "datetime", self)
        monkeypatch.setattr(prompts_module, "date", self)

    def now(self) -> datetime:
        return self.moment

    def today(self) -> date:
        return self.moment.date()


@pytest.mark.parametrize(
    ("form", "first", "next_day"),
    [
        ("%d %B %Y", "31 January 2031", "01 February 2031"),
        ("%d. %H:%M:%S.%f", "31. 00:00:00.000000", "01. 00:00:00.000000"),
    ],
)
def test_past_midnight_a_run_has_the_prompts_of_its_first_day(
    monkeypatch: pytest.MonkeyPatch, form: str, first: str, next_day: str
) -> None:
    template = templates.TELLS_THE_DATE.replace("%d %B %Y", form)
    clock = Clock(monkeypatch)
    run = prompts("org/x", "On", template)
    evening = run.make(TEXT)
    clock.moment = datetime(2031, 2, 1, 0, 0, 1)
    assert run.make(TEXT) == evening
    assert (evening.text, evening.template_day) == (
        f"<|system|>Today: {first}{HEAD}",
        date(2031, 1, 31),
    )
    facts = run.facts()
    assert facts is not None
    assert facts.example_prompt is not None
    assert first in facts.example_prompt
    following = prompts("org/x", "On", template).make(TEXT)
    assert (following.text, following.template_day) == (
        f"<|system|>Today: {next_day}{HEAD}",
        date(2031, 2, 1),
    )


@pytest.mark.parametrize("template", [templates.ON_BY_DEFAULT, None])
def test_a_prompt_without_the_date_is_of_no_day(template: str | None) -> None:
    assert prompts("org/x", None, template).make(TEXT).template_day is None


def test_without_a_request_no_switch_is_given_and_nothing_is_claimed() -> None:
    made = prompts("org/x", None, templates.ON_BY_DEFAULT)
    assert (made.make(TEXT).text, made.make(TEXT).template_kwargs) == (HEAD, {})
    assert made.facts() is None


def test_a_stranger_without_a_template_and_a_base_model_get_the_bare_text() -> None:
    bare = (TEXT, "raw", {})
    for model, template in (
        ("org/x", None),
        ("google/gemma-3-270m", None),
        ("Qwen/Qwen2.5-Coder-14B", templates.ON_BY_DEFAULT),
    ):
        made = prompts(model, "Off (N/A)", template)
        prompt = made.make(TEXT)
        assert (prompt.text, prompt.form, prompt.template_kwargs) == bare
        facts = made.facts()
        assert facts is not None
        assert (facts.mechanism, facts.effective, facts.enforced) == ("raw_text", "none", True)


def test_a_chat_model_without_a_template_is_refused() -> None:
    with pytest.raises(ReasoningFault, match="HuggingFaceTB/SmolLM3-3B has no chat template"):
        prompts("HuggingFaceTB/SmolLM3-3B", "On", None)


def test_an_ignored_switch_is_refused_where_the_family_has_one() -> None:
    with pytest.raises(ReasoningFault, match=r"Qwen3-0\.6B: .*the same prompt for On and Off"):
        prompts("Qwen/Qwen3-0.6B", "Off", templates.IGNORES_EVERYTHING)
    facts = prompts("org/x", "Off", templates.IGNORES_EVERYTHING).facts()
    assert facts is not None
    assert facts.enforced is False


def test_the_facts_of_a_known_family() -> None:
    facts = prompts("Qwen/Qwen3-0.6B", "Off (N/A)", templates.ON_BY_DEFAULT).facts()
    assert facts is not None
    assert (facts.requested, facts.effective, facts.enforced) == ("Off (N/A)", "off", True)
    assert (facts.family, facts.basis) == ("Qwen3 hybrid", "table")
    assert (facts.mechanism, facts.kwargs) == ("template_switch", {"enable_thinking": False})
    assert (facts.block, facts.end_marker) == ("closed", "</think>")
    assert facts.example_prompt == (
        "<|begin|><|user|>What is 2+2?<|end|><|assistant|><think></think>"
    )
    assert set(facts.prompts_sha256) == {"run", "unswitched", "on", "off"}


def test_the_facts_of_a_stranger_name_no_family() -> None:
    facts = prompts("org/x", "On", templates.OTHER_SWITCH).facts()
    assert facts is not None
    assert (facts.family, facts.basis) == (None, "probe")
    assert (facts.mechanism, facts.kwargs) == ("template_switch", {"thinking": True})
    assert (facts.block, facts.end_marker) == ("opened", "</think>")


@pytest.mark.parametrize(
    ("model", "template", "state", "mechanism"),
    [
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", templates.STRIPPED_SYSTEM_FLAG, "Off", "s"),
        ("org/x", templates.STRIPPED_SYSTEM_FLAG, "On", "s"),
        ("tencent/Hunyuan-1.8B-Instruct", templates.IGNORES_EVERYTHING, "Off", "u"),
        ("tencent/Hunyuan-1.8B-Instruct", templates.ON_BY_DEFAULT, "Off", "t"),
        ("openai/gpt-oss-20b", templates.LEVELS, "Off", "t"),
        ("deepseek-ai/DeepSeek-R1", templates.OPENS_THE_BLOCK, "Off", "a"),
        ("org/x", templates.OPENS_THE_BLOCK, "On", "a"),
        ("org/x", templates.IGNORES_EVERYTHING, "On", "n"),
        ("moonshotai/Kimi-K2-Instruct", templates.IGNORES_EVERYTHING, "Off", "n"),
    ],
)
def test_the_mechanism_is_the_one_that_was_used(
    model: str, template: str, state: str, mechanism: str
) -> None:
    names = {
        "s": "system_message",
        "u": "user_flag",
        "t": "template_switch",
        "a": "always_on",
        "n": "none",
    }
    facts = prompts(model, state, template).facts()
    assert facts is not None
    assert facts.mechanism == names[mechanism]


def test_before_the_tokenizer_is_there_the_facts_are_those_of_the_table() -> None:
    facts = Prompts("openai/gpt-oss-20b", parse_state("Off")).facts()
    assert facts is not None
    assert (facts.effective, facts.enforced, facts.basis) == ("on", False, "table")
    assert (facts.block, facts.example_prompt, facts.prompts_sha256) == (None, None, {})
    unknown = Prompts("org/x", parse_state("Off")).facts()
    assert unknown is not None
    assert (unknown.requested, unknown.effective, unknown.enforced) == ("Off", None, None)
    assert unknown.basis is None
    assert Prompts("org/x", None).facts() is None


def test_a_long_template_does_not_swell_the_report() -> None:
    long = templates.IGNORES_EVERYTHING + "x" * (2 * LONGEST_EXAMPLE)
    facts = prompts("org/x", "Off", long).facts()
    assert facts is not None
    assert facts.example_prompt is not None
    assert len(facts.example_prompt) == LONGEST_EXAMPLE


def file_beside_the_weights(folder: Path) -> Prompts:
    """As a recipe reads it: a missing file is a fault that names it."""

    def read_file(name: str) -> str:
        with told_as_model_faults(f"{MAGISTRAL} ({name})", "the file"):
            return repository_text(str(folder), name, None)

    made = Prompts(MAGISTRAL, parse_state("On"))
    made.settle(tokenizer_with(BRACKETED, name=MAGISTRAL), read_file)
    return made


def test_a_file_that_is_too_long_for_a_message_is_refused_and_not_cut(tmp_path: Path) -> None:
    (tmp_path / "SYSTEM_PROMPT.txt").write_text("x" * (LONGEST_TEXT + 1))
    with pytest.raises(ModelFault, match=r"SYSTEM_PROMPT\.txt.*longer than"):
        file_beside_the_weights(tmp_path)


def test_a_system_message_comes_from_the_file_beside_the_weights(tmp_path: Path) -> None:
    said = "First think, between [THINK] and [/THINK], then answer.\nKürzer ist besser."
    (tmp_path / "SYSTEM_PROMPT.txt").write_text(said, encoding="utf-8")
    made = file_beside_the_weights(tmp_path)
    assert made.make(TEXT).text == f"[SYSTEM_PROMPT]{said}[/SYSTEM_PROMPT][INST]{TEXT}[/INST]"
    facts = made.facts()
    assert facts is not None
    assert (facts.effective, facts.enforced, facts.mechanism) == ("on", True, "system_message")
    assert (facts.system_message, facts.end_marker, facts.block) == (said, "[/THINK]", None)
    # What the message says of the marks is no block that the prompt has opened.
    output = tokens_of(made._tokenizer, "[THINK]well[/THINK]four")
    found = made.split(output)
    assert found is not None
    assert found.reasoning == len(tokens_of(made._tokenizer, "[THINK]well[/THINK]"))


@pytest.mark.parametrize(("brings", "refused"), [("", False), ("another message", True)])
def test_a_template_may_bring_the_message_itself_but_no_other(brings: str, refused: bool) -> None:
    said = "Think, in [THINK] and [/THINK]."
    own = f"{{{{ '[SYSTEM_PROMPT]{brings or said}[/SYSTEM_PROMPT]' }}}}"
    template = own + "{% for message in messages if message.role == 'user' %}"
    template += "{{ message.content }}{% endfor %}"
    made = Prompts(MAGISTRAL, parse_state("On"))
    tokenizer = tokenizer_with(template, name=MAGISTRAL)
    if refused:
        with pytest.raises(ReasoningFault, match="same prompt for On and Off"):
            made.settle(tokenizer, lambda name: said)
        return
    made.settle(tokenizer, lambda name: said)
    assert said in made.make(TEXT).text


def test_without_that_message_nothing_tells_the_model(tmp_path: Path) -> None:
    (tmp_path / "SYSTEM_PROMPT.txt").write_text("Think, in [THINK] and [/THINK].")
    made = Prompts(MAGISTRAL, parse_state("Off"))
    tokenizer = tokenizer_with(BRACKETED, name=MAGISTRAL)
    made.settle(tokenizer, lambda name: (tmp_path / name).read_text())
    assert made.make(TEXT).text == f"[INST]{TEXT}[/INST]"
    facts = made.facts()
    assert facts is not None
    assert (facts.effective, facts.enforced, facts.system_message) == ("unforced", False, None)


def test_a_missing_file_is_a_fault_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFault) as caught:
        file_beside_the_weights(tmp_path)
    assert MAGISTRAL in caught.value.message
    assert "SYSTEM_PROMPT.txt" in caught.value.message
    assert caught.value.remedy


def test_outputs_are_told_apart_by_what_was_settled() -> None:
    opened = prompts("org/x", "On", templates.OPENS_THE_BLOCK)
    ids = tokens_of(opened._tokenizer, " we look</think> this is")
    assert opened.split(ids) == Split(3, 2)
    by_model = prompts("deepseek-ai/DeepSeek-R1-0528", "On", templates.IGNORES_EVERYTHING)
    assert by_model.split(ids) == Split(0, 5)
    assert by_model.split(tokens_of(by_model._tokenizer, "<think> we</think> this")) == Split(3, 1)
    closed = prompts("org/x", "Off", templates.ON_BY_DEFAULT)
    assert closed.split(tokens_of(closed._tokenizer, " this is my")) == Split(0, 3)


def test_marks_of_an_opened_block_end_it() -> None:
    """The vocabulary has other marks, and the template does not name the end of its own."""
    opened = prompts("org/x", "On", templates.OPENS_BRACKETS)
    ids = tokens_of(opened._tokenizer, " we look[/THINK] this is")
    assert opened.split(ids) == Split(len(ids) - 2, 2)


def test_a_family_that_cannot_reason_has_no_reasoning_tokens() -> None:
    made = prompts("moonshotai/Kimi-K2-Instruct", "Off", templates.IGNORES_EVERYTHING)
    assert made.split(tokens_of(made._tokenizer, " this is my")) == Split(0, 3)
    # It does so nevertheless: that is counted, and contradicts the state.
    assert made.split(tokens_of(made._tokenizer, "<think> we</think> this")) == Split(3, 1)


def test_where_nobody_knows_the_marks_nothing_is_told_apart() -> None:
    made = Prompts("org/x", parse_state("On"))
    assert made.split([1, 2, 3]) is None
    tokenizer = tokenizer_without_marks("{{ messages[-1].content }}")
    made.settle(tokenizer, no_file)
    assert made.split(tokens_of(tokenizer, "four")) is None
    found = made.split(tokens_of(tokenizer, "<think>x</think>four"))
    assert found == Split(len("<think>x</think>"), len("four"))


@pytest.mark.parametrize("state", [None, "On", "Off"])
@pytest.mark.parametrize("model", ["org/x", "deepseek-ai/DeepSeek-R1"])
def test_a_block_that_the_prompt_opened_counts_whatever_was_asked(
    model: str, state: str | None
) -> None:
    made = prompts(model, state, templates.OPENS_THE_BLOCK)
    output = tokens_of(tokenizer_with(None), "Water .</think>Ice .")
    found = made.split(output)
    assert found is not None
    assert found.reasoning > 0
    assert found.reasoning + found.answer == len(output)


@pytest.mark.parametrize("text", ["user", "assistant", "<|end|>", "e"])
def test_a_word_of_the_template_is_a_message_like_any_other(text: str) -> None:
    made = prompts("org/x", "Off", templates.TAKES_PARTS_ONLY)
    assert made.make(text).text == f"<|user|>{text}<|end|><|assistant|><think></think>"
