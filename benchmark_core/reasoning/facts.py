"""What a report says of the reasoning of a run."""

from typing import Literal

from pydantic import Field

from benchmark_core.documents import Frozen
from benchmark_core.reasoning.families import Effective, Mechanism


class ReasoningFacts(Frozen):
    """What was asked, what the model was told, and whether that brings about what was asked.

    `requested` is the state in the catalog's canonical spelling. `effective` is how the model
    answers such a prompt: on, off, none (it cannot reason) or unforced (nothing tells it). `basis`
    says how that is known: by the table of families, or by a probe of the tokenizer; None where
    neither was asked, in rehearsals without a model. `enforced` is false where the prompt does
    not bring about the state requested.

    `kwargs`, `system_message` and `user_prefix` are what the prompt was given. `block` is how the
    prompt leaves the block of reasoning, `end_marker` what ends that in the output.
    `prompts_sha256` are hashes of one message's prompt for this run and for its alternatives,
    `example_prompt` is that of this run.
    """

    requested: str
    effective: Effective | None = None
    enforced: bool | None = None
    family: str | None = None
    basis: Literal["table", "probe"] | None = None
    mechanism: Mechanism | None = None
    kwargs: dict[str, bool | str] = Field(default_factory=dict)
    system_message: str | None = None
    user_prefix: str = ""
    block: Literal["opened", "closed"] | None = None
    end_marker: str | None = None
    prompts_sha256: dict[str, str] = Field(default_factory=dict)
    example_prompt: str | None = None
