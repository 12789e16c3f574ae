"""From a user's text to the prompt a model sees, through the tokenizer's own chat template."""

from collections.abc import Callable
from typing import Any

from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.families import Instruction
from benchmark_core.terminal_text import printable

Content = Callable[[str], Any]
"""From a text to the content of a message, in the form that a template takes."""

LONGEST_COMPLAINT = 300


def render(
    tokenizer: Any, instruction: Instruction, text: str, content: Content | None = None
) -> str:
    """`text` as the one user message of a chat, with what the instruction adds to it.

    No other system message is sent than the instruction's: several families keep their own
    instructions for reasoning there. The prompt carries its special tokens already. A template that
    does not take a message as a text is given it as a list of one part; which, `content_for` found
    out beforehand, and otherwise this text tells.

    Raises:
        ReasoningFault: the chat template does not work, or writes what is no text.
    """
    try:
        form = content or content_for(tokenizer, instruction, text)
        prompt = _applied(tokenizer, instruction, text, form)
        prompt.encode()  # half a surrogate pair cannot be hashed, stored or printed
    except Exception as error:
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        raise ReasoningFault(
            f"{name}: the chat template cannot render one user message{_given(instruction)}:"
            f" {_complaint(error)}",
            "Choose another revision of the model, or one whose template works.",
        ) from error
    return prompt


def content_for(tokenizer: Any, instruction: Instruction, example: str) -> Content:
    """How the template takes a message. The example has to be a text that no template has itself:
    a word such as `user` stands in a prompt that leaves the message out."""
    if _shows(tokenizer, instruction, example, _as_text):
        return _as_text
    return _as_parts if _shows(tokenizer, instruction, example, _as_parts) else _as_text


def _shows(tokenizer: Any, instruction: Instruction, text: str, content: Content) -> bool:
    """Whether the prompt has the text, and not the list of parts as the program would print it."""
    try:
        prompt = _applied(tokenizer, instruction, text, content)
    except Exception:  # noqa: BLE001 - a template may raise anything
        return False
    return text.strip() in prompt and str(_as_parts(instruction.user_prefix + text)) not in prompt


def _applied(tokenizer: Any, instruction: Instruction, text: str, content: Content) -> str:
    prompt: str = tokenizer.apply_chat_template(
        messages_of(instruction, text, content),
        tokenize=False,
        add_generation_prompt=True,
        **instruction.kwargs,
    )
    return prompt


def messages_of(instruction: Instruction, text: str, content: Content) -> list[dict[str, Any]]:
    """The chat that a template, or a server that has it, is given."""
    messages = [{"role": "user", "content": content(instruction.user_prefix + text)}]
    if instruction.system is not None:
        messages.insert(0, {"role": "system", "content": content(instruction.system)})
    return messages


def _as_text(text: str) -> str:
    return text


def _as_parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def has_template(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "chat_template", None))


def _complaint(error: Exception) -> str:
    """What the template says, or the kind of the error; shown on terminals and kept in tables."""
    text = " ".join(str(error)[: 2 * LONGEST_COMPLAINT].split()) or type(error).__name__
    return printable(text)[:LONGEST_COMPLAINT]


def _given(instruction: Instruction) -> str:
    settings = [f"{name}={value!r}" for name, value in instruction.kwargs.items()]
    if instruction.system is not None:
        settings.append("a system message")
    return f" with {', '.join(settings)}" if settings else ""
