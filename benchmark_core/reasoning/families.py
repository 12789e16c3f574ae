"""How each family of text models is told to reason or not. This is data; the code knows no family.

A row says which ids belong to the family, what a prompt without any switch gives, and the ways in
which the prompt can ask for something else. Rows are tried from the first to the last, so the most
specific come first. Adding a family is adding a row, and a line in the table of its tests.

`evidence` says how the row is known:

    rendered     from a copy of the model's own chat template
    edited copy  rendered from an edited copy or from a sibling's template: rely on the markers
    documented   by the vendor or the maintainers only; not rendered
"""

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final, Literal

from benchmark_core.contract import Effort

Effective = Literal["on", "off", "none", "unforced"]
"""How a model answers a prompt: it reasons, it does not, it cannot, or nobody told it."""

Mechanism = Literal[
    "template_switch", "system_message", "user_flag", "always_on", "none", "raw_text"
]

Evidence = Literal["rendered", "edited copy", "documented"]


@dataclass(frozen=True)
class Instruction:
    """What a prompt is given so that the model reasons, or does not.

    `kwargs` are variables of the chat template, with values of the type that templates test for.
    `system` is a system message; `system_file` names a file beside the weights that holds it.
    `user_prefix` stands directly before the user's text.
    """

    kwargs: dict[str, bool | str] = field(default_factory=dict)
    system: str | None = None
    system_file: str | None = None
    user_prefix: str = ""


NOTHING: Final = Instruction()


@dataclass(frozen=True)
class Way:
    """One way to switch reasoning on and off; None where that side has no instruction.

    `shows` is where a working switch shows in the prompt. A system message that a template merely
    repeats shows anywhere, so one that the template is to obey has to change what comes after the
    user's message.
    """

    on: Instruction | None
    off: Instruction | None
    shows: Literal["anywhere", "after_message"] = "anywhere"

    @property
    def mechanism(self) -> Mechanism:
        sides = [side for side in (self.on, self.off) if side is not None]
        if any(side.kwargs for side in sides):
            return "template_switch"
        if any(side.user_prefix for side in sides):
            return "user_flag"
        return "system_message"


@dataclass(frozen=True)
class Marker:
    """What begins and what ends the reasoning in a model's output."""

    begin: str
    end: str


@dataclass(frozen=True)
class Family:
    """One row of the table.

    `ids` is a regular expression for the whole id, whatever its case. `unswitched` is what a prompt
    without any switch gives. A `raw` family is given the text as it is, for want of a chat template
    that it was trained on. Of `ways` the first is used whose two sides show in the prompt.
    `level_switch` is the template variable that takes one of `levels`; a plain On takes
    `plain_level`. `marker` is None for a family that never reasons. A family with `own_format` is
    rendered by some servers in their own way, and not by its template. The weights of a `packed`
    one are published in less than two bytes each.
    """

    name: str
    ids: str
    unswitched: Effective
    raw: bool = False
    ways: tuple[Way, ...] = ()
    levels: tuple[Effort, ...] = ()
    level_switch: str | None = None
    plain_level: Effort | None = None
    marker: Marker | None = None
    own_format: bool = False
    packed: bool = False
    evidence: Evidence = "rendered"
    note: str = ""

    @property
    def can_reason(self) -> bool:
        return self.unswitched != "none"

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Those to look for; every one there is where nobody knows the family's own."""
        return (self.marker,) if self.marker else MARKERS

    def mechanism(self, way: Way | None) -> Mechanism:
        """What reasoning hangs on where that way is used, None for none of them."""
        if self.raw:
            return "raw_text"
        if way is not None:
            return way.mechanism
        if self.levels:
            return "template_switch"
        return "always_on" if self.unswitched == "on" else "none"


@lru_cache(maxsize=4096)
def family_of(model_id: str) -> Family | None:
    """The family of a full id such as `org/name`, None when the table does not have it."""
    return next((family for form, family in _forms() if form.fullmatch(model_id)), None)


@cache
def _forms() -> tuple[tuple[re.Pattern[str], Family], ...]:
    return tuple((re.compile(family.ids, re.IGNORECASE), family) for family in FAMILIES)


def template_variable(name: str) -> Way:
    return Way(on=Instruction(kwargs={name: True}), off=Instruction(kwargs={name: False}))


THINK: Final = Marker("<think>", "</think>")
CHANNELS: Final = Marker("<|channel|>analysis", "<|channel|>final<|message|>")
BRACKETS: Final = Marker("[THINK]", "[/THINK]")
INNER: Final = Marker("<|inner_prefix|>", "<|inner_suffix|>")
MARKERS: Final = (CHANNELS, INNER, BRACKETS, THINK)
"""Every marker there is, for models that no row is about; the most telling ones first."""

ENABLE_THINKING: Final = template_variable("enable_thinking")
THINKING: Final = template_variable("thinking")
SYSTEM_FLAG: Final = Way(on=NOTHING, off=Instruction(system="/no_think"), shows="after_message")
USER_FLAG: Final = Way(
    on=Instruction(user_prefix="/think"), off=Instruction(user_prefix="/no_think")
)

_SIZE: Final = r"[\d.]+[BM]"

FAMILIES: Final[tuple[Family, ...]] = (
    Family(
        name="gpt-oss",
        ids=r"openai/gpt-oss-(20b|120b)",
        unswitched="on",
        levels=("low", "medium", "high"),
        level_switch="reasoning_effort",
        plain_level="medium",
        marker=CHANNELS,
        own_format=True,
        packed=True,
        note="Harmony format. There is no off: a prompt that says nothing asks for medium.",
    ),
    Family(
        name="Qwen3-Next Thinking",
        ids=r"Qwen/Qwen3-Next-80B-A3B-Thinking(-FP8)?",
        unswitched="on",
        marker=THINK,
        note="The template opens the block and has no switch.",
    ),
    Family(
        name="Qwen3-Next Instruct",
        ids=r"Qwen/Qwen3-Next-80B-A3B-Instruct(-FP8)?",
        unswitched="none",
        note="Never reasons; the template has no switch.",
    ),
    Family(
        name="Qwen3 hybrid",
        ids=rf"Qwen/Qwen3-{_SIZE}(-A{_SIZE})?(-FP8|-AWQ|-GPTQ-Int[48])?",
        unswitched="on",
        ways=(ENABLE_THINKING,),
        marker=THINK,
    ),
    Family(
        name="Qwen base",
        ids=rf"Qwen/(Qwen2\.5(-Coder|-Math)?-{_SIZE}|Qwen3-{_SIZE}(-A{_SIZE})?-Base)",
        raw=True,
        unswitched="none",
        evidence="documented",
        note="Base models; they inherit a chat template that they were not trained on.",
    ),
    Family(
        name="SmolLM3",
        ids=r"HuggingFaceTB/SmolLM3-3B",
        unswitched="on",
        ways=(ENABLE_THINKING,),
        marker=THINK,
        note="A system message of one's own would replace its instructions for reasoning.",
    ),
    Family(
        name="Phi-4-reasoning",
        ids=r"microsoft/Phi-4-reasoning-plus",
        unswitched="on",
        marker=THINK,
        note="Reasons by a system message that the template brings; a caller's is dropped.",
    ),
    Family(
        name="DeepSeek-R1",
        ids=rf"deepseek-ai/DeepSeek-R1(-Distill-(Llama|Qwen)-{_SIZE})?",
        unswitched="on",
        marker=THINK,
        note="The template opens the block after the assistant header and has no switch."
        " Distill-Qwen: rendered from an edited copy.",
    ),
    Family(
        name="DeepSeek-R1-0528",
        ids=r"deepseek-ai/DeepSeek-R1-0528",
        unswitched="on",
        marker=THINK,
        evidence="edited copy",
        note="The model opens the block itself.",
    ),
    Family(
        name="DeepSeek-V3.2-Exp",
        ids=r"deepseek-ai/DeepSeek-V3\.2-Exp",
        unswitched="off",
        ways=(THINKING,),
        marker=THINK,
        evidence="edited copy",
        note="The switch is called thinking; enable_thinking has no effect.",
    ),
    Family(
        name="DeepSeek-V3",
        ids=r"deepseek-ai/DeepSeek-V3(-0324)?",
        unswitched="none",
        evidence="edited copy",
    ),
    Family(
        name="EXAONE 4.0",
        ids=rf"LGAI-EXAONE/EXAONE-4\.0-{_SIZE}",
        unswitched="off",
        ways=(ENABLE_THINKING,),
        marker=THINK,
        note="Reasons only when asked. Rendered from the 1.2B model's template.",
    ),
    Family(
        name="Hunyuan dense",
        ids=rf"tencent/Hunyuan-{_SIZE}-Instruct",
        unswitched="on",
        ways=(ENABLE_THINKING, USER_FLAG),
        marker=THINK,
        evidence="documented",
        note="Where the template has no such variable, a flag directly before the user's text"
        " does it. The answer stands in <answer> tags, which count as answer.",
    ),
    Family(
        name="Nemotron Super v1.5",
        ids=r"nvidia/Llama-3_3-Nemotron-Super-49B-v1_5(-FP8)?",
        unswitched="on",
        ways=(SYSTEM_FLAG,),
        marker=THINK,
        note="The template overwrites enable_thinking, and strips the flag from the system"
        " message: only what follows the user's message tells.",
    ),
    Family(
        name="GLM-4.5 and 4.6",
        ids=r"zai-org/GLM-4\.(5|5-Air|6)(-FP8)?",
        unswitched="on",
        ways=(ENABLE_THINKING,),
        marker=THINK,
        note="Reasons unless told otherwise, so an Off has to be asked for.",
    ),
    Family(
        name="Gemma 3 base",
        ids=r"google/gemma-3-(270m|\d+b-pt)",
        raw=True,
        unswitched="none",
        evidence="documented",
    ),
    Family(
        name="Gemma 3 it",
        ids=r"google/gemma-3-(270m|\d+b)-it",
        unswitched="none",
    ),
    Family(
        name="Magistral Small",
        ids=r"mistralai/Magistral-Small-2507",
        unswitched="unforced",
        ways=(Way(on=Instruction(system_file="SYSTEM_PROMPT.txt"), off=None),),
        marker=BRACKETS,
        evidence="documented",
        note="Reasons when told to by the system message that ships beside the weights."
        " Without it, it may or may not.",
    ),
    Family(
        name="Mistral Nemo and Small 3.1",
        ids=r"mistralai/(Mistral-Nemo-Instruct-2407|Mistral-Small-3\.1-24B-Instruct-2503)",
        unswitched="none",
    ),
    Family(
        name="Granite 4.0",
        ids=r"ibm-granite/granite-4\.0-(micro|h-micro|h-tiny|h-small)",
        unswitched="none",
        note="The variable thinking belongs to 3.2 and 3.3.",
    ),
    Family(
        name="Kimi-K2",
        ids=r"moonshotai/Kimi-K2-Instruct",
        unswitched="none",
    ),
    Family(
        name="Apertus",
        ids=rf"swiss-ai/Apertus-{_SIZE}-Instruct-2509",
        unswitched="off",
        ways=(ENABLE_THINKING,),
        marker=INNER,
    ),
    Family(
        name="MiniMax-M1",
        ids=r"MiniMaxAI/MiniMax-M1-(40k|80k)",
        unswitched="on",
        marker=THINK,
        evidence="edited copy",
        note="Its maintainers say that it cannot be turned off.",
    ),
    Family(
        name="base models by their names",
        ids=r"[^/]+/.+(?-i:-Base)|ibm-granite/granite-.+-base|google/gemma-.+-pt",
        raw=True,
        unswitched="none",
        evidence="documented",
        note="By what their authors call them: base models continue a text and answer no message.",
    ),
)
