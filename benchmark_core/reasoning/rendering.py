"""From a user's text to the prompt a model sees, through the tokenizer's own chat template."""

from dataclasses import dataclass
from typing import Any

from benchmark_core.contract import PromptForm, ReasoningRequest
from benchmark_core.faults import ModelFault


@dataclass(frozen=True)
class Rendered:
    """A prompt, and how it was made.

    A `chat` text carries its special tokens already: tokenise it with add_special_tokens=False.
    `template_kwargs` are the switches the template was given, none for a `raw` text.
    """

    text: str
    form: PromptForm
    template_kwargs: dict[str, bool | str]


def template_switches(request: ReasoningRequest | None) -> dict[str, bool | str]:
    """The request as template variables: real booleans, since templates take "false" for true."""
    if request is None:
        return {}
    switches: dict[str, bool | str] = {"enable_thinking": request.thinking}
    if request.effort is not None:
        switches["reasoning_effort"] = request.effort
    return switches


def render(tokenizer: Any, request: ReasoningRequest | None, text: str) -> Rendered:
    """`text` as the one user message of a chat; unchanged when the tokenizer has no template.

    No system message is added: several families keep their reasoning instructions there.

    Raises:
        ModelFault: the chat template does not work.
    """
    if not getattr(tokenizer, "chat_template", None):
        return Rendered(text, "raw", {})
    switches = template_switches(request)
    messages = [{"role": "user", "content": text}]
    try:
        prompt = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **switches
        )
    except Exception as error:
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        raise ModelFault(
            f"{name}: the chat template cannot render one user message: {error}",
            "Choose another revision of the model, or one whose template works.",
        ) from error
    return Rendered(prompt, "chat", switches)
