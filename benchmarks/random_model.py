"""A causal language model of any size with random weights, laid out like the hub's own cache.

Its joules are those of a trained model of the same shape: what a GPU draws hangs on the sizes of
the matrices, not on what is in them. It is good for rows that do not reason, which produce a fixed
number of tokens.

    python -m benchmarks.random_model HUB HIDDEN LAYERS DEVICE

puts one into the hub cache HUB and prints how many parameters it has.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_core.contract import DeviceKind

BEGIN, END = "<|begin|>", "<|end|>"
TEMPLATE = (
    "{{ '" + BEGIN + "' }}{% for message in messages %}{{ message.content + '" + END + "' }}"
    "{% endfor %}"
)
COMMIT = "0" * 40
"""In the place of a commit: the weights are made anew each time and belong to no history."""
POSITIONS = 4096
HEAD_SIZE = 128
SEED = 20251001


@dataclass(frozen=True)
class Size:
    hidden: int
    layers: int

    @property
    def name(self) -> str:
        return f"random-llama-{self.hidden}x{self.layers}"

    @property
    def id(self) -> str:
        return f"benchmark/{self.name}"


BILLIONS = Size(hidden=2048, layers=24)
"""1.6 billion parameters; a test of the script has no use for them."""
TINY = Size(hidden=HEAD_SIZE, layers=2)


def build(hub: Path, size: Size, device: DeviceKind) -> int:
    """Put the model into the hub cache `hub` and answer how many parameters it has.

    `device` is where the weights are drawn, which takes minutes on a CPU for BILLIONS.
    """
    import torch

    home = hub / f"models--benchmark--{size.name}"
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    tokenizer = _tokenizer()
    torch.manual_seed(SEED)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        with torch.device(device):
            network = _network(size, tokenizer)
    finally:
        torch.set_default_dtype(before)
    network.save_pretrained(snapshot)
    tokenizer.save_pretrained(snapshot)
    _name_tokenizer_class(snapshot / "tokenizer_config.json")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    return sum(parameter.numel() for parameter in network.parameters())


def _network(size: Size, tokenizer: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    make_config: Any = LlamaConfig
    make_network: Any = LlamaForCausalLM
    heads = size.hidden // HEAD_SIZE
    return make_network(
        make_config(
            vocab_size=len(tokenizer),
            hidden_size=size.hidden,
            intermediate_size=4 * size.hidden,
            num_hidden_layers=size.layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=False,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def _tokenizer() -> Any:
    """Every byte is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: number for number, character in enumerate(alphabet)}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.add_special_tokens([BEGIN, END])
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=core, bos_token=BEGIN, eos_token=END)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _name_tokenizer_class(path: Path) -> None:
    """One that all versions of transformers know."""
    content = json.loads(path.read_text())
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(content, indent=2) + "\n")


def main(arguments: Sequence[str]) -> int:
    hub, hidden, layers, device = arguments
    kind: DeviceKind = "cpu" if device == "cpu" else "cuda"
    print(build(Path(hub), Size(int(hidden), int(layers)), kind))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
