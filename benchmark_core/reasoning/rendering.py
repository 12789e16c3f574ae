"""From a user's text to the prompt a model sees, through the tokenizer's own chat template."""

from typing import Any

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import Instruction


def render(tokenizer: Any, instruction: Instruction, text: str) -> str:
    """`text` as the one user message of a chat, with what the instruction adds to it.

    No other system message is sent than the instruction's: several families keep their own
    instructions for reasoning there. The prompt carries its special tokens already.

    Raises:
        ReasoningFault: the chat template does not work.
    """
    messages = [{"role": "user", "content": instruction.user_prefix + text}]
    if instruction.system is not None:
        messages.insert(0, {"role": "system", "content": instruction.system})
    try:
        prompt: str = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **instruction.kwargs
        )
    except Exception as error:
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        raise ReasoningFault(
            f"{name}: the chat template cannot render one user message{_given(instruction)}:"
            f" {error}",
            "Choose another revision of the model, or one whose template works.",
        ) from error
    return prompt


def has_template(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "chat_template", None))


def _given(instruction: Instruction) -> str:
    settings = [f"{name}={value!r}" for name, value in instruction.kwargs.items()]
    if instruction.system is not None:
        settings.append("a system message")
    return f" with {', '.join(settings)}" if settings else ""
