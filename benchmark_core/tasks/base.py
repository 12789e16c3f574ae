"""What every task states and offers. Importing a task loads no model library."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from benchmark_core.contract import Kind, Precision, PromptForm, RunSpec, TaskName, TokenLimits
from benchmark_core.media import Column
from benchmark_core.recipe import Recipe

REASONING_LIMITS = TokenLimits(max_new_tokens=8192, min_new_tokens=1)


class RenderedPrompt(Protocol):
    """A prompt as it comes from the chat template, or unchanged."""

    @property
    def text(self) -> str: ...

    @property
    def form(self) -> PromptForm: ...

    @property
    def template_kwargs(self) -> dict[str, bool | str]: ...

    @property
    def messages(self) -> tuple[dict[str, Any], ...] | None: ...

    @property
    def own_format(self) -> bool: ...

    @property
    def template_day(self) -> date | None: ...


class Prompts(Protocol):
    """Makes the prompts of a run, with its reasoning settled beforehand."""

    def settle(self, tokenizer: Any, read_file: Callable[[str], str]) -> None:
        """Take the tokenizer; `read_file` reads a text file beside the weights. Raises RunFault."""

    def make(self, text: str) -> RenderedPrompt:
        """The prompt of a user's text. Raises RunFault."""


@dataclass(frozen=True)
class Task:
    """One of the ten tasks: what the methodology says of it, and its recipe.

    `spellings` are those of a catalog, in lower case with `_` between words; the first is the
    preferred one. `dataset_revision` None is what the hub has now. A sample consists of `columns`;
    one with an empty column is dropped. `kinds` are the ways in which checkpoints of the task are
    run; the first is what a rehearsal plays. `new_tokens` is how many tokens a checkpoint generates
    that generates at all, `steps` how many steps one draws in. `has_classes` and `can_reason` say
    whether models of the task are sorted into classes, and told to reason.
    """

    name: TaskName
    spellings: tuple[str, ...]
    pipeline_tag: str
    dataset_id: str
    columns: tuple[Column, ...]
    kinds: tuple[Kind, ...]
    recipe: Callable[[RunSpec, Prompts], Recipe]
    dataset_revision: str | None = None
    precision: Precision = "float32"
    new_tokens: int | None = None
    steps: int | None = None
    has_classes: bool = False
    can_reason: bool = False

    def limits(self, reasons: bool) -> TokenLimits | None:
        """How many tokens a sample may generate, None where no checkpoint generates any.

        `reasons`: the run is to have the limits of one that reasons.
        """
        if reasons:
            return REASONING_LIMITS
        if self.new_tokens is None:
            return None
        return TokenLimits(max_new_tokens=self.new_tokens, min_new_tokens=self.new_tokens)
