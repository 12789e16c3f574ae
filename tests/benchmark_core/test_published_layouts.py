"""Checkpoints in the layouts of published ones, which differ from what is saved today: weights that
are left out rightly, positions that are reserved, processors in parts, starts of a decoder."""

# ruff: noqa: F811 - fixtures are imported
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.checkpoints.pipeline import Pipeline
from benchmark_core.contract import Launch, ModelSpec, SampleSource, TaskName
from benchmark_core.differences import differences
from benchmark_core.faults import ModelFault
from benchmark_core.kinds import ONE_TOKEN
from benchmark_core.report.run_report import RunReport
from benchmark_core.reported_run import run
from benchmark_core.sample_folder import samples_sha256
from demo.hub_layout import HubModel, place_models, rewrite_json
from demo.zoo_images import ENCODER, PATCH, SIDE
from demo.zoo_tokenizers import save_byte_pairs, save_word_pieces
from tests.support.builders import NOW
from tests.support.task_runs import (  # noqa: F401
    T5,
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

BERT, DRAWING = "demo/tiny-bert-classifier", "demo/tiny-stable-diffusion"
CTC, WHISPER = "demo/tiny-wav2vec2", "demo/tiny-whisper"
SPEECH, CAPTIONS = "automatic_speech_recognition", "image_captioning"
LONG = "the river meets the lighthouse " * 100
VISION: dict[str, Any] = {**ENCODER, "image_size": SIDE, "patch_size": PATCH}
SIZE: dict[str, Any] = {"size": {"height": SIDE, "width": SIDE}}
BYTE_PAIRS: dict[str, Any] = {"vocab_size": 400, "pad_token_id": 0, "bos_token_id": 1}
BYTE_PAIRS |= {"eos_token_id": 2, "decoder_start_token_id": 1}


def put(zoo: Path, write: Callable[[Path], None]) -> str:
    (name,) = place_models(zoo, [HubModel(f"published/{write.__name__}", write)])
    return name


def save(folder: Path, architecture: str, **settings: Any) -> None:
    import transformers

    network = getattr(transformers, architecture)
    network(network.config_class(**settings)).save_pretrained(folder)


def without(*parts: str) -> Callable[[Path], None]:
    """An alteration: the weights with these words in their names are left out."""

    def alter(files: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(files / "model.safetensors")
        kept = {name: weights[name] for name in weights if not any(part in name for part in parts)}
        assert len(kept) < len(weights), "nothing was left out"
        save_file(kept, files / "model.safetensors", metadata={"format": "pt"})

    return alter


def check_lengths(task: TaskName, model: str, samples: Path, folder: Path) -> None:
    """One new token, and 100, in each of two samples."""
    bench = Bench(task_spec(task, model), folder)
    for item in bench.backend.preprocess(read_samples(task, samples)[:2]):
        assert bench.backend.run(item, bench.passes[1]).completion_tokens == 1
        assert bench.backend.conditions().limits == ONE_TOKEN
        found = bench.backend.run(item, bench.longest)
        assert (found.completion_tokens, len(found.token_ids)) == (100, 100)


def test_a_weight_of_training_alone_may_be_missing(zoo: Path) -> None:
    import torch

    models = (CTC, altered_copy(zoo, CTC, without("masked_spec_embed")))
    sound = torch.linspace(-1, 1, 16000).sin().unsqueeze(0)
    whole, lacking = (Encoder(SPEECH, model).model(sound).logits for model in models)
    assert torch.equal(whole, lacking)


@pytest.mark.parametrize(
    ("task", "of", "key"),
    [(SPEECH, CTC, "lm_head.weight"), ("text_classification", BERT, "bert.pooler.dense.bias")],
)
def test_any_other_weight_may_not(zoo: Path, task: TaskName, of: str, key: str) -> None:
    """Neither may a pooler that classes are told by."""
    model = altered_copy(zoo, of, without("masked_spec_embed", key))
    with pytest.raises(ModelFault, match=f"lacks 1 of the model's weights, {key} among"):
        Encoder(task, model)


def pegasus(folder: Path) -> None:
    save_byte_pairs(folder, template="$A </s>")
    sizes = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 64}
    sizes |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    settings = BYTE_PAIRS | {"decoder_start_token_id": 0}
    save(folder, "PegasusForConditionalGeneration", **sizes, **settings)
    without("embed_positions")(folder)


def test_positions_that_are_calculated_may_be_missing(zoo: Path) -> None:
    """They are sines and cosines then too, and nothing by chance."""
    import torch

    encode = Encoder("summarization", put(zoo, pegasus))
    for part in ("encoder", "decoder"):
        positions = encode.model.get_parameter(f"model.{part}.embed_positions.weight")
        assert torch.allclose(positions[:, 0], torch.arange(64.0).sin(), atol=1e-6)
        assert torch.allclose(positions[:, 16], torch.arange(64.0).cos(), atol=1e-6)
    encoded = encode(text=LONG)
    assert (encoded.prompt_tokens, encoded.cut) == (64, True)
    read, told = encoded.inputs["input_ids"], encoded.inputs["decoder_input_ids"]
    assert told.tolist() == [[0, *read[0, :-1].tolist()]]
    assert encode.model(**encoded.inputs).logits.shape == (1, 64, 400)


def test_a_decoder_is_told_what_it_would_read_by_itself() -> None:
    import torch

    encode = Encoder("summarization", "demo/tiny-bart")
    inputs = encode(text="the river meets the lighthouse").inputs
    told = encode.model(**inputs).logits
    del inputs["decoder_input_ids"]
    assert torch.equal(told, encode.model(**inputs).logits)


def masked_bert(folder: Path) -> None:
    """It has a head of another task, and no pooler; the encoder stands in a part of its own."""
    tokenizer = save_word_pieces(folder, segments=True)
    save(folder, "BertForMaskedLM", **ENCODER, vocab_size=len(tokenizer))


def test_features_of_sentences_need_no_pooler(zoo: Path) -> None:
    import torch
    from transformers import BertForMaskedLM

    name = put(zoo, masked_bert)
    encode = Encoder("sentence_similarity", name)
    inputs = encode(sentence1="a lamp", sentence2="the river").inputs
    expected = BertForMaskedLM.from_pretrained(name).bert.eval()(**inputs).last_hidden_state
    assert torch.equal(encode.model(**inputs).last_hidden_state, expected)


def roberta(folder: Path) -> None:
    """Padding has the token 1 and so the position 1; the first token of a text has the next."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "<pad>", "<unk>", "the", "river", "meets", "lighthouse"]
    core = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>").save_pretrained(folder)
    settings = {**ENCODER, "vocab_size": len(words), "max_position_embeddings": 34}
    save(folder, "RobertaForSequenceClassification", **settings, pad_token_id=1)


def test_a_text_is_cut_to_the_positions_that_hold_tokens(zoo: Path) -> None:
    import torch

    encode = Encoder("text_classification", put(zoo, roberta))
    encoded = encode(text=LONG)
    assert (encoded.prompt_tokens, encoded.cut) == (32, True)
    assert encode.model(input_ids=encoded.inputs["input_ids"]).logits.shape == (1, 2)
    with pytest.raises((RuntimeError, IndexError)):  # one more is one too many
        encode.model(input_ids=torch.full((1, 33), 5))


def blip2(folder: Path) -> None:
    from transformers import Blip2Processor
    from transformers.models.blip import BlipImageProcessorPil

    images = BlipImageProcessorPil(**SIZE)
    Blip2Processor(images, save_byte_pairs(folder), num_query_tokens=4).save_pretrained(folder)
    text = {"model_type": "opt", "hidden_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 64}
    text |= {"num_hidden_layers": 1, "num_attention_heads": 4, "max_position_embeddings": 256}
    text |= BYTE_PAIRS | {"vocab_size": 401}
    parts = {"vision_config": VISION, "qformer_config": {**ENCODER, "vocab_size": 8}}
    parts |= {"text_config": text, "num_query_tokens": 4, "image_token_index": 400}
    save(folder, "Blip2ForConditionalGeneration", **parts)


def vit_gpt2(folder: Path) -> None:
    """An image processor and a tokenizer lie side by side; nothing names a class for both."""
    from transformers.models.vit import ViTImageProcessorPil

    save_byte_pairs(folder)
    ViTImageProcessorPil(**SIZE).save_pretrained(folder)
    assert "processor_class" not in (folder / "preprocessor_config.json").read_text()
    text = {"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 128}
    text |= {"vocab_size": 400, "is_decoder": True, "add_cross_attention": True}
    parts = {"encoder": {"model_type": "vit", **VISION}, "decoder": text}
    save(folder, "VisionEncoderDecoderModel", **parts, **BYTE_PAIRS)
    without("encoder.pooler")(folder)


def moonshine(folder: Path) -> None:
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Processor

    tokenizer = save_byte_pairs(folder)
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "encoder_num_hidden_layers": 1}
    sizes |= {"decoder_num_hidden_layers": 1}
    save(folder, "MoonshineForConditionalGeneration", **sizes, **BYTE_PAIRS)


@pytest.mark.parametrize(
    ("task", "write"), [(CAPTIONS, blip2), (CAPTIONS, vit_gpt2), (SPEECH, moonshine)]
)
def test_what_stands_before_an_output_is_not_counted(
    zoo: Path, own_samples: dict[str, Path], tmp_path: Path, task: TaskName, write: Any
) -> None:
    check_lengths(task, put(zoo, write), own_samples[task], tmp_path / "run")


@pytest.mark.parametrize(
    ("languages", "forced"),
    [(True, [[1, None], [2, 13]]), (True, [[1, 11], [2, 13], [3, 15]]), (False, [[1, 15]])],
)
def test_a_transcript_begins_after_the_marks_of_language_and_task(
    zoo: Path, own_samples: dict[str, Path], tmp_path: Path, languages: bool, forced: Any
) -> None:
    marks: Any = {"lang_to_id": {"<|en|>": 11, "<|de|>": 12}, "no_timestamps_token_id": 15}
    marks |= {"task_to_id": {"transcribe": 13, "translate": 14}, "forced_decoder_ids": forced}
    # Without the first of these, only what the model's own config has is read.
    marks |= {"_from_model_config": False, "is_multilingual": languages}
    file = "generation_config.json"
    model = altered_copy(zoo, WHISPER, lambda files: rewrite_json(files / file, **marks))
    check_lengths(SPEECH, model, own_samples[SPEECH], tmp_path / "run")


def test_a_quantized_part_of_a_pipeline_is_seen() -> None:
    recipe = recipe_of(task_spec("image_generation", DRAWING))
    parts = recipe.load_model("cpu")._pipeline
    assert recipe.describe(None, Pipeline(parts, DRAWING)).quantization is None
    parts.unet.register_to_config(quantization_config={"quant_method": "torchao"})
    assert recipe.describe(None, Pipeline(parts, DRAWING)).quantization == "torchao"


def test_a_quantization_that_no_part_has_is_refused() -> None:
    spec = task_spec("image_generation", ModelSpec(id=DRAWING, quantization="torchao"))
    with pytest.raises(ModelFault, match="torchao was asked for, the checkpoint has none"):
        recipe_of(spec).load_model("cpu")


def know_a_word_too_many(files: Path) -> None:
    """The tokenizer has a token that the model has no weights for."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(files)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(files)


def run_with(zoo: Path, tmp_path: Path, bad: set[int]) -> RunReport:
    """A run over ten texts; those of these numbers fail in the model."""
    path, folder = tmp_path / "texts.jsonl", tmp_path / "run"
    texts = ["zebra" if number in bad else f"river {number}" for number in range(10)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    samples = SampleSource(folder_sha256=samples_sha256(path))
    model = altered_copy(zoo, T5, know_a_word_too_many)
    spec = task_spec("summarization", model, samples=samples, repetitions=1)
    launch = Launch(engine="none", launched_at=NOW, samples_path=str(path))
    folder.mkdir()
    (folder / "run_spec.json").write_text(spec.to_json())
    (folder / "launch.json").write_text(launch.to_json())
    report = run(folder)
    assert report.outcome == "failed" or differences(spec, report) == []
    return report


@pytest.mark.parametrize("bad", [0, 9])
def test_the_first_or_last_sample_may_fail_like_any_other(
    zoo: Path, tmp_path: Path, bad: int
) -> None:
    report = run_with(zoo, tmp_path, {bad})
    assert report.outcome == "finished", report.failure
    assert report.applied.limits == task_spec("summarization", T5).limits
    assert [window.failed for window in report.repetitions[0].windows] == [0, 1, 1]
    assert (report.summary.successful_prompts, report.summary.failed_prompts) == (9, 1)
    assert report.summary.tokens.completion == 90
    assert report.verdict.verdict == "flagged" and "samples_failed" in report.verdict.reasons


def test_a_warm_up_gives_up_where_the_run_would(zoo: Path, tmp_path: Path) -> None:
    report = run_with(zoo, tmp_path, {0, 1})
    assert report.failure.kind == ModelFault.kind
    whose = "model demo/altered-tiny-t5, summarization"
    assert report.failure.message.startswith(f"{whose}: 2 samples failed before any was run")
