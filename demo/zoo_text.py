"""Tiny models that read text: they summarize, answer, classify or embed it."""

from pathlib import Path
from typing import Any

from demo.zoo_tokenizers import END, save_byte_pairs, save_word_pieces

MOODS: dict[str, Any] = {
    "id2label": {0: "negative", 1: "positive"},
    "label2id": {"negative": 0, "positive": 1},
}


def write_bart(folder: Path) -> None:
    """Summarizes; as released ones, it begins to write with the end-of-text token."""
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = save_byte_pairs(folder)
    _save(
        BartForConditionalGeneration,
        BartConfig,
        folder,
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
    )


def write_t5(folder: Path) -> None:
    """Writes what its prefix asks for. It has relative positions, so no length of its own."""
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = save_byte_pairs(folder, template=f"$A {END}")
    _save(
        T5ForConditionalGeneration,
        T5Config,
        folder,
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_decoder_layers=1,
        num_heads=4,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )


def write_bert_qa(folder: Path) -> None:
    """Marks the answer to a question in a text."""
    from transformers import BertForQuestionAnswering

    _save_bert(BertForQuestionAnswering, folder)


def write_bert_classifier(folder: Path) -> None:
    """Tells friendly texts from unfriendly ones."""
    from transformers import BertForSequenceClassification

    _save_bert(BertForSequenceClassification, folder, **MOODS)


def write_bert_similarity(folder: Path) -> None:
    """The bare encoder, saved in half precision.

    A loader that leaves the precision to the library gets float16 from this one, so it shows
    whether float32 was asked for.
    """
    from transformers import BertModel

    _save_bert(BertModel, folder, half=True)


def write_distilbert_classifier(folder: Path) -> None:
    """Tells friendly texts from unfriendly ones; it knows no segments."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    tokenizer = save_word_pieces(folder)
    _save(
        DistilBertForSequenceClassification,
        DistilBertConfig,
        folder,
        vocab_size=len(tokenizer),
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=128,
        pad_token_id=tokenizer.pad_token_id,
        **MOODS,
    )


def _save_bert(network: Any, folder: Path, half: bool = False, **settings: Any) -> None:
    from transformers import BertConfig

    tokenizer = save_word_pieces(folder, segments=True)
    _save(
        network,
        BertConfig,
        folder,
        half=half,
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        pad_token_id=tokenizer.pad_token_id,
        **settings,
    )


def _save(network: Any, config: Any, folder: Path, half: bool = False, **settings: Any) -> None:
    model = network(config(**settings))
    (model.half() if half else model).save_pretrained(folder)
