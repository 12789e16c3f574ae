"""What servers with OpenAI's interface understand beyond it: one line of a table for each kind.

What a server would ignore in silence is not sent to it; what it cannot be told is an error before
anything is measured.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmark_core.contract import TokenLimits

DialectName = Literal["vllm", "transformers", "openai"]
Switches = Mapping[str, bool | str]
Fields = dict[str, Any]

EFFORT = "reasoning_effort"
# A server fills in what a request leaves open from the checkpoint's own generation settings.
_GREEDY: Fields = {
    "temperature": 0.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}


class Unspeakable(Exception):
    """A setting that this kind of server has no words for. One line."""


@dataclass(frozen=True)
class Dialect:
    """The fields of a request, beside the model and the messages.

    `limits` says how long an answer is to be and that it is chosen greedily, `switches` how the
    chat template is set; `usage` makes a stream end with its token counts. `salt` is the field
    whose value keeps the server from reusing what it has computed for an equal prompt. With
    `own_formats`, families that have one are rendered by the server, and not by their template.
    """

    name: DialectName
    limits: Callable[[TokenLimits], Fields]
    switches: Callable[[Switches], Fields]
    usage: Fields
    salt: str | None = None
    own_formats: bool = False

    def fresh(self, value: str) -> Fields:
        """The fields that make every pass compute its prompts anew."""
        return {} if self.salt is None else {self.salt: value}


def _vllm_limits(limits: TokenLimits) -> Fields:
    return {
        **_GREEDY,
        "repetition_penalty": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "max_tokens": limits.max_new_tokens,
        # Holds back the end-of-text token until then.
        "min_tokens": limits.min_new_tokens,
        "return_token_ids": True,
    }


def _vllm_switches(switches: Switches) -> Fields:
    """Models with a format of their own take the effort beside the template's switches."""
    fields: Fields = {"chat_template_kwargs": dict(switches)} if switches else {}
    return fields | ({EFFORT: switches[EFFORT]} if EFFORT in switches else {})


def _transformers_limits(limits: TokenLimits) -> Fields:
    """`transformers serve` takes whole generation settings, in place of the checkpoint's."""
    settings = {
        "max_new_tokens": limits.max_new_tokens,
        "min_new_tokens": limits.min_new_tokens,
        "do_sample": False,
        "num_beams": 1,
        "repetition_penalty": 1.0,
    }
    return {"generation_config": json.dumps(settings)}


def _transformers_switches(switches: Switches) -> Fields:
    return {"chat_template_kwargs": dict(switches)} if switches else {}


def _openai_limits(limits: TokenLimits) -> Fields:
    if limits.min_new_tokens > 1:
        raise Unspeakable(f"at least {limits.min_new_tokens} new tokens")
    return {**_GREEDY, "max_tokens": limits.max_new_tokens}


def _openai_switches(switches: Switches) -> Fields:
    unknown = sorted(set(switches) - {EFFORT})
    if unknown:
        raise Unspeakable(f"{', '.join(unknown)} of the chat template")
    return dict(switches)


_USAGE: Fields = {"stream_options": {"include_usage": True}}

DIALECTS: dict[DialectName, Dialect] = {
    "vllm": Dialect(
        "vllm", _vllm_limits, _vllm_switches, _USAGE, salt="cache_salt", own_formats=True
    ),
    "transformers": Dialect("transformers", _transformers_limits, _transformers_switches, {}),
    "openai": Dialect("openai", _openai_limits, _openai_switches, _USAGE),
}


def recognised(models: list[dict[str, Any]], paths: set[str]) -> DialectName:
    """The dialect of a server by what it says of itself: its models, and its OpenAPI paths."""
    if any(model.get("owned_by") == "vllm" for model in models):
        return "vllm"
    return "transformers" if "/load_model" in paths else "openai"
