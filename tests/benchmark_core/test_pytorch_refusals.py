"""What the PyTorch backend refuses in every task: other lengths, and samples that are damaged."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark_core.backends.base import SampleResult, Unusable
from benchmark_core.kinds import MeasuredPass
from demo.hub_layout import rewrite_json
from tests.support.task_runs import (  # noqa: F401
    VARIANTS,
    Bench,
    Benches,
    Variant,
    altered_copy,
    bench_of,
    built_zoo,
    own_samples,
    read_samples,
    task_spec,
    variant,
    zoo,
)

pytestmark = pytest.mark.usefixtures("zoo")

WHISPER = "demo/tiny-whisper"
generating = pytest.mark.parametrize(
    "one", [one for one in VARIANTS if one.kind == "generate"], ids=lambda one: one.name
)


@pytest.mark.parametrize("by", [-1, 1])
@generating
def test_an_output_of_another_length_is_refused(
    one: Variant,
    by: int,
    bench_of: Benches,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, prepared = bench_of(one)
    original = bench.model.generate

    def other_length(**arguments: Any) -> Any:
        whole = original(**arguments)
        return whole[:, :-1] if by < 0 else torch.cat([whole, whole[:, -1:]], dim=1)

    monkeypatch.setattr(bench.model, "generate", other_length)
    with pytest.raises(ValueError, match=f"{one.new_tokens + by} new tokens.*were asked for"):
        bench.backend.run(prepared[0], bench.longest)


def test_a_decoder_with_too_few_positions_fails_and_is_not_cut_short(
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    """One that writes less than was asked would look cheaper than it is."""

    def shorten(files: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(files / "model.safetensors")
        name = "model.decoder.embed_positions.weight"
        weights[name] = weights[name][:64].clone()
        save_file(weights, files / "model.safetensors", metadata={"format": "pt"})
        rewrite_json(files / "config.json", max_target_positions=64)

    one = variant("automatic_speech_recognition", WHISPER)
    bench, prepared = bench_of(one, altered_copy(zoo, WHISPER, shorten))
    with pytest.raises(Exception, match="64"):
        bench.backend.run(prepared[0], bench.longest)


def damaged(kind: str) -> dict[str, Any]:
    from PIL import Image

    content = io.BytesIO()
    if kind == "image":
        Image.new("RGB", (50, 50), (200, 0, 0)).save(content, "PNG")
    else:
        import soundfile

        soundfile.write(content, [0.1] * 8000, 16000, format="WAV")
    half = content.getvalue()[: len(content.getvalue()) // 2]
    return {"bytes": half, "path": f"broken.{kind}"}


@pytest.mark.parametrize(
    "one",
    [one for one in VARIANTS if not one.reads_text and one.kind != "call"],
    ids=lambda one: one.name,
)
@pytest.mark.parametrize("what", ["cut off", "no such kind", "empty", "gone"])
def test_one_bad_sample_fails_alone(
    one: Variant,
    what: str,
    bench_of: Benches,  # noqa: F811
    own_samples: dict[str, Path],  # noqa: F811
) -> None:
    bench, _ = bench_of(one)
    column = "audio" if one.task == "automatic_speech_recognition" else "image"
    bad: dict[str, dict[str, Any]] = {
        "cut off": damaged(column),
        "no such kind": {"bytes": b"words, not pictures or sounds", "path": f"broken.{column}"},
        "empty": {"bytes": b"", "path": f"broken.{column}"},
        "gone": {"bytes": None, "path": f"/nonexistent/broken.{column}"},
    }
    good = read_samples(one.task, own_samples[one.task])
    prepared = bench.backend.preprocess([good[0], {column: bad[what]}, good[1]])
    assert [isinstance(item, Unusable) for item in prepared] == [False, True, False]
    assert f"broken.{column}" in prepared[1].because
    assert "\n" not in prepared[1].because
    results: list[SampleResult] = [
        bench.backend.run(item, bench.longest) for item in (prepared[0], prepared[2])
    ]
    assert {result.completion_tokens for result in results} == {one.new_tokens}


def test_a_model_without_segments_or_padding_classifies(
    zoo: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """A classifier on top of a model that writes on: its tokenizer has no token for padding."""
    from transformers import GPT2Config, GPT2ForSequenceClassification

    def become_classifier(files: Path) -> None:
        make: Any = GPT2Config
        old = GPT2Config.from_pretrained(files)
        config = make(vocab_size=old.vocab_size, n_embd=32, n_layer=2, n_head=4, n_positions=64)
        (files / "model.safetensors").unlink()
        GPT2ForSequenceClassification(config).save_pretrained(files)

    model = altered_copy(zoo, "demo/tiny-gpt2-reasoner", become_classifier)
    bench = Bench(task_spec("text_classification", model), tmp_path / "run")
    prepared = bench.backend.preprocess([{"text": "a fine film"}, {"text": "dull " * 500}])
    for item in prepared:
        assert bench.backend.run(item, MeasuredPass("forward")).completion_tokens == 0
    assert prepared[1].prompt_tokens == 64
