"""Reasoning asked for by `key=value` arguments, as users of the original write them.

    scenario.reasoning=True scenario.reasoning_params.reasoning_effort=low

Values are typed: True and False in any case are truth values, an effort is one of its levels, and
everything else is refused. A `+` or `++` before a key, which adds it there, changes nothing here.
"""

import difflib
from collections.abc import Sequence
from typing import Final, cast, get_args

from benchmark_core.contract import Effort, ReasoningRequest
from benchmark_core.faults import SpecFault
from benchmark_core.reasoning.states import state_of

_REASONING: Final = "scenario.reasoning"
_PARAMETERS: Final = "scenario.reasoning_params."
_EFFORT: Final = f"{_PARAMETERS}reasoning_effort"
_FLAGS: Final = (_REASONING, f"{_PARAMETERS}enable_thinking", f"{_PARAMETERS}thinking")
KEYS: Final = (*_FLAGS, _EFFORT)
_TRUTH: Final = {"true": True, "false": False}


def parse_overrides(arguments: Sequence[str]) -> ReasoningRequest | None:
    """What the arguments ask for together; None without any.

    Raises:
        SpecFault: a key or a value is unknown, or two of them contradict each other.
    """
    efforts: set[Effort] = set()
    flags: set[bool] = set()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        key = key.lstrip("+")
        if not equals or key not in KEYS:
            raise _unknown_key(argument, key)
        if key == _EFFORT:
            efforts.add(_effort(argument, value))
        else:
            flags.add(_truth(argument, value))
    if not efforts and not flags:
        return None
    thinking, effort = next(iter(flags), True), next(iter(efforts), None)
    if len(flags) > 1 or len(efforts) > 1 or (effort is not None and not thinking):
        raise SpecFault(
            f"{' '.join(arguments)[:200]} contradict each other",
            "Leave one of them out.",
        )
    return ReasoningRequest(state=state_of(thinking, effort), thinking=thinking, effort=effort)


def _truth(argument: str, value: str) -> bool:
    answer = _TRUTH.get(value.lower())
    if answer is None:
        raise SpecFault(f"{argument[:100]!r} is neither true nor false", "Write True or False.")
    return answer


def _effort(argument: str, value: str) -> Effort:
    levels = get_args(Effort)
    if value not in levels:
        raise SpecFault(f"{argument[:100]!r} is no level", f"Write one of: {', '.join(levels)}.")
    return cast("Effort", value)


def _unknown_key(argument: str, key: str) -> SpecFault:
    near = difflib.get_close_matches(key[:100], KEYS, n=1, cutoff=0.3)
    known = f"Did you mean {near[0]}=...?" if near else f"Known are: {', '.join(KEYS)}."
    return SpecFault(f"{argument[:100]!r} is not known", known)
