"""Finds out from a tokenizer how a model that the table does not have is told to reason.

Nothing is guessed from the name. One message is rendered without any switch and then under every
switch that is in use; what changes the prompt is the switch.
"""

from dataclasses import replace
from typing import Any, Final

from benchmark_core.contract import Effort
from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.block import block_of, text_after
from benchmark_core.reasoning.families import (
    ENABLE_THINKING,
    MARKERS,
    NOTHING,
    SYSTEM_FLAG,
    THINKING,
    Effective,
    Family,
    Instruction,
    Marker,
    Way,
)
from benchmark_core.reasoning.rendering import has_template, render

PROBED_WAYS: Final = (ENABLE_THINKING, THINKING, SYSTEM_FLAG)
LEVEL_SWITCH: Final = "reasoning_effort"
LEVELS: Final[tuple[Effort, ...]] = ("low", "medium", "high")
MESSAGE: Final = "What is 2+2?"


def probe(tokenizer: Any, name: str) -> Family:
    """What the tokenizer tells, in the form of a row of the table.

    Raises:
        ReasoningFault: the chat template cannot render a plain message, or leaves it out.
    """
    if not has_template(tokenizer):
        return Family(name=name, ids="", unswitched="none", raw=True)
    bare = render(tokenizer, NOTHING, MESSAGE)
    after = text_after(bare, MESSAGE, name)
    way = next((way for way in PROBED_WAYS if works(tokenizer, way)), None)
    on = (way.on if way else None) or NOTHING
    has_levels = _has_levels(tokenizer, on)
    marker = _marker(tokenizer, after)
    return Family(
        name=name,
        ids="",
        unswitched=_unswitched(tokenizer, way, bare, after, has_levels, marker),
        ways=(way,) if way else (),
        levels=LEVELS if has_levels else (),
        level_switch=LEVEL_SWITCH if has_levels else None,
        marker=marker,
    )


def visible(tokenizer: Any, instruction: Instruction, way: Way) -> str | None:
    """What of a prompt can show that the way works.

    None where the template refuses to render, or leaves the user's message out.
    """
    try:
        text = render(tokenizer, instruction, MESSAGE)
    except ReasoningFault:
        return None
    _, found, after = text.rpartition(MESSAGE)
    if not found:
        return None
    return text if way.shows == "anywhere" else after


def works(tokenizer: Any, way: Way) -> bool:
    """Whether the two sides of a way differ in the prompt.

    On is rendered again after Off: a template that draws lots makes any two prompts differ. A
    message without an opposite has only to stand in the prompt: a template may bring it by itself.
    """
    if way.off is None and way.on is not None and way.on.system:
        return way.on.system.strip() in (visible(tokenizer, way.on, way) or "")
    on, off, again = (
        visible(tokenizer, side or NOTHING, way) for side in (way.on, way.off, way.on)
    )
    return on is not None and off is not None and on == again != off


def _has_levels(tokenizer: Any, on: Instruction) -> bool:
    low, high, again = (_at_level(tokenizer, on, level) for level in ("low", "high", "low"))
    return low == again != high


def _at_level(tokenizer: Any, on: Instruction, level: Effort) -> str | None:
    try:
        leveled = replace(on, kwargs={**on.kwargs, LEVEL_SWITCH: level})
        return render(tokenizer, leveled, MESSAGE)
    except ReasoningFault:
        return None


def _unswitched(
    tokenizer: Any,
    way: Way | None,
    bare: str,
    after: str,
    has_levels: bool,
    marker: Marker | None,
) -> Effective:
    """What a prompt without any switch gives."""
    if way is not None:
        sides: tuple[tuple[Effective, Instruction | None], ...] = (("on", way.on), ("off", way.off))
        for name, side in sides:
            if side is not None and render(tokenizer, side, MESSAGE) == bare:
                return name
        return "unforced"
    if has_levels or block_of(after, MARKERS) == "opened":
        return "on"
    return "none" if marker is None else "unforced"


def _marker(tokenizer: Any, after: str) -> Marker | None:
    """The marker whose block the prompt leaves open or closed; else the first known one.

    Known is what the template speaks of, and then what the vocabulary has.
    """
    shown = (marker for marker in MARKERS if block_of(after, (marker,)) is not None)
    template, vocabulary = str(tokenizer.chat_template), tokenizer.get_vocab()
    in_template = (marker for marker in MARKERS if marker.end in template)
    in_vocabulary = (marker for marker in MARKERS if marker.end in vocabulary)
    return next(shown, None) or next(in_template, None) or next(in_vocabulary, None)
