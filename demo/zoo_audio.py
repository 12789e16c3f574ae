"""Tiny models that write down speech."""

from pathlib import Path
from typing import Any

from demo.zoo_tokenizers import LETTERS, letter_tokenizer, save_byte_pairs

SAMPLING_RATE = 16_000
MEL_BINS = 16
LONGEST_SECONDS = 1


def write_whisper(folder: Path) -> None:
    """Writes word pieces one after the other. It hears one second, shorter sound is filled up."""
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
    )

    tokenizer = save_byte_pairs(folder)
    make_config: Any = WhisperConfig
    config = make_config(
        vocab_size=len(tokenizer),
        num_mel_bins=MEL_BINS,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=50 * LONGEST_SECONDS,
        max_target_positions=160,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.bos_token_id,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    WhisperForConditionalGeneration(config).save_pretrained(folder)
    make_extractor: Any = WhisperFeatureExtractor
    extractor = make_extractor(
        feature_size=MEL_BINS, sampling_rate=SAMPLING_RATE, chunk_length=LONGEST_SECONDS
    )
    make_processor: Any = WhisperProcessor
    make_processor(extractor, tokenizer).save_pretrained(folder)


def write_wav2vec2(folder: Path) -> None:
    """Names a letter for each stretch of sound, all in one pass."""
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    make_config: Any = Wav2Vec2Config
    config = make_config(
        vocab_size=len(LETTERS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        conv_dim=(16, 16),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        pad_token_id=LETTERS.index("<pad>"),
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    make_extractor: Any = Wav2Vec2FeatureExtractor
    extractor = make_extractor(sampling_rate=SAMPLING_RATE, return_attention_mask=False)
    make_processor: Any = Wav2Vec2Processor
    make_processor(extractor, letter_tokenizer(folder)).save_pretrained(folder)
