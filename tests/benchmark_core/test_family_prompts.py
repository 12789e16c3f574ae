"""What the prompt of each family must and must not contain, through the command that prints it.

The templates are imitations: they show that ours asks for the right thing in the right place.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from benchmark_core.__main__ import FAILED, FINISHED, main
from tests.support import family_templates as like
from tests.support.chat_templates import save_tokenizer

TEXT = "What is 2+2?"
CHANNEL_RULE = (
    "# Valid channels: analysis, commentary, final. Channel must be included for every message."
)
EMPTY_THINK = "<think>\n\n</think>"
NO_REASONING = ("<think>", "</think>", "[THINK]")


class Must(NamedTuple):
    """What a prompt ends with, and what else it has, has not, and has not after the user's text."""

    ends: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    lacks_after: tuple[str, ...] = ()
    begins: str = ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save_tokenizer(tmp_path_factory.mktemp("tokenizer"), None)
    (folder / "SYSTEM_PROMPT.txt").write_text("Reason between [THINK] and [/THINK] first.")
    return folder


def harmony(level: str) -> Must:
    others = tuple(f"Reasoning: {other}" for other in ("low", "medium", "high") if other != level)
    return Must("<|start|>assistant", (f"Reasoning: {level}\n", CHANNEL_RULE), others)


GPT, QWEN, SMOL = "openai/gpt-oss-20b", "Qwen/Qwen3-30B-A3B", "HuggingFaceTB/SmolLM3-3B"
R1, R1_0528 = "deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1-0528"
V32, EXAONE = "deepseek-ai/DeepSeek-V3.2-Exp", "LGAI-EXAONE/EXAONE-4.0-32B"
HUNYUAN, NEMOTRON = "tencent/Hunyuan-1.8B-Instruct", "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
GLM, APERTUS = "zai-org/GLM-4.6", "swiss-ai/Apertus-8B-Instruct-2509"
PHI, MINIMAX = "microsoft/Phi-4-reasoning-plus", "MiniMaxAI/MiniMax-M1-80k"
MAGISTRAL = "mistralai/Magistral-Small-2507"
HEADER = "<|start_header_id|>assistant<|end_header_id|>\n\n"

SAME_FOR_BOTH = {
    (PHI, like.BUILT_IN_SYSTEM): Must(
        "<|im_start|>assistant<|im_sep|>",
        lacks_after=("<think>",),
        begins="<|im_start|>system<|im_sep|>You are Phi",
    ),
    (R1, like.BAR_OPENING): Must(f"<｜User｜>{TEXT}<｜Assistant｜><think>\n", lacks=("</think>",)),
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", like.BAR_OPENING): Must(
        f"<｜User｜>{TEXT}<｜Assistant｜><think>\n"
    ),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", like.BAR_OPENING): Must(
        f"<｜User｜>{TEXT}<｜Assistant｜><think>\n"
    ),
    (R1_0528, like.BAR_PLAIN): Must(f"{TEXT}<｜Assistant｜>", lacks=("<think>",)),
    (MINIMAX, like.NAMED_TURNS): Must("ai name=helper\n", lacks=("<think>",)),
    ("Qwen/Qwen3-Next-80B-A3B-Thinking", like.OPENING): Must("<|im_start|>assistant\n<think>\n"),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", like.INSTRUCT): Must(
        "<|im_start|>assistant\n", lacks=NO_REASONING
    ),
    ("deepseek-ai/DeepSeek-V3", like.BAR_PLAIN): Must("<｜Assistant｜>", lacks=NO_REASONING),
    ("google/gemma-3-1b-it", like.START_OF_TURN): Must(
        "<start_of_turn>model\n", lacks=NO_REASONING
    ),
    ("mistralai/Mistral-Nemo-Instruct-2407", like.INST): Must(
        f"[INST]{TEXT}[/INST]", lacks=NO_REASONING
    ),
    ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", like.INST): Must(
        f"[INST]{TEXT}[/INST]", lacks=NO_REASONING
    ),
    ("ibm-granite/granite-4.0-micro", like.ROLES): Must(
        "<|start_of_role|>assistant<|end_of_role|>", lacks=NO_REASONING
    ),
    ("moonshotai/Kimi-K2-Instruct", like.IM_MIDDLE): Must(
        "<|im_assistant|>assistant<|im_middle|>", lacks=NO_REASONING
    ),
}
CASES = [
    (GPT, like.HARMONY, "On (High)", harmony("high")),
    (GPT, like.HARMONY, "On (Medium)", harmony("medium")),
    (GPT, like.HARMONY, "On (Low)", harmony("low")),
    (GPT, like.HARMONY, "On", harmony("medium")),
    (GPT, like.HARMONY, "Off (N/A)", harmony("medium")),
    (QWEN, like.HYBRID, "On", Must("<|im_start|>assistant\n", lacks=(EMPTY_THINK,))),
    (QWEN, like.HYBRID, "Off", Must(f"<|im_start|>assistant\n{EMPTY_THINK}\n\n")),
    (
        SMOL,
        like.SMALL_LM,
        "On",
        Must(
            "<|im_start|>assistant\n",
            ("Reasoning Mode: /think\n", "Think between <think> and </think>"),
            (EMPTY_THINK,),
        ),
    ),
    (
        SMOL,
        like.SMALL_LM,
        "Off",
        Must(f"<|im_start|>assistant\n{EMPTY_THINK}\n", ("Reasoning Mode: /no_think\n",)),
    ),
    (V32, like.BAR_SWITCHED, "On", Must("<｜Assistant｜><think>", lacks=("</think>",))),
    (V32, like.BAR_SWITCHED, "Off (N/A)", Must("<｜Assistant｜></think>", lacks=("<think>",))),
    (EXAONE, like.OPT_IN, "On", Must("[|assistant|]\n<think>\n", lacks=("</think>",))),
    (EXAONE, like.OPT_IN, "Off", Must(f"[|assistant|]\n{EMPTY_THINK}\n\n")),
    (HUNYUAN, like.HY_SWITCHED, "On", Must("<｜hy_Assistant｜>", lacks=("<think>", "/think"))),
    (
        HUNYUAN,
        like.HY_SWITCHED,
        "Off",
        Must(f"<｜hy_User｜>{TEXT}<｜hy_Assistant｜>{EMPTY_THINK}\n", lacks=("/no_think",)),
    ),
    (
        HUNYUAN,
        like.HY_FLAGGED,
        "On",
        Must("<｜hy_Assistant｜>", (f"<｜hy_User｜>/think{TEXT}",), ("<think>",)),
    ),
    (
        HUNYUAN,
        like.HY_FLAGGED,
        "Off",
        Must(f"<｜hy_User｜>/no_think{TEXT}<｜hy_Assistant｜>{EMPTY_THINK}\n"),
    ),
    (NEMOTRON, like.SYSTEM_FLAGGED, "On", Must(HEADER, lacks=("<think>",))),
    (
        NEMOTRON,
        like.SYSTEM_FLAGGED,
        "Off",
        Must(f"{HEADER}{EMPTY_THINK}\n\n", lacks=("/no_think",)),
    ),
    (GLM, like.AFTER_THE_TEXT, "On", Must("<|assistant|>", lacks=("/nothink", "<think>"))),
    (
        GLM,
        like.AFTER_THE_TEXT,
        "Off (N/A)",
        Must(f"{TEXT}/nothink<|assistant|>\n<think></think>"),
    ),
    (
        APERTUS,
        like.DELIBERATING,
        "On",
        Must("<|assistant_start|>", ("Deliberation: enabled",), ("Deliberation: disabled",)),
    ),
    (
        APERTUS,
        like.DELIBERATING,
        "Off (N/A)",
        Must("<|assistant_start|>", ("Deliberation: disabled",), ("Deliberation: enabled",)),
    ),
    (
        MAGISTRAL,
        like.INST,
        "On",
        Must(
            f"[INST]{TEXT}[/INST]",
            ("[SYSTEM_PROMPT]Reason between [THINK] and [/THINK] first.[/SYSTEM_PROMPT]",),
        ),
    ),
    (
        MAGISTRAL,
        like.INST,
        "Off (N/A)",
        Must(f"<s>[INST]{TEXT}[/INST]", lacks=("[SYSTEM_PROMPT]", "[THINK]")),
    ),
    *(
        (model, template, state, must)
        for (model, template), must in SAME_FOR_BOTH.items()
        for state in ("On", "Off")
    ),
]


def render(folder: Path, model: str, template: str, state: str, tmp_path: Path) -> int:
    file = tmp_path / "chat_template.jinja"
    file.write_text(template, encoding="utf-8")
    arguments = ["render", "--model", str(folder), "--as", model, "--state", state]
    return main([*arguments, "--chat-template", str(file), "--prompt", TEXT])


@pytest.mark.parametrize(
    ("model", "template", "state", "must"),
    [pytest.param(*case, id=f"{case[0]} {case[2]}") for case in CASES],
)
def test_the_prompt_has_what_it_must_have_and_no_more(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    template: str,
    state: str,
    must: Must,
) -> None:
    assert render(folder, model, template, state, tmp_path) == FINISHED
    text = capsys.readouterr().out
    assert text.endswith(must.ends)
    assert text.startswith(must.begins)
    assert text.count(TEXT) == 1
    for part in must.has:
        assert part in text
    for part in must.lacks:
        assert part not in text
    before, _, after = text.partition(TEXT)
    for part in must.lacks_after:
        assert part not in after
    # Nothing but a template's own instructions speaks of a block before the user's text.
    if model not in (SMOL, PHI):
        assert "<think>" not in before
    assert text.count("Reasoning: ") <= 1


@pytest.mark.parametrize("model", ["google/gemma-3-1b-pt", "Qwen/Qwen2.5-Coder-14B"])
def test_a_base_model_gets_the_text_and_nothing_else(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    assert render(folder, model, like.HYBRID, "Off (N/A)", tmp_path) == FINISHED
    assert capsys.readouterr().out == TEXT


@pytest.mark.parametrize(
    ("model", "template", "state"),
    [
        # Copies of the template that close the block themselves are in circulation.
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", like.BAR_REPAIRED, "On"),
        (NEMOTRON, like.HYBRID, "Off"),
        (V32, like.HYBRID, "Off"),
        (QWEN, like.BAR_SWITCHED, "Off"),
        (QWEN, like.INSTRUCT, "Off"),
        (GPT, like.HYBRID, "On (High)"),
        (APERTUS, like.START_OF_TURN, "On"),
        ("deepseek-ai/DeepSeek-V3", like.BAR_OPENING, "Off"),
    ],
)
def test_the_template_of_another_family_is_refused(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    template: str,
    state: str,
) -> None:
    assert render(folder, model, template, state, tmp_path) == FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {model}")
