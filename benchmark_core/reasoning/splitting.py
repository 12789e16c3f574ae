"""What a model generated, told apart into reasoning and answer."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmark_core.reasoning.families import Marker


@dataclass(frozen=True)
class Split:
    """Tokens of one output. Reasoning is everything up to and including its end marker.

    `ended` is false where the reasoning had not come to its end: all of the output is reasoning.
    """

    reasoning: int
    answer: int
    ended: bool = True


def split(
    tokenizer: Any, token_ids: Sequence[int], markers: Sequence[Marker], opened: bool
) -> Split:
    """`token_ids` is what was generated. `opened`: the prompt had opened the block already.

    Markers are looked for in the text, because not every vocabulary has them as one token.
    """
    text = _text(tokenizer, token_ids)
    for marker in markers:
        begin = 0 if opened else text.find(marker.begin)
        if begin < 0:
            continue
        search_from = begin if opened else begin + len(marker.begin)
        if text.find(marker.end, search_from) < 0:
            return Split(len(token_ids), 0, ended=False)
        tokens = _tokens_until(tokenizer, token_ids, marker.end, search_from)
        return Split(tokens, len(token_ids) - tokens)
    return Split(0, len(token_ids))


def _tokens_until(tokenizer: Any, token_ids: Sequence[int], end: str, search_from: int) -> int:
    """The fewest tokens whose text holds the marker. A longer beginning holds it all the more."""

    def holds(count: int) -> bool:
        return end in _text(tokenizer, token_ids[:count])[search_from:]

    # Most vocabularies have the marker as one token; that saves a dozen decodings.
    alone = tokenizer.encode(end, add_special_tokens=False)
    for index, token_id in enumerate(token_ids):
        if [token_id] == alone and holds(index + 1):
            return index + 1
    return bisect_left(range(len(token_ids)), True, key=holds)


def _text(tokenizer: Any, token_ids: Sequence[int]) -> str:
    text: str = tokenizer.decode(
        list(token_ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
    )
    return text
