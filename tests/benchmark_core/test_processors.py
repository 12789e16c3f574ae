"""Processors that need a library of their own, or would take another one where there is one."""

# ruff: noqa: F811 - fixtures are imported
import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from demo.hub_layout import HubModel, place_models, rewrite_json
from demo.zoo_tokenizers import SENTENCES
from tests.support.task_runs import (  # noqa: F401
    Bench,
    Encoder,
    altered_copy,
    built_zoo,
    own_samples,
    read_samples,
    recipe_of,
    task_spec,
    zoo,
)

pytestmark = pytest.mark.usefixtures("zoo")

SPEECH = "automatic_speech_recognition"
PIECES = 100
BINS = 24


def train_pieces(path: Path, **ids: int) -> Any:
    """A sentencepiece model at `path`. Gives it back, loaded."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=model,
        vocab_size=PIECES,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
    )
    path.write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def speech_to_text(folder: Path) -> None:
    """As published: pieces, their numbers in another file, and the filters' settings."""
    from transformers import Speech2TextConfig, Speech2TextForConditionalGeneration

    pieces = train_pieces(
        folder / "sentencepiece.bpe.model", bos_id=0, pad_id=1, eos_id=2, unk_id=3
    )
    count = pieces.get_piece_size()
    numbers = {pieces.id_to_piece(number): number for number in range(count)}
    make: Any = Speech2TextConfig
    config = make(
        **{"vocab_size": count, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1},
        **{"encoder_attention_heads": 2, "decoder_attention_heads": 2, "conv_channels": 32},
        **{"input_feat_per_channel": BINS, "max_source_positions": 600},
        **{"encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
    )
    Speech2TextForConditionalGeneration(config).save_pretrained(folder)
    files = {
        "vocab.json": numbers,
        "tokenizer_config.json": {"tokenizer_class": "Speech2TextTokenizer"},
        "preprocessor_config.json": {
            "feature_extractor_type": "Speech2TextFeatureExtractor",
            "processor_class": "Speech2TextProcessor",
            "feature_size": BINS,
            "num_mel_bins": BINS,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def pegasus(folder: Path) -> None:
    """As published: the pieces alone, without the file of a fast tokenizer."""
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    pieces = train_pieces(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    make: Any = PegasusConfig
    config = make(
        **{"vocab_size": pieces.get_piece_size() + 103, "d_model": 32, "encoder_layers": 1},
        **{"decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2},
        **{"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64},
    )
    PegasusForConditionalGeneration(config).save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PegasusTokenizer"})
    )


def put(zoo: Path, write: Any) -> str:
    (name,) = place_models(zoo, [HubModel(f"published/{write.__name__}", write)])
    return name


def test_speech_with_pieces_of_sentences_is_transcribed(
    zoo: Path, own_samples: dict[str, Path], tmp_path: Path
) -> None:
    bench = Bench(task_spec(SPEECH, put(zoo, speech_to_text)), tmp_path / "run")
    (item,) = bench.backend.preprocess(read_samples(SPEECH, own_samples[SPEECH])[:1])
    assert item.inputs["input_features"].shape[-1] == BINS
    assert bench.backend.run(item, bench.longest).completion_tokens == 100


def test_what_spells_sounds_needs_no_tokenizer(
    zoo: Path, own_samples: dict[str, Path], tmp_path: Path
) -> None:
    """Nor the language model that many are published with: a forward pass spells nothing out."""

    def forget_letters(files: Path) -> None:
        for name in ("vocab.json", "tokenizer_config.json", "special_tokens_map.json"):
            (files / name).unlink(missing_ok=True)
        rewrite_json(files / "processor_config.json", processor_class="Wav2Vec2ProcessorWithLM")

    model = altered_copy(zoo, "demo/tiny-wav2vec2", forget_letters)
    bench = Bench(task_spec(SPEECH, model), tmp_path / "run")
    (item,) = bench.backend.preprocess(read_samples(SPEECH, own_samples[SPEECH])[:1])
    assert bench.backend.run(item, bench.longest).completion_tokens == 0


def test_a_text_is_read_in_pieces_of_sentences(zoo: Path) -> None:
    encode = Encoder("summarization", put(zoo, pegasus))
    encoded = encode(text=SENTENCES[0])
    assert encode.text(encoded) == f"{SENTENCES[0]}</s>"
    assert encode.model(**encoded.inputs).logits.shape[:2] == (1, encoded.prompt_tokens)


@pytest.mark.parametrize(
    ("task", "model"),
    [("image_classification", "demo/tiny-vit"), ("image_captioning", "demo/tiny-blip")],
)
def test_pictures_are_prepared_by_pillow_wherever_torchvision_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, task: Any, model: str
) -> None:
    """The library takes torchvision where there is one, and warns where it is broken."""
    from transformers.models.auto import image_processing_auto
    from transformers.utils import logging as library

    monkeypatch.setattr(image_processing_auto, "is_torchvision_available", lambda: True)
    image_processing_auto.logger.warning_once.cache_clear()
    library.enable_propagation()
    with caplog.at_level(logging.WARNING):
        processor = recipe_of(task_spec(task, model)).load_processor()
    library.disable_propagation()
    assert "torchvision" not in caplog.text
    assert type(getattr(processor, "image_processor", processor)).__name__.endswith("Pil")
