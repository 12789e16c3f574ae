"""Builds the demo's text models on the spot: random weights, a real tokenizer, planted answers.

Models with random weights seldom emit end-of-text. In these, greedy decoding follows a chain of
tokens that is fixed beforehand: the attention and feed-forward blocks compute as usual but add next
to nothing, so the next token depends on the last one alone, and the output layer names a successor
for every token of the chain. The chat template chooses where the chain begins by the token that
it ends with. All this holds in float16 too.

They lie in a hub cache (see `demo.hub_layout`), so that they load by their id.

    python -m demo.tiny_models DIRECTORY
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from demo.hub_layout import HubModel, place_models, rewrite_json

HIDDEN_SIZE = 64
VOCABULARY_SIZE = 600
SEED = 20251001

BEGIN, END = "<|begin|>", "<|end|>"
USER, ASSISTANT = "<|user|>", "<|assistant|>"
THINK, THOUGHT = "<think>", "</think>"
EFFORTS = {effort: f"<|effort_{effort}|>" for effort in ("low", "medium", "high")}
SPECIAL_TOKENS = (BEGIN, END, USER, ASSISTANT, THINK, THOUGHT, *EFFORTS.values())

MORE_THOUGHTS = (
    *(" then", " check", " every", " step", " again", " because"),
    *(" a", " careful", " reader", " wants", " more", " proof"),
)
THOUGHTS = (" we", " look", " at", " the", " question", " first")
ANSWER = (" this", " is", " my", " short", " reply")

ON_CHAIN = (THINK, *THOUGHTS, THOUGHT, *ANSWER, END)
"""What a model generates whose template leaves it to the model to open the block."""
OPENED_CHAIN = ON_CHAIN[1:]
"""What it generates when the template has opened the block."""
HIGH_CHAIN = (*MORE_THOUGHTS, *OPENED_CHAIN)
LOW_CHAIN = OPENED_CHAIN[len(THOUGHTS) - 2 :]
OFF_CHAIN = (*ANSWER, *ANSWER)
"""Ten tokens with end-of-text held back: the answer, and once more."""

SENTENCES = (
    "then check every step again because a careful reader wants more proof",
    "we look at the question first and this is my short reply",
    "A meter counts what a program draws while it runs, and nothing else.",
    "Name three things that float, and say in one line why they do.",
    "Write a short note to a neighbour whose cat sleeps on your roof.",
    "How many days are there between the first of March and the end of May?",
)

EFFORT_TEMPLATE = (
    "{{ '" + BEGIN + "' }}"
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '"
    + END
    + "' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + ASSISTANT + "' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '" + THINK + THOUGHT + "' }}"
    "{% elif reasoning_effort is defined %}"
    "{{ '" + THINK + "<|effort_' + reasoning_effort + '|>' }}"
    "{% endif %}{% endif %}"
)
OPENING_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '"
    + END
    + "' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + ASSISTANT + THINK + "' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '" + THOUGHT + "' }}{% endif %}"
    "{% endif %}"
)

# As real checkpoints ship it: it asks for sampling, which a measured run must not do.
GENERATION_CONFIG = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 20}


@dataclass(frozen=True)
class TinyModel:
    """One model of the demo. `make` builds it with random weights for a vocabulary size."""

    name: str
    template: str
    positions: int
    make: Callable[[int, int, dict[str, int]], Any]

    @property
    def id(self) -> str:
        return f"demo/{self.name}"


def hub_models() -> tuple[HubModel, ...]:
    """The demo's text models, as what can be put into a hub cache."""
    return tuple(HubModel(model.id, partial(_write_checkpoint, model)) for model in MODELS)


def build_hub(directory: Path) -> None:
    """Put every demo model into `directory`; what is there, whole and current, stays untouched."""
    place_models(directory, hub_models())


def _write_checkpoint(model: TinyModel, folder: Path) -> None:
    import torch

    tokenizer = _tokenizer(model.template)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (BEGIN, END)}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        network = model.make(
            len(tokenizer), model.positions, {"bos_token_id": ids[BEGIN], "eos_token_id": ids[END]}
        )
        _plant_chains(network, tokenizer)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    rewrite_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    rewrite_json(folder / "generation_config.json", **GENERATION_CONFIG)


def _tokenizer(template: str) -> Any:
    """A byte-level BPE; every word of the chains is one token, with the blank before it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator([f" {sentence}" for sentence in SENTENCES], trainer)
    core.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, core.token_to_id(BEGIN))]
    )
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=core, bos_token=BEGIN, eos_token=END)
    tokenizer.chat_template = template
    return tokenizer


def _plant_chains(network: Any, tokenizer: Any) -> None:
    """Overwrite embedding and output layer so that each chain token names its successor.

    Every chain token gets a direction of its own in the hidden space; a second, weaker successor
    of the last answer token says what comes while end-of-text is held back.
    """
    import torch

    embedding = network.get_input_embeddings().weight
    output = network.get_output_embeddings().weight
    output.mul_(0.01)
    successors = _successors()
    tokens = sorted(successors)
    ids = {token: _single_id(tokenizer, token) for token in {*tokens, *successors.values()}}
    for direction, token in enumerate(tokens):
        embedding[ids[token]] = torch.nn.functional.one_hot(
            torch.tensor(direction), HIDDEN_SIZE
        ).to(embedding)
        output[ids[successors[token]], direction] = 1.0
        if token == ANSWER[-1]:
            output[ids[ANSWER[0]], direction] = 0.5


def _successors() -> dict[str, str]:
    """The next token for every token that a chain or the end of a prompt can consist of."""
    chain = (*MORE_THOUGHTS, *THOUGHTS, THOUGHT, *ANSWER, END)
    pairs = dict(pairwise(chain))
    pairs[ASSISTANT] = THINK
    pairs[THINK] = THOUGHTS[0]
    pairs[EFFORTS["low"]] = LOW_CHAIN[0]
    pairs[EFFORTS["medium"]] = THOUGHTS[0]
    pairs[EFFORTS["high"]] = MORE_THOUGHTS[0]
    return pairs


def _single_id(tokenizer: Any, token: str) -> int:
    ids: list[int] = tokenizer(token, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise RuntimeError(f"{token!r} is {len(ids)} tokens; raise VOCABULARY_SIZE")
    return ids[0]


def _make_llama(vocabulary: int, positions: int, special_ids: dict[str, int]) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    make_config: Any = LlamaConfig
    make_network: Any = LlamaForCausalLM
    network = make_network(
        make_config(
            vocab_size=vocabulary,
            hidden_size=HIDDEN_SIZE,
            intermediate_size=2 * HIDDEN_SIZE,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=positions,
            tie_word_embeddings=False,
            **special_ids,
        )
    )
    for layer in network.model.layers:
        layer.self_attn.o_proj.weight.mul_(0.01)
        layer.mlp.down_proj.weight.mul_(0.01)
    return network


def _make_gpt2(vocabulary: int, positions: int, special_ids: dict[str, int]) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    make_config: Any = GPT2Config
    make_network: Any = GPT2LMHeadModel
    network = make_network(
        make_config(
            vocab_size=vocabulary,
            n_embd=HIDDEN_SIZE,
            n_layer=2,
            n_head=4,
            n_positions=positions,
            tie_word_embeddings=False,
            **special_ids,
        )
    )
    network.transformer.wpe.weight.mul_(0.01)
    for layer in network.transformer.h:
        layer.attn.c_proj.weight.mul_(0.01)
        layer.mlp.c_proj.weight.mul_(0.01)
    return network


MODELS = (
    TinyModel("tiny-llama-reasoner", EFFORT_TEMPLATE, 4096, _make_llama),
    TinyModel("tiny-gpt2-reasoner", OPENING_TEMPLATE, 1024, _make_gpt2),
)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m demo.tiny_models DIRECTORY", file=sys.stderr)
        return 2
    build_hub(Path(arguments[0]))
    print(f"demo models ({', '.join(model.id for model in MODELS)}) are in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
