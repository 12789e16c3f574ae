"""How large a model is, from its row or its name."""

import re
from dataclasses import dataclass

from orchestrator.catalog import ModelConfig

# `20b`, `1.8B`, `270m`, but not the `4bit` of a quantization nor the `A3B` of active ones.
WHOLE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])", re.I)
ACTIVE = re.compile(r"(?<![a-z0-9.])a(\d+(?:\.\d+)?)b(?![a-z0-9])", re.I)
EXPERTS_AT_A_TIME = 2
"""Of a model named `8x7B`; such models send each token through two."""


@dataclass(frozen=True)
class ModelSize:
    """Parameters: all of them, and those that one token passes through."""

    parameters: float
    active: float


def model_size(config: ModelConfig) -> ModelSize | None:
    """From the column `Parameters (B)`, else from the name; None where neither tells."""
    name = config.model_id.rpartition("/")[2]
    named = _named(name)
    active = ACTIVE.search(name)
    if config.parameters_billion is not None:
        whole = config.parameters_billion * 1e9
    elif named:
        whole = named.parameters
    else:
        return None
    of_name = named.active if named else whole
    passed = float(active[1]) * 1e9 if active else of_name
    return ModelSize(whole, min(passed, whole)) if whole and passed else None


def _named(name: str) -> ModelSize | None:
    found = [_size(match) for match in WHOLE.finditer(name)]
    return max(found, key=lambda size: size.parameters, default=None)


def _size(match: re.Match[str]) -> ModelSize:
    one = float(match[2]) * (1e9 if match[3].lower() == "b" else 1e6)
    experts = int(match[1] or 1)
    return ModelSize(one * experts, one * min(experts, EXPERTS_AT_A_TIME))
