"""Templates of our own that treat reasoning as those of the families do, special words included.

They imitate what a prompt must and must not contain, and not the wording of their models.
"""

from typing import Final


def _chat(turn: str, tail: str, before: str = "") -> str:
    """`turn` writes one message, `before` and `tail` what surrounds them; all are Jinja."""
    turns = f"{{% for message in messages %}}{turn}{{% endfor %}}"
    return f"{before}{turns}{{% if add_generation_prompt %}}{tail}{{% endif %}}"


_OFF: Final = "enable_thinking is defined and enable_thinking is false"
_IM_TURN: Final = "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
_IM_ANSWER: Final = "{{ '<|im_start|>assistant\n' }}"
_SYSTEM: Final = (
    "{% set said = namespace(system='') %}"
    "{% for message in messages if message.role == 'system' %}"
    "{% set said.system = message.content %}{% endfor %}"
)
_NO_SYSTEM_TURN: Final = "{% if message.role == 'user' %}"

HARMONY: Final = _chat(
    "{% if message.role == 'system' %}"
    "{{ '<|start|>developer<|message|># Instructions\n\n' + message.content + '<|end|>' }}"
    "{% else %}{{ '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' }}"
    "{% endif %}",
    "{{ '<|start|>assistant' }}",
    "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}"
    "{{ '<|start|>system<|message|>You are a helper.\nCurrent date: ' + strftime_now('%Y-%m-%d') }}"
    "{{ '\n\nReasoning: ' + reasoning_effort + '\n\n# Valid channels: analysis, commentary, final."
    " Channel must be included for every message.<|end|>' }}",
)
HYBRID: Final = _chat(
    _IM_TURN, _IM_ANSWER + "{% if " + _OFF + " %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
)
OPENING: Final = _chat(_IM_TURN, _IM_ANSWER + "{{ '<think>\n' }}")
INSTRUCT: Final = _chat(_IM_TURN, _IM_ANSWER)
SMALL_LM: Final = _chat(
    _NO_SYSTEM_TURN + _IM_TURN + "{% endif %}",
    _IM_ANSWER + "{% if mode.off %}{{ '<think>\n\n</think>\n' }}{% endif %}",
    _SYSTEM + "{% set mode = namespace(off=" + _OFF + ") %}"
    "{% if '/no_think' in said.system %}{% set mode.off = true %}{% endif %}"
    "{% if '/think' in said.system %}{% set mode.off = false %}{% endif %}"
    "{{ '<|im_start|>system\n## Metadata\n\nToday Date: ' + strftime_now('%d %B %Y') }}"
    "{{ '\nReasoning Mode: ' + ('/no_think' if mode.off else '/think') + '\n\n' }}"
    "{% if said.system %}{{ said.system.replace('/no_think', '').replace('/think', '') }}"
    "{% elif mode.off %}{{ 'Answer at once.' }}"
    "{% else %}{{ 'Think between <think> and </think>, then answer.' }}{% endif %}{{ '\n' }}",
)
BUILT_IN_SYSTEM: Final = _chat(
    _NO_SYSTEM_TURN
    + "{{ '<|im_start|>user<|im_sep|>' + message.content + '<|im_end|>' }}{% endif %}",
    "{{ '<|im_start|>assistant<|im_sep|>' }}",
    "{{ '<|im_start|>system<|im_sep|>You are Phi, and think as in <think> {Thought} </think>"
    " {Answer}.<|im_end|>' }}",
)

_BAR_TURN: Final = (
    "{% if message.role == 'system' %}{{ message.content }}"
    "{% else %}{{ '<｜User｜>' + message.content }}{% endif %}"
)
_BAR_BEGIN: Final = "{{ '<｜begin▁of▁sentence｜>' }}"
_BAR_ANSWER: Final = "{{ '<｜Assistant｜>' }}"
BAR_PLAIN: Final = _chat(_BAR_TURN, _BAR_ANSWER, _BAR_BEGIN)
BAR_OPENING: Final = _chat(_BAR_TURN, _BAR_ANSWER + "{{ '<think>\n' }}", _BAR_BEGIN)
BAR_REPAIRED: Final = _chat(_BAR_TURN, _BAR_ANSWER + "{{ '<think>\n</think>' }}", _BAR_BEGIN)
BAR_SWITCHED: Final = _chat(
    _BAR_TURN,
    _BAR_ANSWER + "{% if thinking is defined and thinking %}{{ '<think>' }}"
    "{% else %}{{ '</think>' }}{% endif %}",
    _BAR_BEGIN,
)
OPT_IN: Final = _chat(
    "{{ '[|' + message.role + '|]\n' + message.content + '[|endofturn|]\n' }}",
    "{{ '[|assistant|]\n' }}"
    "{% if enable_thinking is defined and enable_thinking is true %}{{ '<think>\n' }}"
    "{% else %}{{ '<think>\n\n</think>\n\n' }}{% endif %}",
)
_HY_TURN: Final = "{{ '<｜hy_User｜>' + message.content }}"
HY_SWITCHED: Final = _chat(
    _HY_TURN,
    "{{ '<｜hy_Assistant｜>' }}{% if " + _OFF + " %}{{ '<think>\n\n</think>\n' }}{% endif %}",
    "{{ '<｜hy_begin▁of▁sentence｜>' }}",
)
HY_FLAGGED: Final = _chat(
    _HY_TURN,
    "{{ '<｜hy_Assistant｜>' }}{% if messages[-1].content.startswith('/no_think') %}"
    "{{ '<think>\n\n</think>\n' }}{% endif %}",
    "{{ '<｜hy_begin▁of▁sentence｜>' }}",
)
SYSTEM_FLAGGED: Final = _chat(
    _NO_SYSTEM_TURN + "{{ '<|start_header_id|>user<|end_header_id|>\n\n' + message.content }}"
    "{{ '<|eot_id|>' }}{% endif %}",
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% if not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}",
    _SYSTEM + "{% set enable_thinking = '/no_think' not in said.system %}"
    "{{ '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n' }}"
    "{{ said.system.replace('/no_think', '').replace('/think', '') | trim }}{{ '<|eot_id|>' }}",
)
AFTER_THE_TEXT: Final = _chat(
    "{{ '<|' + message.role + '|>\n' + message.content }}"
    "{% if message.role == 'user' and " + _OFF + " %}{{ '/nothink' }}{% endif %}",
    "{{ '<|assistant|>' }}{% if " + _OFF + " %}{{ '\n<think></think>' }}{% endif %}",
    "{{ '[gMASK]<sop>' }}",
)
START_OF_TURN: Final = _chat(
    "{{ '<start_of_turn>' + message.role + '\n' + message.content + '<end_of_turn>\n' }}",
    "{{ '<start_of_turn>model\n' }}",
    "{{ '<bos>' }}",
)
INST: Final = _chat(
    "{% if message.role == 'system' %}"
    "{{ '[SYSTEM_PROMPT]' + message.content + '[/SYSTEM_PROMPT]' }}"
    "{% else %}{{ '[INST]' + message.content + '[/INST]' }}{% endif %}",
    "",
    "{{ '<s>' }}",
)
ROLES: Final = _chat(
    "{{ '<|start_of_role|>' + message.role + '<|end_of_role|>' + message.content }}"
    "{{ '<|end_of_text|>\n' }}",
    "{{ '<|start_of_role|>assistant<|end_of_role|>' }}",
)
IM_MIDDLE: Final = _chat(
    "{{ '<|im_' + message.role + '|>' + message.role + '<|im_middle|>' + message.content }}"
    "{{ '<|im_end|>' }}",
    "{{ '<|im_assistant|>assistant<|im_middle|>' }}",
)
DELIBERATING: Final = _chat(
    "{{ '<|' + message.role + '_start|>' + message.content + '<|' + message.role + '_end|>' }}",
    "{{ '<|assistant_start|>' }}",
    "{{ '<s><|developer_start|>Deliberation: ' }}"
    "{{ 'enabled' if enable_thinking is defined and enable_thinking else 'disabled' }}"
    "{{ '\nTools: disabled<|developer_end|>' }}",
)
NAMED_TURNS: Final = _chat(
    "{{ '<beginning_of_sentence>' + message.role + ' name=' + message.role + '\n' }}"
    "{{ message.content + '<end_of_sentence>\n' }}",
    "{{ '<beginning_of_sentence>ai name=helper\n' }}",
)
