"""Reasoning asked for by `key=value` arguments, as users of the original write them.

scenario.reasoning=True scenario.reasoning_params.reasoning_effort=low
"""

from collections.abc import Sequence
from typing import Final

from benchmark_core.contract import ReasoningRequest
from benchmark_core.direct.assignments import Stated, contradiction, of_arguments
from benchmark_core.direct.keys import REASONING
from benchmark_core.reasoning.states import state_of

KEYS: Final = tuple(REASONING)


def parse_overrides(arguments: Sequence[str]) -> ReasoningRequest | None:
    """What the arguments ask for together; None without any.

    Raises:
        SpecFault: a key or a value is unknown, or two of them contradict each other.
    """
    stated = of_arguments(arguments, KEYS)
    if stated.faults:
        raise stated.faults[0]
    return requested(stated)


def requested(stated: Stated) -> ReasoningRequest | None:
    """What is stated of reasoning; a level asks for it too.

    Raises:
        SpecFault: a level of it, and none of it.
    """
    thinking, effort = stated.value("thinking"), stated.value("effort")
    if thinking is None and effort is None:
        return None
    if effort is not None and thinking is False:
        raise contradiction(stated.fields["thinking"][1], stated.fields["effort"][1])
    asked = thinking is not False
    return ReasoningRequest(state=state_of(asked, effort), thinking=asked, effort=effort)
