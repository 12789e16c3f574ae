"""The proof, before anything is measured, that the prompt asks for what the run is labelled with.

Templates take unknown variables without a word, so that nothing went wrong proves nothing. One
message is rendered for the state of the run and for its alternatives, and the prompts are compared.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmark_core.contract import ReasoningRequest
from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.block import Block, block_of, text_after
from benchmark_core.reasoning.families import NOTHING, Family, Instruction, Way
from benchmark_core.reasoning.probe import MESSAGE, works
from benchmark_core.reasoning.rendering import has_template, render
from benchmark_core.reasoning.resolution import (
    Resolution,
    at_level,
    has_side,
    missing_level,
    resolve,
)
from benchmark_core.reasoning.states import parse_state


@dataclass(frozen=True)
class Proof:
    """What the run gives its prompts. `way` is the family's way that was seen to work.

    `prompt` is the example message as the model would be given it, `block` how it leaves the block
    of reasoning. `prompts_sha256` has the state of the run and each of its alternatives.
    """

    resolution: Resolution
    way: Way | None
    instruction: Instruction
    prompt: str
    block: Block | None
    prompts_sha256: dict[str, str]


def prove(tokenizer: Any, family: Family, request: ReasoningRequest, model: str) -> Proof:
    """How the request is brought about with this tokenizer.

    Raises:
        ReasoningFault: it is not: the switch has no effect, there is no such level, or the prompt
            begins the answer otherwise than the state says.
        SpecFault: the state is none of a catalog's.
    """
    _refuse_wrong_label(request, model)
    resolution = resolve(request, family)
    if objection := missing_level(request, family):
        raise ReasoningFault(f"{model}: {objection}", "Write On as the row's state.")
    if family.raw:
        return Proof(resolution, None, NOTHING, MESSAGE, None, {})
    if not has_template(tokenizer):
        raise ReasoningFault(
            f"{model} has no chat template, and its family ({family.name}) answers chats only",
            "Name another revision, or a tokenizer that has one in the catalog's Processor column.",
        )
    if family.ways or family.levels:
        _refuse_unsteady(tokenizer, model)
    index, way = _working_way(tokenizer, family, request, model)
    instruction = resolution.instructions[index]
    prompt = render(tokenizer, instruction, MESSAGE)
    _refuse_level_without_effect(tokenizer, family, instruction, prompt, model)
    block = block_left(prompt, family, model)
    _refuse_contrary_block(resolution, block, request, model)
    return Proof(
        resolution, way, instruction, prompt, block, _hashes(tokenizer, family, way, prompt)
    )


def block_left(prompt: str, family: Family, model: str) -> Block | None:
    """How the example's prompt leaves the block of reasoning."""
    return block_of(text_after(prompt, MESSAGE, model), family.markers)


def _refuse_wrong_label(request: ReasoningRequest, model: str) -> None:
    """Raises SpecFault where the wording is none of a catalog's."""
    meant = parse_state(request.state)
    if (meant.thinking, meant.effort) != (request.thinking, request.effort):
        raise ReasoningFault(
            f"{model}: the run is labelled {request.state!r}, and asks for thinking"
            f" {request.thinking} with effort {request.effort or 'unstated'}",
            "Correct the reasoning of its spec.",
        )


def _refuse_unsteady(tokenizer: Any, model: str) -> None:
    """Where a template draws lots, that two prompts differ proves nothing."""
    if render(tokenizer, NOTHING, MESSAGE) != render(tokenizer, NOTHING, MESSAGE):
        raise ReasoningFault(
            f"{model}: the chat template gives another prompt each time it is asked, so that no"
            " comparison tells whether its switch works",
            "Choose another revision of the model, or one whose template works.",
        )


def _working_way(
    tokenizer: Any, family: Family, request: ReasoningRequest, model: str
) -> tuple[int, Way | None]:
    """The first way whose two sides differ in the prompt, with its place in the row."""
    if not has_side(family, request.thinking):
        return 0, next(iter(family.ways), None)
    for index, way in enumerate(family.ways):
        if works(tokenizer, way):
            return index, way
    # Where the template refuses one of the sides, or drops the message, this says why.
    for side in (family.ways[0].on, family.ways[0].off):
        text_after(render(tokenizer, side or NOTHING, MESSAGE), MESSAGE, model)
    raise ReasoningFault(
        f"{model}: the chat template gives the same prompt for On and Off, although the family"
        f" {family.name} is switched by it; nothing would tell {request.state!r} from its opposite",
        "Name the model's own revision, or the original's tokenizer in the catalog's Processor"
        " column.",
    )


def _refuse_level_without_effect(
    tokenizer: Any, family: Family, instruction: Instruction, prompt: str, model: str
) -> None:
    switch = family.level_switch
    if switch is None or switch not in instruction.kwargs:
        return
    for level in family.levels:
        other = Instruction(kwargs={**instruction.kwargs, switch: level})
        if other != instruction and render(tokenizer, other, MESSAGE) == prompt:
            raise ReasoningFault(
                f"{model}: the chat template gives the same prompt for the levels"
                f" {instruction.kwargs[switch]} and {level} of {switch}",
                "Name another revision of the model, or a tokenizer whose template knows levels in"
                " the catalog's Processor column.",
            )


def _refuse_contrary_block(
    resolution: Resolution, block: Block | None, request: ReasoningRequest, model: str
) -> None:
    contrary = {"on": "closed", "off": "opened", "none": "opened"}.get(resolution.effective)
    if block is not None and block == contrary:
        raise ReasoningFault(
            f"{model}: the chat template leaves the block of reasoning {block}, and the state"
            f" {request.state!r} of the row means that reasoning is {resolution.effective}",
            "Name another revision of the model: this template is not the one its family has.",
        )


def _hashes(tokenizer: Any, family: Family, way: Way | None, prompt: str) -> dict[str, str]:
    """The SHA-256 of the example's prompt in the state of the run and in every other."""
    hashes = {"run": _sha256(prompt)}
    for name, instruction in _alternatives(family, way):
        hashes[name] = _sha256(render(tokenizer, instruction, MESSAGE))
    return hashes


def _alternatives(family: Family, way: Way | None) -> Iterator[tuple[str, Instruction]]:
    yield "unswitched", NOTHING
    for name, side in (("on", way.on), ("off", way.off)) if way else ():
        instruction = side or NOTHING
        # A file that the run does not need was not read.
        if instruction.system_file is None or instruction.system is not None:
            yield name, instruction
    for level in family.levels:
        yield level, at_level(way.on if way else None, family, level)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
