"""Chat templates of our own, one for each way in which templates treat reasoning, and tokenizers.

They use the words that the demo's tokenizer has as single tokens.
"""

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from demo.tiny_models import EFFORT_TEMPLATE, _tokenizer

_USER_TURNS = (
    "{% for message in messages if message.role == 'user' %}"
    "{{ '<|user|>' + message.content + '<|end|>' }}{% endfor %}"
)
_ALL_TURNS = (
    "{% for message in messages %}"
    "{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}{% endfor %}"
)


def answering(tail: str, turns: str = _USER_TURNS) -> str:
    """A template that writes the turns and begins the answer with `tail`, which is Jinja."""
    begin = "{{ '<|begin|>' }}"
    return f"{begin}{turns}{{% if add_generation_prompt %}}<|assistant|>{tail}{{% endif %}}"


_CLOSED = "{{ '<think></think>' }}"

ON_BY_DEFAULT = answering(
    "{% if enable_thinking is defined and not enable_thinking %}" + _CLOSED + "{% endif %}"
)
OFF_BY_DEFAULT = answering(
    "{% if enable_thinking is defined and enable_thinking is true %}{{ '<think>' }}"
    "{% else %}" + _CLOSED + "{% endif %}"
)
OTHER_SWITCH = answering("{{ '<think>' if thinking is defined and thinking else '</think>' }}")
NEITHER_BY_DEFAULT = answering(
    "{% if enable_thinking is defined %}"
    "{{ '<think>' if enable_thinking else '<think></think>' }}{% endif %}"
)
SWITCH_BEFORE_THE_MESSAGE = (
    "{{ '<|begin|><|system|>Deliberation: ' }}"
    "{{ 'enabled' if enable_thinking is defined and enable_thinking else 'disabled' }}"
    "{{ '<|end|>' }}" + _USER_TURNS + "<|assistant|>"
)

STRIPPED_SYSTEM_FLAG = (
    "{% set enable_thinking = true %}{% set said = namespace(system='', off=false) %}"
    "{% for message in messages if message.role == 'system' %}"
    "{% set said.off = '/no_think' in message.content %}"
    "{% set said.system = message.content.replace('/no_think', '') | trim %}{% endfor %}"
    "{{ '<|begin|><|system|>' + said.system + '<|end|>' }}"
    + _USER_TURNS
    + "<|assistant|>{% if said.off %}{{ '<think></think>' }}{% endif %}"
)
"""Only what comes after the user's message tells whether the flag was given."""

REPEATS_THE_SYSTEM_MESSAGE = answering("", _ALL_TURNS)
IGNORES_EVERYTHING = answering("")
OPENS_THE_BLOCK = answering("{{ '<think>' }}")
OPENS_BRACKETS = answering("{{ '[THINK]' }}")
CLOSES_THE_BLOCK = answering(_CLOSED)

LEVELS = (
    "{{ '<|start|>system<|message|>Reasoning: ' + (reasoning_effort | default('medium')) }}"
    "{{ '<|end|>' }}{% for message in messages %}"
    "{{ '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' }}{% endfor %}"
    "{# <|channel|>analysis<|message|>, then <|channel|>final<|message|> #}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
LEVELS_BELOW_THE_SWITCH = EFFORT_TEMPLATE
LOW_AND_HIGH_ONLY = answering(
    "{{ '<|effort_high|>' if reasoning_effort | default('low') == 'high' else '<|effort_low|>' }}"
)

RAISES_ALWAYS = "{{ raise_exception('I want two messages') }}"
RAISES_ON_A_SYSTEM_MESSAGE = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system message, please') }}"
    "{% endif %}" + IGNORES_EVERYTHING
)
RAISES_ON_FALSE = (
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ raise_exception('I always think') }}{% endif %}" + ON_BY_DEFAULT
)
RAISES_ON_LEVELS = (
    "{% if reasoning_effort is defined %}{{ raise_exception('no levels, please') }}{% endif %}"
    + ON_BY_DEFAULT
)
IS_NO_JINJA = "{% if %}"

LEAVES_THE_MESSAGE_OUT = "{{ '<|begin|><|user|>Hello.<|end|><|assistant|>' }}"
CHANGES_THE_MESSAGE = answering("").replace("message.content", "message.content | upper")
CUTS_THE_MESSAGE = (
    "<|begin|>{% for message in messages %}<|user|>{{ message.content[:5] }}<|end|>{% endfor %}"
    "<|assistant|>"
)
_PARTS = "{% for part in message.content %}{{ part.text }}{% endfor %}"
TAKES_PARTS_ONLY = (
    "{% for message in messages %}<|{{ message.role }}|>" + _PARTS + "<|end|>{% endfor %}"
    "<|assistant|>{% if enable_thinking is defined and not enable_thinking %}<think></think>"
    "{% endif %}"
)
DEMANDS_PARTS = (
    "{% if messages[0].content is string %}{{ raise_exception('parts, please') }}{% endif %}"
    + TAKES_PARTS_ONLY
)
KEEPS_THE_FIRST_MESSAGE_ONLY = "{{ '<|user|>' + messages[0].content + '<|end|><|assistant|>' }}"
TELLS_THE_DATE = "{{ '<|system|>Today: ' + strftime_now('%d %B %Y') }}" + ON_BY_DEFAULT
DRAWS_LOTS = "{{ range(99999) | random ~ ' ' ~ range(99999) | random }}" + IGNORES_EVERYTHING


@cache
def _plain_tokenizer() -> Any:
    return _tokenizer("")


def tokenizer_with(
    template: str | None, special: Sequence[str] = (), name: str = "org/words"
) -> Any:
    """A real tokenizer with that template; `special` become single tokens of its own."""
    tokenizer = copy.deepcopy(_plain_tokenizer())
    tokenizer.chat_template = template
    tokenizer.name_or_path = name
    if special:
        tokenizer.add_tokens(list(special), special_tokens=True)
    return tokenizer


def tokenizer_without_marks(template: str | None) -> Any:
    """One whose vocabulary has no word for a beginning or an end of reasoning."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={byte: at for at, byte in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=core)
    tokenizer.chat_template = template
    return tokenizer


def save_tokenizer(folder: Path, template: str | None) -> Path:
    """A model's folder that has a tokenizer and no weights."""
    tokenizer_with(template).save_pretrained(folder)
    return folder


def tokens_of(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
