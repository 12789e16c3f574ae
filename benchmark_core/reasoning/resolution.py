"""A request and a family come together: what the prompt is given, and what will come of it. Pure.

The host asks this of the table when it plans; a run asks it again, of the table or of what it found
out about a model that the table does not have.
"""

from dataclasses import dataclass, replace

from benchmark_core.contract import Effort, ReasoningRequest
from benchmark_core.reasoning.families import NOTHING, Effective, Family, Instruction, family_of


@dataclass(frozen=True)
class Resolution:
    """`effective` is how the model will answer; `enforced` says whether that was asked for.

    `instructions` are what the prompt is given, one for each way of the family, in its order.
    """

    effective: Effective
    enforced: bool
    instructions: tuple[Instruction, ...]


def resolve(request: ReasoningRequest, family: Family) -> Resolution:
    """What the request means for the family."""
    sides = sides_of(family, request.thinking)
    if request.thinking and family.levels:
        sides = [at_level(side, family, request.effort) for side in sides or [NOTHING]]
    given = tuple(side or NOTHING for side in sides) or (NOTHING,)
    effective = family.unswitched
    if any(side is not None for side in sides):
        effective = "on" if request.thinking else "off"
    wanted = ("on",) if request.thinking else ("off", "none")
    return Resolution(effective, effective in wanted, given)


def sides_of(family: Family, thinking: bool) -> list[Instruction | None]:
    """What each way of the family has for reasoning, or for none."""
    return [way.on if thinking else way.off for way in family.ways]


def has_side(family: Family, thinking: bool) -> bool:
    """Whether the family has anything to say to a model that is to reason, or not to."""
    return any(side is not None for side in sides_of(family, thinking))


def at_level(side: Instruction | None, family: Family, effort: Effort | None) -> Instruction:
    """The instruction with a level beside it: the one asked for, or that of a plain On."""
    instruction, level = side or NOTHING, effort or family.plain_level
    if level is None or family.level_switch is None:
        return instruction
    return replace(instruction, kwargs={**instruction.kwargs, family.level_switch: level})


def reasons(model_id: str, request: ReasoningRequest | None) -> bool:
    """Whether a run gets the token limits of one that reasons.

    They follow the request, unless the table knows that the model cannot reason.
    """
    if request is None or not request.thinking:
        return False
    family = family_of(model_id)
    return family is None or family.can_reason


def missing_level(request: ReasoningRequest, family: Family) -> str | None:
    """What is wrong with a level that the family does not have; None where all is well.

    Measured without the level, the run would bear a wrong label. Of a family that cannot reason no
    level is expected.
    """
    level = request.effort
    if level is None or not family.can_reason or level in family.levels:
        return None
    levels = f"the levels {', '.join(family.levels)}" if family.levels else "no levels"
    return f"{request.state!r} asks for effort {level}, and the model has {levels}"
