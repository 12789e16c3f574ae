"""From a user's text to the prompt a model sees, through the tokenizer's own chat template."""

from collections.abc import Callable
from typing import Any

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import Instruction


def render(tokenizer: Any, instruction: Instruction, text: str) -> str:
    """`text` as the one user message of a chat, with what the instruction adds to it.

    No other system message is sent than the instruction's: several families keep their own
    instructions for reasoning there. The prompt carries its special tokens already. A template that
    does not take a message as a text is given it as a list of one part.

    Raises:
        ReasoningFault: the chat template does not work.
    """
    try:
        prompt = _applied(tokenizer, instruction, text, _as_text)
    except Exception as error:
        in_parts = _in_parts(tokenizer, instruction, text)
        if in_parts is not None:
            return in_parts
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        raise ReasoningFault(
            f"{name}: the chat template cannot render one user message{_given(instruction)}:"
            f" {error}",
            "Choose another revision of the model, or one whose template works.",
        ) from error
    if text.strip() in prompt:
        return prompt
    return _in_parts(tokenizer, instruction, text) or prompt


def _in_parts(tokenizer: Any, instruction: Instruction, text: str) -> str | None:
    """The prompt of a template that takes the parts of a message only; None of any other."""
    try:
        prompt = _applied(tokenizer, instruction, text, _as_parts)
    except Exception:  # noqa: BLE001 - a template may raise anything
        return None
    is_printed_raw = str(_as_parts(instruction.user_prefix + text)) in prompt
    return prompt if text.strip() in prompt and not is_printed_raw else None


def _applied(
    tokenizer: Any, instruction: Instruction, text: str, content: Callable[[str], Any]
) -> str:
    messages = [{"role": "user", "content": content(instruction.user_prefix + text)}]
    if instruction.system is not None:
        messages.insert(0, {"role": "system", "content": content(instruction.system)})
    prompt: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, **instruction.kwargs
    )
    return prompt


def _as_text(text: str) -> str:
    return text


def _as_parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def has_template(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "chat_template", None))


def _given(instruction: Instruction) -> str:
    settings = [f"{name}={value!r}" for name, value in instruction.kwargs.items()]
    if instruction.system is not None:
        settings.append("a system message")
    return f" with {', '.join(settings)}" if settings else ""
