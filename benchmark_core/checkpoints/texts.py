"""Texts as the tokens of one input, and how long it may be."""

from typing import Any

from benchmark_core.recipe import Encoded

POSITIONS_WHEN_UNSTATED = 512


def stated_positions(config: Any) -> int | None:
    """The positions that a config states at its top level; XLNet states -1 and means no bound."""
    stated = getattr(config, "max_position_embeddings", None)
    return stated if stated and stated > 0 else None


def most_tokens(config: Any) -> int:
    """The positions that a config states, else 512, as in the published method."""
    return stated_positions(config) or POSITIONS_WHEN_UNSTATED


def reserved_positions(model: Any) -> int:
    """Positions that never hold a token: RoBERTa and its like begin behind that of padding."""
    rows = (
        getattr(module, "padding_idx", None)
        for name, module in model.named_modules()
        if name.endswith("position_embeddings")
    )
    return max((row + 1 for row in rows if row is not None), default=0)


def encoded_texts(
    tokenizer: Any, texts: tuple[str, ...], limit: int, echoed_tokens: int = 0
) -> Encoded:
    """One text, or a pair of texts as one sequence; what is over `limit` tokens is cut."""
    inputs = tokenizer(*texts, truncation=True, max_length=limit, return_tensors="pt")
    tokens = int(inputs["input_ids"].shape[-1])
    return Encoded(
        inputs=dict(inputs),
        prompt_tokens=tokens,
        echoed_tokens=echoed_tokens,
        cut=tokens >= limit and _was_cut(tokenizer, texts, inputs),
        form="raw",
    )


def _was_cut(tokenizer: Any, texts: tuple[str, ...], inputs: Any) -> bool:
    """Whether some tokens are left out; a tokenizer in plain Python does not tell by itself."""
    if inputs.encodings:
        return bool(inputs.encodings[0].overflowing)
    whole = tokenizer(*texts, verbose=False)["input_ids"]
    return bool(len(whole) > inputs["input_ids"].shape[-1])


def padded_with_end(tokenizer: Any) -> Any:
    """The tokenizer, which pads with its end-of-text token when it has none for padding."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
