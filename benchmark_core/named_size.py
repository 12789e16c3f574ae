"""How large a model is, by its name where nothing better is known: `writer-30B-A3B`."""

import re
from dataclasses import dataclass

# `20b`, `1.8B`, `270m`, but not the `4bit` of a quantization nor the `A3B` of active ones. With
# more digits it is no size: a name may have hundreds, which would be infinitely many parameters.
NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
WHOLE = re.compile(rf"(?<![a-z0-9.])(?:(\d{{1,3}})x)?{NUMBER}(b|m)(?![a-z0-9])", re.I | re.A)
ACTIVE = re.compile(rf"(?<![a-z0-9.])a{NUMBER}b(?![a-z0-9])", re.I | re.A)
EXPERTS_AT_A_TIME = 2
"""Of a model named `8x7B`; such models send each token through two."""


LOADED_BYTES_PER_PARAMETER = 2.4
"""FP16 weights with a fifth on top for cache and activations; an estimate of what fits."""


@dataclass(frozen=True)
class ModelSize:
    """Parameters: all of them, and those that one token passes through."""

    parameters: float
    active: float


def named_size(model_id: str, parameters: float | None = None) -> ModelSize | None:
    """`parameters` where they are known better than by the name; None where nothing tells."""
    name = model_id.rpartition("/")[2]
    found = max(
        (_size(match) for match in WHOLE.finditer(name)),
        key=lambda size: size.parameters,
        default=None,
    )
    if parameters is None and found is None:
        return None
    whole = found.parameters if found and parameters is None else parameters or 0.0
    active = ACTIVE.search(name)
    of_name = found.active if found else whole
    passed = float(active[1]) * 1e9 if active else of_name
    return ModelSize(whole, min(passed, whole)) if whole and passed else None


def _size(match: re.Match[str]) -> ModelSize:
    one = float(match[2]) * (1e9 if match[3].lower() == "b" else 1e6)
    experts = int(match[1] or 1)
    return ModelSize(one * experts, one * min(experts, EXPERTS_AT_A_TIME))
