"""How a loaded model is told to generate: greedily, and nothing of its checkpoint's own ways."""

import copy
import inspect
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmark_core.contract import TokenLimits


def forget_own_settings(model: Any, processor: Any, kept_settings: Sequence[str]) -> list[int]:
    """Keep of the checkpoint's generation settings only which tokens begin, fill and end a text,
    and `kept_settings`; the tokens that end a text are the answer.

    generate() fills everything a caller leaves open from them: temperature, penalties, forced
    tokens, other lengths.
    """
    if not hasattr(model, "generate"):
        return []
    own, config = model.generation_config, model.config.get_text_config()
    kept = {
        name: getattr(own, name) for name in kept_settings if getattr(own, name, None) is not None
    }
    ends = _first_set("eos_token_id", own, config, processor)
    eos_ids: list[int] = [ends] if isinstance(ends, int) else list(ends or ())
    pad = _first_set("pad_token_id", processor, own, config)
    model.generation_config = _config(
        eos_token_id=eos_ids or None,
        pad_token_id=pad if pad is not None else next(iter(eos_ids), None),
        bos_token_id=_first_set("bos_token_id", own, config, processor),
        decoder_start_token_id=_first_set("decoder_start_token_id", own, model.config, config),
        **kept,
    )
    return eos_ids


def settings_of(model: Any, limits: TokenLimits) -> Any:
    """The settings of one pass, as generate() takes them."""
    settings = copy.deepcopy(model.generation_config)
    settings.update(
        max_new_tokens=limits.max_new_tokens,
        min_new_tokens=limits.min_new_tokens,
        do_sample=False,
        num_beams=1,
        num_return_sequences=1,
        use_cache=True,
    )
    return settings


class FirstToken:
    """Notes when the first token's scores are there; it is asked before each token is chosen."""

    def __init__(self, synchronise: Callable[[], None]) -> None:
        self._synchronise = synchronise
        self.at_seconds: float | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if self.at_seconds is None:
            self._synchronise()
            self.at_seconds = time.monotonic()
        return scores

    # transformers asks for it before every token, and working it out takes longer than the call.
    __call__.__signature__ = inspect.signature(__call__)  # type: ignore[attr-defined]


def _config(**settings: Any) -> Any:
    import transformers

    make: Any = transformers.GenerationConfig
    return make(**settings)


def _first_set(name: str, *places: Any) -> Any:
    """The first value of that name which is not None."""
    values = (getattr(place, name, None) for place in places)
    return next((value for value in values if value is not None), None)
