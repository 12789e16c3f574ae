"""How many tokens a tiny model's own template makes of prompts, for servers without a tokenizer."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.tiny_hub import snapshot


def write_counts(path: Path, hub: Path, model: str, prompts: Iterable[str]) -> None:
    """Of prompts that ask for no reasoning."""
    from transformers import AutoTokenizer

    load: Any = AutoTokenizer.from_pretrained
    tokenizer = load(snapshot(hub, model))
    counts = {
        prompt: len(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                add_generation_prompt=True,
                return_dict=True,
                enable_thinking=False,
            )["input_ids"]
        )
        for prompt in prompts
    }
    path.write_text(json.dumps(counts))
