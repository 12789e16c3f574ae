"""Tokenizers made on the spot from a few sentences of our own, the same ones each time."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BYTE_PAIRS = 400
CLIP_POSITIONS = 77

PAD, BEGIN, END, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
PIECE_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORD_END = "</w>"
CLIP_BEGIN, CLIP_END = "<|startoftext|>", "<|endoftext|>"
LETTERS = (PAD, BEGIN, END, UNKNOWN, "|", *"abcdefghijklmnopqrstuvwxyz'")
"""The 32 signs that a recogniser of single letters can write; "|" stands between words."""

SENTENCES = (
    "The lighthouse keeper counts the ships that pass before breakfast and writes them down.",
    "A lamp that burns all night needs more energy than one that somebody turns off.",
    "Where does the river meet the sea, and which town lies on its northern bank?",
    "The baker opened at six; by seven the last loaf of rye bread was gone.",
    "It was a dull film with a fine ending, and I would gladly see it again.",
    "Two red circles, a blue square and a green triangle on a grey ground.",
    "They said that the bridge would be closed for repairs from Monday to Friday.",
    "She asked whether anyone had found a silver watch near the old station.",
)


def save_byte_pairs(folder: Path, template: str = f"{BEGIN} $A {END}") -> Any:
    """A byte-level BPE, in `folder`; `template` says what stands around a text. Gives it back."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=BYTE_PAIRS,
        special_tokens=[PAD, BEGIN, END, UNKNOWN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(SENTENCES, trainer)
    core.post_processor = processors.TemplateProcessing(
        single=template,
        special_tokens=[(name, core.token_to_id(name)) for name in (BEGIN, END)],
    )
    names = {"bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "unk_token": UNKNOWN}
    return _save(core, folder, names, ["input_ids", "attention_mask"])


def save_word_pieces(folder: Path, segments: bool = False) -> Any:
    """A WordPiece tokenizer, `[CLS] A [SEP] B [SEP]`, in `folder`. Gives it back.

    With `segments` it also gives `token_type_ids`, as that of BERT does and others' do not.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    core = Tokenizer(models.WordPiece(vocab=_numbered(_word_pieces()), unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.add_special_tokens(list(PIECE_MARKS))
    core.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, core.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    names = {f"{mark.strip('[]').lower()}_token": mark for mark in PIECE_MARKS}
    inputs = ["input_ids", "attention_mask"]
    return _save(core, folder, names, [*inputs, "token_type_ids"] if segments else inputs)


def clip_tokenizer() -> Any:
    """A CLIP tokenizer for prompts of at most `CLIP_POSITIONS` tokens."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = _word_building_pairs()
    pieces = [*letters, *(letter + WORD_END for letter in letters), *map("".join, pairs)]
    make: Any = CLIPTokenizer
    return make(
        vocab=_numbered([*pieces, CLIP_BEGIN, CLIP_END]),
        merges=pairs,
        model_max_length=CLIP_POSITIONS,
    )


def letter_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model that hears single letters; its vocabulary is put into `folder`."""
    from transformers import Wav2Vec2CTCTokenizer

    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({letter: at for at, letter in enumerate(LETTERS)}))
    make: Any = Wav2Vec2CTCTokenizer
    return make(
        str(vocabulary),
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        do_lower_case=True,
    )


# The trainers of these two kinds number their pieces by chance, and so would differ each time.
def _word_pieces() -> list[str]:
    letters = sorted("abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'-\"")
    words = [word for word in _words() if len(word) > 1]
    return [*PIECE_MARKS, *letters, *(f"##{letter}" for letter in letters), *words]


def _word_building_pairs() -> list[tuple[str, str]]:
    """The merges that put the words of the sentences together from the left, each once."""
    found: dict[tuple[str, str], None] = {}
    for word in _words():
        pieces = [*word[:-1], word[-1] + WORD_END]
        for at in range(1, len(pieces)):
            found["".join(pieces[:at]), pieces[at]] = None
    return list(found)


def _words() -> list[str]:
    return sorted({word for text in SENTENCES for word in re.findall("[a-z]+", text.lower())})


def _numbered(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}


def _save(core: Any, folder: Path, names: dict[str, str], inputs: list[str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=core, model_input_names=inputs, **names)
    tokenizer.save_pretrained(folder)
    return tokenizer
