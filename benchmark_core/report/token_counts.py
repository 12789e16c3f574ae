"""Tokens in and out."""

from benchmark_core.documents import Frozen


class TokenCounts(Frozen):
    """Tokens of one pass over all successful samples; `prompt` is None where inputs are no texts.

    `reasoning` is that part of `completion` which is no answer; None where nobody told them apart.
    """

    prompt: int | None
    completion: int
    reasoning: int | None = None

    @property
    def total(self) -> int | None:
        return None if self.prompt is None else self.prompt + self.completion

    @property
    def answer(self) -> int | None:
        return None if self.reasoning is None else self.completion - self.reasoning
