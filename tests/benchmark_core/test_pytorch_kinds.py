"""Every model of the zoo through the PyTorch backend: what runs, how long, under which settings."""

from pathlib import Path
from typing import Any

import pytest

from benchmark_core.contract import TaskName, TokenLimits
from benchmark_core.kinds import ONE_TOKEN
from demo.hub_layout import rewrite_json
from tests.support.task_runs import (  # noqa: F401
    T5,
    VARIANTS,
    Bench,
    Benches,
    Variant,
    altered_copy,
    bench_of,
    built_zoo,
    halve,
    own_samples,
    variant,
    zoo,
)

pytestmark = pytest.mark.usefixtures("zoo")

WHISPER, BLIP = "demo/tiny-whisper", "demo/tiny-blip"
each_variant = pytest.mark.parametrize("one", VARIANTS, ids=lambda one: one.name)
generating = pytest.mark.parametrize(
    "one", [one for one in VARIANTS if one.kind == "generate"], ids=lambda one: one.name
)


def listen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, list[int]]]:
    """Collects the settings and the whole sequence of each generate() from now on."""
    heard: list[tuple[Any, list[int]]] = []
    original = bench.model.generate

    def listening(**arguments: Any) -> Any:
        result = original(**arguments)
        heard.append((arguments["generation_config"], result[0].tolist()))
        return result

    monkeypatch.setattr(bench.model, "generate", listening)
    return heard


def count_forward_passes(bench: Bench, one: Variant) -> list[int]:
    """Grows by one with each forward pass of the part that writes, reads or draws."""
    network = bench.model
    if one.kind == "call":
        network = network._pipeline.unet
    elif one.model == BLIP:
        network = network.text_decoder
    passes: list[int] = []
    network.register_forward_hook(lambda *_: passes.append(1))
    return passes


# ---------------------------------------------------------------- passes and lengths


@each_variant
def test_each_pass_of_a_variant_makes_what_the_method_asks(one: Variant, bench_of: Benches) -> None:  # noqa: F811
    bench, prepared = bench_of(one)
    assert bench.loaded.kind == one.kind
    assert bench.loaded.dtype == one.precision
    names = [step.name for step in bench.passes]
    if one.kind == "generate":
        assert names == ["preprocess", "prefill", "generate"]
        first = bench.backend.run(prepared[0], bench.passes[1])
        assert (first.completion_tokens, len(first.token_ids or ())) == (1, 1)
        assert first.first_token_at is None
        assert bench.backend.conditions().limits == ONE_TOKEN
    else:
        assert names == ["preprocess", one.kind]

    results = [bench.backend.run(item, bench.longest) for item in prepared]
    for item, result in zip(prepared, results, strict=True):
        assert result.completion_tokens == one.new_tokens
        assert (result.prompt_tokens is not None) == one.reads_text
        assert result.prompt_tokens == item.prompt_tokens
        if one.kind == "generate":
            assert len(result.token_ids or ()) == one.new_tokens
            assert result.first_token_at is not None
    found = bench.backend.conditions()
    assert found.batch_size == 1
    assert found.steps == (30 if one.kind == "call" else None)
    exactly = TokenLimits(max_new_tokens=one.new_tokens or 1, min_new_tokens=one.new_tokens or 1)
    assert found.limits == (exactly if one.kind == "generate" else None)


@each_variant
def test_a_pass_is_as_many_forward_passes_as_tokens_or_steps(
    one: Variant,
    bench_of: Benches,  # noqa: F811
) -> None:
    bench, prepared = bench_of(one)
    passes = count_forward_passes(bench, one)
    bench.backend.run(prepared[0], bench.longest)
    assert len(passes) == {"generate": one.new_tokens, "forward": 1, "call": 30}[one.kind]


@each_variant
def test_warm_up_is_one_long_run_and_ten_short_ones(one: Variant, bench_of: Benches) -> None:  # noqa: F811
    bench, prepared = bench_of(one)
    passes = count_forward_passes(bench, one)
    bench.backend.warm_up(prepared[0], bench.passes)
    expected = {"generate": one.new_tokens + 10 * 2, "forward": 10, "call": 30 + 10 * 2}
    assert len(passes) == expected[one.kind]


# ---------------------------------------------------------------- generation settings


@generating
def test_generation_is_greedy_and_of_exact_length(
    one: Variant,
    bench_of: Benches,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, prepared = bench_of(one)
    heard = listen(bench, monkeypatch)
    result = bench.backend.run(prepared[0], bench.longest)
    ((settings, sequence),) = heard
    assert settings.do_sample is False
    assert (settings.num_beams, settings.num_return_sequences) == (1, 1)
    assert settings.use_cache is True
    assert settings.min_new_tokens == settings.max_new_tokens == one.new_tokens
    assert list(result.token_ids or ()) == sequence[-one.new_tokens :]
    # What starts a decoder is one token, a prompt comes back whole, and speech without its start.
    before = {WHISPER: 0}.get(one.model, 1)
    if one.task == "text_generation" and one.model != T5:
        before = prepared[0].prompt_tokens
    assert len(sequence) == before + one.new_tokens


@generating
def test_the_same_sample_gives_the_same_tokens_and_others_may_differ(
    one: Variant,
    bench_of: Benches,  # noqa: F811
) -> None:
    bench, prepared = bench_of(one)
    first, second = (bench.backend.run(prepared[0], bench.longest) for _ in range(2))
    assert list(first.token_ids or ()) == list(second.token_ids or ())


def settle_for_sampling(files: Path) -> None:
    path = files / "generation_config.json"
    if not path.exists():
        path.write_text("{}")
    rewrite_json(
        path,
        do_sample=True,
        temperature=50.0,
        num_beams=4,
        repetition_penalty=9.0,
        no_repeat_ngram_size=1,
        max_length=3,
        max_new_tokens=2,
        forced_eos_token_id=7,
        use_cache=False,
    )


@generating
def test_the_checkpoint_cannot_change_the_experiment(
    one: Variant,
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    bench, prepared = bench_of(one)
    expected = list(bench.backend.run(prepared[0], bench.longest).token_ids or ())
    other, prepared = bench_of(one, altered_copy(zoo, one.model, settle_for_sampling))
    assert list(other.backend.run(prepared[0], other.longest).token_ids or ()) == expected


@pytest.mark.parametrize(
    ("task", "model", "start"),
    [("summarization", T5, "<pad>"), ("text_generation", T5, "<pad>")],
)
def test_a_decoder_starts_as_its_checkpoint_says(
    task: TaskName,
    model: str,
    start: str,
    bench_of: Benches,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, prepared = bench_of(variant(task, model))
    heard = listen(bench, monkeypatch)
    bench.backend.run(prepared[0], bench.longest)
    assert bench.backend._processor.decode(heard[0][1][:1]) == start
    assert bench.model.generation_config.decoder_start_token_id == heard[0][1][0]


def start_otherwise(files: Path) -> None:
    rewrite_json(files / "generation_config.json", decoder_start_token_id=9)


def test_the_start_that_the_generation_settings_name_goes_first(
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = variant("summarization", T5)
    bench, prepared = bench_of(one, altered_copy(zoo, T5, start_otherwise))
    heard = listen(bench, monkeypatch)
    bench.backend.run(prepared[0], bench.longest)
    assert heard[0][1][0] == 9


# ---------------------------------------------------------------- speech

SUPPRESSED = list(range(20, 300))


def settle_for_speech(files: Path) -> None:
    """As the released models that know several languages: marks of language and task."""
    rewrite_json(
        files / "generation_config.json",
        _from_model_config=False,  # else only what the config of the model has is read
        is_multilingual=True,
        lang_to_id={"<|en|>": 11, "<|de|>": 12},
        task_to_id={"transcribe": 13, "translate": 14},
        no_timestamps_token_id=15,
        suppress_tokens=SUPPRESSED,
        begin_suppress_tokens=[16, 17],
        temperature=50.0,
        do_sample=True,
        repetition_penalty=9.0,
    )


def test_speech_keeps_the_settings_without_which_it_does_not_work(
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    one = variant("automatic_speech_recognition", WHISPER)
    bench, prepared = bench_of(one, altered_copy(zoo, WHISPER, settle_for_speech))
    kept = bench.model.generation_config
    assert kept.is_multilingual is True
    assert kept.lang_to_id == {"<|en|>": 11, "<|de|>": 12}
    assert kept.task_to_id == {"transcribe": 13, "translate": 14}
    assert kept.no_timestamps_token_id == 15
    assert kept.suppress_tokens == SUPPRESSED
    assert kept.begin_suppress_tokens == [16, 17]
    assert kept.temperature in (None, 1.0)
    assert kept.repetition_penalty in (None, 1.0)
    assert not kept.do_sample
    for item in prepared:
        result = bench.backend.run(item, bench.longest)
        assert result.completion_tokens == 100
        assert not set(result.token_ids or ()) & set(SUPPRESSED)
        assert result.token_ids[0] not in (16, 17)
        assert bench.backend.run(item, bench.passes[1]).completion_tokens == 1


def suppress(files: Path) -> None:
    rewrite_json(files / "generation_config.json", suppress_tokens=SUPPRESSED)


def test_other_models_keep_no_such_settings(
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    one = variant("summarization", T5)
    bench, _ = bench_of(one, altered_copy(zoo, T5, suppress))
    assert bench.model.generation_config.suppress_tokens is None


# ---------------------------------------------------------------- precision


@each_variant
def test_a_variant_runs_in_the_precision_of_its_task_though_saved_in_another(
    one: Variant,
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    bench, prepared = bench_of(one, altered_copy(zoo, one.model, halve))
    assert bench.loaded.dtype == one.precision
    result = bench.backend.run(prepared[0], bench.longest)
    assert result.completion_tokens == one.new_tokens


@pytest.mark.parametrize(
    "one", [one for one in VARIANTS if one.kind != "call"], ids=lambda one: one.name
)
def test_auto_runs_what_the_checkpoint_was_saved_in(
    one: Variant,
    bench_of: Benches,  # noqa: F811
    zoo: Path,  # noqa: F811
) -> None:
    bench, prepared = bench_of(one, altered_copy(zoo, one.model, halve), precision="auto")
    assert bench.loaded.dtype == "float16"
    result = bench.backend.run(prepared[0], bench.longest)
    assert result.completion_tokens == one.new_tokens


def test_a_pipeline_of_automatic_precision_says_what_it_was_loaded_in(bench_of: Benches) -> None:  # noqa: F811
    one = variant("image_generation", "demo/tiny-stable-diffusion")
    bench, prepared = bench_of(one, precision="auto")
    weights = {str(weight.dtype) for weight in bench.model.parameters()}
    assert weights == {f"torch.{bench.loaded.dtype}"}
    bench.backend.run(prepared[0], bench.longest)
