"""Before anything is measured: does the prompt ask for what the run is labelled with?"""

import pytest

from benchmark_core.contract import Effort, ReasoningRequest
from benchmark_core.faults import ReasoningFault, SpecFault
from benchmark_core.reasoning.families import NOTHING, family_of
from benchmark_core.reasoning.probe import MESSAGE, probe
from benchmark_core.reasoning.proof import Proof, prove
from benchmark_core.reasoning.states import parse_state
from tests.support import chat_templates as templates
from tests.support.chat_templates import tokenizer_with

SWITCHED = "Qwen/Qwen3-0.6B"
OPT_IN = "LGAI-EXAONE/EXAONE-4.0-32B"
OTHER_NAME = "deepseek-ai/DeepSeek-V3.2-Exp"
LEVELED = "openai/gpt-oss-20b"
BY_SYSTEM = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
ALWAYS_ON = "deepseek-ai/DeepSeek-R1"
CANNOT = "google/gemma-3-1b-it"
BASE = "google/gemma-3-1b-pt"
TWO_WAYS = "tencent/Hunyuan-1.8B-Instruct"

PLAIN = "<|begin|><|user|>What is 2+2?<|end|><|assistant|>"


def proof_of(template: str | None, model: str, state: str) -> Proof:
    tokenizer = tokenizer_with(template, name=model)
    family = family_of(model) or probe(tokenizer, model)
    return prove(tokenizer, family, parse_state(state), model)


def refusal(template: str | None, model: str, state: str) -> str:
    """What is said, once it is clear that the model and a remedy are named."""
    with pytest.raises(ReasoningFault) as caught:
        proof_of(template, model, state)
    assert model in caught.value.message
    assert caught.value.remedy.endswith(".")
    return caught.value.message


@pytest.mark.parametrize(
    ("template", "model", "state", "prompt", "block"),
    [
        (templates.ON_BY_DEFAULT, SWITCHED, "On", PLAIN, None),
        (templates.ON_BY_DEFAULT, SWITCHED, "Off", PLAIN + "<think></think>", "closed"),
        (templates.ON_BY_DEFAULT, SWITCHED, "Off (N/A)", PLAIN + "<think></think>", "closed"),
        (templates.OFF_BY_DEFAULT, OPT_IN, "On", PLAIN + "<think>", "opened"),
        (templates.OFF_BY_DEFAULT, OPT_IN, "Off", PLAIN + "<think></think>", "closed"),
        (templates.OTHER_SWITCH, OTHER_NAME, "On", PLAIN + "<think>", "opened"),
        (templates.OTHER_SWITCH, OTHER_NAME, "Off", PLAIN + "</think>", "closed"),
        (templates.OPENS_THE_BLOCK, ALWAYS_ON, "On", PLAIN + "<think>", "opened"),
        (templates.OPENS_THE_BLOCK, ALWAYS_ON, "Off", PLAIN + "<think>", "opened"),
        (templates.IGNORES_EVERYTHING, ALWAYS_ON, "On", PLAIN, None),
        (templates.IGNORES_EVERYTHING, CANNOT, "Off (N/A)", PLAIN, None),
        (templates.IGNORES_EVERYTHING, CANNOT, "On", PLAIN, None),
        # A model whose family never reasons may close a block; it says nothing wrong.
        (templates.CLOSES_THE_BLOCK, CANNOT, "Off", PLAIN + "<think></think>", "closed"),
        (templates.LEVELS_BELOW_THE_SWITCH, SWITCHED, "On", PLAIN, None),
    ],
)
def test_a_known_family_gets_the_prompt_of_its_state(
    template: str, model: str, state: str, prompt: str, block: str | None
) -> None:
    found = proof_of(template, model, state)
    assert (found.prompt, found.block) == (prompt, block)


@pytest.mark.parametrize(
    ("template", "state", "effective", "enforced", "tail", "block"),
    [
        (templates.ON_BY_DEFAULT, "Off", "off", True, "<think></think>", "closed"),
        (templates.OFF_BY_DEFAULT, "On", "on", True, "<think>", "opened"),
        (templates.OTHER_SWITCH, "On", "on", True, "<think>", "opened"),
        (templates.NEITHER_BY_DEFAULT, "Off", "off", True, "<think></think>", "closed"),
        (templates.OPENS_THE_BLOCK, "On", "on", True, "<think>", "opened"),
        (templates.OPENS_THE_BLOCK, "Off", "on", False, "<think>", "opened"),
        (templates.IGNORES_EVERYTHING, "On", "unforced", False, "", None),
        (templates.IGNORES_EVERYTHING, "Off", "unforced", False, "", None),
        (templates.LEVELS_BELOW_THE_SWITCH, "On", "on", True, "", None),
        (
            templates.LEVELS_BELOW_THE_SWITCH,
            "On (High)",
            "on",
            True,
            "<think><|effort_high|>",
            "opened",
        ),
        (templates.LEVELS_BELOW_THE_SWITCH, "Off", "off", True, "<think></think>", "closed"),
    ],
)
def test_a_stranger_gets_the_prompt_that_the_probe_found(
    template: str, state: str, effective: str, enforced: bool, tail: str, block: str | None
) -> None:
    found = proof_of(template, "org/stranger", state)
    assert (found.resolution.effective, found.resolution.enforced) == (effective, enforced)
    assert (found.prompt, found.block) == (PLAIN + tail, block)


@pytest.mark.parametrize("model", [BY_SYSTEM, "org/stranger"])
def test_a_flag_that_the_template_strips_is_proven_by_what_follows_the_message(model: str) -> None:
    on = proof_of(templates.STRIPPED_SYSTEM_FLAG, model, "On")
    off = proof_of(templates.STRIPPED_SYSTEM_FLAG, model, "Off")
    assert (on.instruction, on.block) == (NOTHING, None)
    assert (off.instruction.system, off.block) == ("/no_think", "closed")
    assert "/no_think" not in off.prompt
    assert off.prompt == on.prompt + "<think></think>"


@pytest.mark.parametrize("model", [LEVELED, "org/stranger"])
@pytest.mark.parametrize("level", ["Low", "Medium", "High"])
def test_a_level_stands_in_the_prompt_once(model: str, level: str) -> None:
    found = proof_of(templates.LEVELS, model, f"On ({level})")
    assert found.prompt.count("Reasoning: ") == 1
    assert f"Reasoning: {level.lower()}<" in found.prompt
    assert found.instruction.kwargs == {"reasoning_effort": level.lower()}
    assert (found.resolution.effective, found.resolution.enforced) == ("on", True)


def test_off_of_a_model_with_levels_is_its_default_and_is_not_enforced() -> None:
    found = proof_of(templates.LEVELS, LEVELED, "Off (N/A)")
    assert "Reasoning: medium" in found.prompt
    assert found.instruction == NOTHING
    assert (found.resolution.effective, found.resolution.enforced) == ("on", False)


def test_the_second_way_of_a_family_is_taken_where_the_first_does_nothing() -> None:
    by_variable = proof_of(templates.ON_BY_DEFAULT, TWO_WAYS, "Off")
    by_flag = proof_of(templates.IGNORES_EVERYTHING, TWO_WAYS, "Off")
    assert by_variable.instruction.kwargs == {"enable_thinking": False}
    assert by_variable.instruction.user_prefix == ""
    assert by_flag.instruction.kwargs == {}
    assert by_flag.instruction.user_prefix == "/no_think"
    assert f"<|user|>/no_think{MESSAGE}<|end|>" in by_flag.prompt
    on = proof_of(templates.IGNORES_EVERYTHING, TWO_WAYS, "On")
    assert f"<|user|>/think{MESSAGE}<|end|>" in on.prompt


def test_a_base_model_needs_no_template_and_ignores_one() -> None:
    for template in (None, templates.ON_BY_DEFAULT, templates.RAISES_ALWAYS):
        found = proof_of(template, BASE, "Off (N/A)")
        assert (found.prompt, found.block, found.instruction) == (MESSAGE, None, NOTHING)


@pytest.mark.parametrize("state", ["On", "Off"])
@pytest.mark.parametrize(
    ("template", "model"),
    [
        (templates.IGNORES_EVERYTHING, SWITCHED),
        (templates.ON_BY_DEFAULT, OTHER_NAME),
        (templates.OTHER_SWITCH, SWITCHED),
        (templates.REPEATS_THE_SYSTEM_MESSAGE, BY_SYSTEM),
        (templates.OPENS_THE_BLOCK, OPT_IN),
        (templates.CLOSES_THE_BLOCK, OPT_IN),
        (templates.KEEPS_THE_FIRST_MESSAGE_ONLY, BY_SYSTEM),
    ],
)
def test_a_template_that_ignores_the_switch_is_refused(
    template: str, model: str, state: str
) -> None:
    said = refusal(template, model, state)
    assert "the same prompt for On and Off" in said or "leaves the user's message out" in said


def test_chance_in_the_template_does_not_pass_for_a_switch() -> None:
    """Every prompt of it differs from every other, so that they differ proves nothing."""
    for model in (SWITCHED, LEVELED):
        assert refusal(templates.DRAWS_LOTS, model, "On")


def test_a_switch_with_values_as_text_would_not_pass() -> None:
    """For such a template the text "false" is true, so only real truth values prove it."""
    found = proof_of(templates.ON_BY_DEFAULT, SWITCHED, "Off")
    assert found.instruction.kwargs["enable_thinking"] is False


def test_a_chat_model_without_a_template_is_refused() -> None:
    for model in (SWITCHED, ALWAYS_ON, CANNOT, LEVELED):
        assert "has no chat template" in refusal(None, model, "Off")


def test_a_template_that_raises_is_refused_with_its_own_words() -> None:
    assert "I want two messages" in refusal(templates.RAISES_ALWAYS, SWITCHED, "On")
    assert "I want two messages" in refusal(templates.RAISES_ALWAYS, CANNOT, "Off")
    for state in ("On", "Off"):
        said = refusal(templates.RAISES_ON_FALSE, SWITCHED, state)
        assert "with enable_thinking=False: I always think" in said
        said = refusal(templates.RAISES_ON_A_SYSTEM_MESSAGE, BY_SYSTEM, state)
        assert "with a system message: no system message, please" in said


@pytest.mark.parametrize(
    ("template", "model", "said"),
    [
        (templates.ON_BY_DEFAULT, SWITCHED, "'On (High)' asks for effort high"),
        (templates.OPENS_THE_BLOCK, ALWAYS_ON, "has no levels"),
        (templates.ON_BY_DEFAULT, "org/stranger", "has no levels"),
    ],
)
def test_a_level_that_the_model_does_not_have_is_refused(
    template: str, model: str, said: str
) -> None:
    assert said in refusal(template, model, "On (High)")


@pytest.mark.parametrize(
    ("state", "thinking", "effort"),
    [("Off", True, None), ("On", False, None), ("On (High)", True, "low"), ("On", True, "high")],
)
def test_a_label_that_says_otherwise_is_refused(
    state: str, thinking: bool, effort: Effort | None
) -> None:
    tokenizer = tokenizer_with(templates.LEVELS)
    family = family_of(LEVELED)
    assert family is not None
    request = ReasoningRequest(state=state, thinking=thinking, effort=effort)
    with pytest.raises(ReasoningFault, match=LEVELED) as caught:
        prove(tokenizer, family, request, LEVELED)
    assert repr(state) in caught.value.message
    assert caught.value.remedy


def test_a_state_that_is_none_is_refused() -> None:
    family = family_of(SWITCHED)
    assert family is not None
    request = ReasoningRequest(state="Maybe", thinking=True)
    with pytest.raises(SpecFault, match="'Maybe' is not known"):
        prove(tokenizer_with(templates.ON_BY_DEFAULT), family, request, SWITCHED)


def test_levels_without_effect_are_refused() -> None:
    said = refusal(templates.IGNORES_EVERYTHING, LEVELED, "On (High)")
    assert "the same prompt for the levels high and low of reasoning_effort" in said
    said = refusal(templates.LOW_AND_HIGH_ONLY, LEVELED, "On (Medium)")
    assert "medium and low" in said
    assert proof_of(templates.LOW_AND_HIGH_ONLY, LEVELED, "On (High)").block is None


@pytest.mark.parametrize(
    ("template", "model", "state", "said"),
    [
        (templates.CLOSES_THE_BLOCK, ALWAYS_ON, "On", "leaves the block of reasoning closed"),
        (templates.CLOSES_THE_BLOCK, ALWAYS_ON, "Off", "leaves the block of reasoning closed"),
        (templates.OPENS_THE_BLOCK, CANNOT, "Off", "leaves the block of reasoning opened"),
        (templates.OPENS_BRACKETS, CANNOT, "On", "leaves the block of reasoning opened"),
    ],
)
def test_a_block_that_is_contrary_to_the_family_is_refused(
    template: str, model: str, state: str, said: str
) -> None:
    assert said in refusal(template, model, state)


def test_a_switch_that_works_the_wrong_way_round_is_refused() -> None:
    twisted = templates.OFF_BY_DEFAULT.replace("is true", "is false")
    for state in ("On", "Off"):
        assert "leaves the block of reasoning" in refusal(twisted, OPT_IN, state)


@pytest.mark.parametrize(
    "template", [templates.LEAVES_THE_MESSAGE_OUT, templates.CHANGES_THE_MESSAGE]
)
@pytest.mark.parametrize("model", [ALWAYS_ON, CANNOT, "org/stranger"])
def test_a_template_that_does_not_carry_the_message_is_refused(template: str, model: str) -> None:
    assert "leaves the user's message out, or changes it" in refusal(template, model, "Off")


def test_the_hashes_tell_which_prompts_are_the_same() -> None:
    on = proof_of(templates.ON_BY_DEFAULT, SWITCHED, "On").prompts_sha256
    off = proof_of(templates.ON_BY_DEFAULT, SWITCHED, "Off").prompts_sha256
    assert set(on) == set(off) == {"run", "unswitched", "on", "off"}
    assert on["run"] == on["on"] == on["unswitched"] != on["off"]
    assert off["run"] == off["off"] != off["on"]
    assert {name: on[name] for name in ("on", "off")} == {name: off[name] for name in ("on", "off")}

    levels = proof_of(templates.LEVELS, LEVELED, "On (High)").prompts_sha256
    assert set(levels) == {"run", "unswitched", "low", "medium", "high"}
    assert levels["run"] == levels["high"]
    assert levels["unswitched"] == levels["medium"]
    assert len({levels[name] for name in ("low", "medium", "high")}) == 3


def test_what_a_template_says_before_the_users_message_is_no_block() -> None:
    """The message is looked for from the end: a template may quote it before."""
    quoting = "{{ messages[-1].content + '<think>' }}" + templates.IGNORES_EVERYTHING
    found = proof_of(quoting, CANNOT, "Off")
    assert found.block is None
    assert found.prompt == f"{MESSAGE}<think>{PLAIN}"
