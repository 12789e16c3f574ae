"""What a model is given: the arguments of every forward pass, whoever calls it.

Two loops can be compared only if their models do the same; this is how that is found out.
"""

import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

MASK = "attention_mask"
WATCHED = (
    "input_ids",
    MASK,
    "token_type_ids",
    "pixel_values",
    "sample",
    "encoder_hidden_states",
)
"""Arguments with which a caller says what is to be computed; others differ between versions."""


@contextmanager
def watched(architectures: Sequence[str]) -> Iterator[list[str]]:
    """Collects a line for every forward pass of these classes, each written `library.Class`.

    Ids are told by their values, as long as they are a prompt; numbers that are none by their
    shape and type. A mask that hides nothing is left out, as some versions do.
    """
    seen: list[str] = []
    with ExitStack() as stack:
        for architecture in architectures:
            library, _, name = architecture.rpartition(".")
            cls = getattr(importlib.import_module(library), name)
            original = cls.forward
            stack.callback(setattr, cls, "forward", original)
            cls.forward = _recording(original, name, seen)
        yield seen


def _recording(original: Callable[..., Any], name: str, seen: list[str]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    def forward(*arguments: Any, **named: Any) -> Any:
        given = signature.bind(*arguments, **named).arguments
        given = {**given, **given.get("kwargs", {})}
        told = [
            f"{key} {_told(given[key])}"
            for key in WATCHED
            if given.get(key) is not None and not (key == MASK and bool(given[key].all()))
        ]
        seen.append(f"{name}({', '.join(told)})")
        return original(*arguments, **named)

    return forward


def _told(value: Any) -> str:
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    if value.is_floating_point() or value.numel() == 1:
        return f"{dtype}{shape}"
    digest = hashlib.sha256(value.cpu().contiguous().numpy().tobytes()).hexdigest()
    return f"{dtype}{shape} {digest[:12]}"
