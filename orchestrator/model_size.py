"""How large the model of a row is."""

from benchmark_core.named_size import ModelSize, named_size
from orchestrator.catalog import ModelConfig


def model_size(config: ModelConfig) -> ModelSize | None:
    """From the column `Parameters (B)`, else from the name; None where neither tells."""
    billion = config.parameters_billion
    return named_size(config.model_id, None if billion is None else billion * 1e9)
