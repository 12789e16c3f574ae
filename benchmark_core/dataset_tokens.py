"""How many tokens a text has, by a tokenizer that the user names."""

from pathlib import Path
from typing import Any

from benchmark_core.checkpoints.faults import told_as_model_faults
from benchmark_core.hub import resolved_commit


class TokenCounter:
    """Special tokens are not counted: they belong to the model, not to the text."""

    def __init__(self, name: str) -> None:
        """`name` is an id on the hub or a local folder. Raises ModelFault."""
        from transformers import AutoTokenizer

        with told_as_model_faults(name, "its revision"):
            self.commit = resolved_commit(name, None, "model")
        with told_as_model_faults(name, "the tokenizer"):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name, revision=self.commit)
        self.name = Path(name).resolve().name if Path(name).is_dir() else name

    def count(self, text: str) -> int:
        with told_as_model_faults(self.name, "the tokenizer"):
            # Not verbose: it would warn of texts longer than its model takes.
            tokens = self._tokenizer(text, add_special_tokens=False, verbose=False)
        return len(tokens["input_ids"])
