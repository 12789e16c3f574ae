"""The prompts of one run: settled once, before anything is measured, then made one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from benchmark_core.contract import PromptForm, ReasoningRequest
from benchmark_core.reasoning.facts import ReasoningFacts
from benchmark_core.reasoning.families import NOTHING, Family, Instruction, family_of
from benchmark_core.reasoning.probe import MESSAGE, probe
from benchmark_core.reasoning.proof import Proof, block_left, prove
from benchmark_core.reasoning.rendering import (
    Content,
    content_for,
    has_template,
    messages_of,
    render,
)
from benchmark_core.reasoning.resolution import has_side, resolve
from benchmark_core.reasoning.splitting import Split, split
from benchmark_core.reasoning.template_clock import TemplateClock

LONGEST_EXAMPLE = 20_000
"""Characters of the example prompt that a report keeps."""


@dataclass(frozen=True)
class Prompt:
    """A prompt, and how it was made.

    A `chat` text carries its special tokens already: tokenise it with add_special_tokens=False.
    `template_kwargs` are the switches the template was given, and `messages` the chat; none of
    either for a `raw` text. `own_format`: some servers render the chat in a way of their own.
    `template_day` is the day that the template took for today, None where it asks for none.
    """

    text: str
    form: PromptForm
    template_kwargs: dict[str, bool | str]
    messages: tuple[dict[str, Any], ...] | None = None
    own_format: bool = False
    template_day: date | None = None


class Prompts:
    """Knows the model by its full id and what is asked of it; the tokenizer comes with `settle`.

    Without a request the chat template is given no switch, and nothing is claimed or proven. Today
    is the day on which this was made, however long the run lasts.
    """

    def __init__(self, model_id: str, request: ReasoningRequest | None) -> None:
        self._model_id = model_id
        self._request = request
        self._family = family_of(model_id)
        self._is_known = self._family is not None
        self._clock = TemplateClock(date.today())
        self._tokenizer: Any = None
        self._proof: Proof | None = None
        self._instruction = NOTHING
        self._content: Content | None = None
        self._opened = False

    def settle(self, tokenizer: Any, read_file: Callable[[str], str]) -> None:
        """Find out how the request is brought about with this tokenizer, and prove it.

        `read_file` reads a text file that lies beside the model's weights.

        Raises:
            ReasoningFault: the prompt would not ask for what the run is labelled with.
            ModelFault: a file that the family needs is not there.
        """
        self._tokenizer = tokenizer
        self._clock.give_to(tokenizer)
        self._family = family = self._family or probe(tokenizer, self._model_id)
        if self._request is not None:
            if has_side(family, self._request.thinking):
                family = with_files(family, read_file)
            self._proof = prove(tokenizer, family, self._request, self._model_id)
            self._instruction = self._proof.instruction
        if not family.raw and has_template(tokenizer):
            self._content = content_for(tokenizer, self._instruction, MESSAGE)
            prompt = render(tokenizer, self._instruction, MESSAGE, self._content)
            self._opened = block_left(prompt, family, self._model_id) == "opened"

    def make(self, text: str) -> Prompt:
        """The prompt of a user's text. Valid after `settle`. Raises ReasoningFault."""
        if (self._family and self._family.raw) or not has_template(self._tokenizer):
            return Prompt(text, "raw", {})
        content = self._content or content_for(self._tokenizer, self._instruction, MESSAGE)
        prompt = render(self._tokenizer, self._instruction, text, content)
        messages = tuple(messages_of(self._instruction, text, content))
        return Prompt(
            text=prompt,
            form="chat",
            template_kwargs=dict(self._instruction.kwargs),
            messages=messages,
            own_format=self._family is not None and self._family.own_format,
            template_day=self._clock.day if self._clock.was_asked else None,
        )

    def split(self, token_ids: Sequence[int]) -> Split | None:
        """The output told apart; None where nobody knows the marks that the model would set."""
        if self._tokenizer is None or self._family is None:
            return None
        marker = self._family.marker
        found = split(self._tokenizer, token_ids, self._family.markers, self._opened)
        is_stranger = marker is None and not self._is_known
        return None if is_stranger and not found.reasoning else found

    def facts(self) -> ReasoningFacts | None:
        """What is known of the reasoning; before `settle`, what the table alone says."""
        request, family, proof = self._request, self._family, self._proof
        if request is None:
            return None
        if family is None:
            return ReasoningFacts(requested=request.state)
        resolution = proof.resolution if proof else resolve(request, family)
        instruction = proof.instruction if proof else resolution.instructions[0]
        way = proof.way if proof else next(iter(family.ways), None)
        return ReasoningFacts(
            requested=request.state,
            effective=resolution.effective,
            enforced=resolution.enforced,
            family=family.name if self._is_known else None,
            basis="table" if self._is_known else "probe",
            mechanism=family.mechanism(way),
            kwargs=dict(instruction.kwargs),
            system_message=instruction.system,
            user_prefix=instruction.user_prefix,
            block=proof.block if proof else None,
            end_marker=family.marker.end if family.marker else None,
            prompts_sha256=proof.prompts_sha256 if proof else {},
            example_prompt=proof.prompt[:LONGEST_EXAMPLE] if proof else None,
        )


def with_files(family: Family, read_file: Callable[[str], str]) -> Family:
    """The family with the system messages that its instructions take from files."""

    def read(side: Instruction | None) -> Instruction | None:
        if side is None or side.system_file is None:
            return side
        return replace(side, system=read_file(side.system_file))

    ways = tuple(replace(way, on=read(way.on), off=read(way.off)) for way in family.ways)
    return replace(family, ways=ways)
