"""The block of reasoning in a prompt: whether the template has opened it, or closed it already."""

from collections.abc import Sequence
from typing import Literal

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import Marker

Block = Literal["opened", "closed"]


def text_after(prompt: str, message: str, model: str) -> str:
    """What a prompt has after the user's message; templates may speak of blocks before it.

    Raises:
        ReasoningFault: the message does not stand in the prompt as it was given.
    """
    _, found, after = prompt.rpartition(message)
    if not found:
        raise ReasoningFault(
            f"{model}: the chat template leaves the user's message out, or changes it",
            "Choose another revision of the model, or one whose template works.",
        )
    return after


def block_of(after: str, markers: Sequence[Marker]) -> Block | None:
    """How the text after the user's message leaves the block; None where it says nothing of it."""
    for marker in markers:
        begin, end = after.rfind(marker.begin), after.rfind(marker.end)
        if begin != end:
            return "opened" if begin > end else "closed"
    return None
