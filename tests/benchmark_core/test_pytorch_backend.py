"""Real generation with the demo's models on the CPU, whose every token is known beforehand."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark_core.backends import generation, pytorch, registry as backends
from benchmark_core.backends.base import SampleResult, Unusable, refuse_other_length
from benchmark_core.backends.pytorch import PyTorchBackend
from benchmark_core.backends.torch_device import check_device
from benchmark_core.contract import BackendSpec, DeviceSpec, ModelSpec, RunSpec, TokenLimits
from benchmark_core.faults import MemoryFault, ModelFault, RunFault, SpecFault
from benchmark_core.kinds import MeasuredPass, passes_of
from demo.tiny_models import HIGH_CHAIN, LOW_CHAIN, OFF_CHAIN, ON_CHAIN, OPENED_CHAIN
from tests.support import builders
from tests.support.tiny_hub import (  # noqa: F401
    GPT2,
    LLAMA,
    altered_copy,
    built_hub,
    make_backend,
    make_recipe,
    make_spec,
    rewrite_json,
    snapshot,
    tiny_hub,
)

PROMPTS = [{"text": "What floats?"}, {"text": "Name a cat."}, {"text": "ü 猫 🐈\nnew line"}]


def passes(spec: RunSpec) -> tuple[MeasuredPass, ...]:
    return passes_of("generate", spec.limits, spec.steps)


def generate(backend: PyTorchBackend, spec: RunSpec) -> list[SampleResult]:
    step = passes(spec)[-1]
    return [backend.run(prepared, step) for prepared in backend.preprocess(PROMPTS)]


def last_tokens(backend: PyTorchBackend, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Collects the whole token sequences that generate() returns from now on."""
    sequences: list[list[int]] = []
    original = backend._model.generate

    def listening(**arguments: Any) -> Any:
        result = original(**arguments)
        sequences.append(result[0].tolist())
        return result

    monkeypatch.setattr(backend._model, "generate", listening)
    return sequences


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize(
    ("model", "state", "chain", "finish"),
    [
        (LLAMA, "On", ON_CHAIN, "stop"),
        (LLAMA, "On (High)", HIGH_CHAIN, "stop"),
        (LLAMA, "On (Low)", LOW_CHAIN, "stop"),
        (LLAMA, "Off", OFF_CHAIN, "length"),
        (GPT2, "On", OPENED_CHAIN, "stop"),
        (GPT2, "Off", OFF_CHAIN, "length"),
    ],
)
def test_each_state_generates_its_planted_chain(
    model: str,
    state: str,
    chain: tuple[str, ...],
    finish: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = make_spec(model, state)
    backend = make_backend(spec)
    loaded = backend.load()
    sequences = last_tokens(backend, monkeypatch)
    results = generate(backend, spec)

    assert [result.completion_tokens for result in results] == [len(chain)] * len(PROMPTS)
    assert {result.finish_reason for result in results} == {finish}
    for sequence, result in zip(sequences, results, strict=True):
        answer = backend._processor.decode(sequence[result.prompt_tokens :])
        assert answer == "".join(chain)
        assert list(result.token_ids or ()) == sequence[result.prompt_tokens :]
    assert loaded.dtype == "float16"
    assert {weight.dtype for weight in backend._model.parameters()} == {torch.float16}
    assert backend.conditions().prompts_cut == 0
    assert backend.conditions().limits == spec.limits


@pytest.mark.usefixtures("tiny_hub")
def test_states_differ_in_prompt_and_answer() -> None:
    seen = {}
    for state in ("On", "On (High)", "Off"):
        spec = make_spec(LLAMA, state)
        backend = make_backend(spec)
        backend.load()
        prompt = backend.preprocess(PROMPTS[:1])[0]
        seen[tuple(prompt.inputs["input_ids"][0].tolist())] = generate(backend, spec)[0]
    assert len(seen) == 3
    assert len({result.completion_tokens for result in seen.values()}) == 3


@pytest.mark.usefixtures("tiny_hub")
def test_both_limits_are_honoured() -> None:
    backend = make_backend(make_spec(LLAMA, "On"))
    backend.load()
    prepared = backend.preprocess(PROMPTS)[0]

    def run(most: int, least: int) -> tuple[int, str]:
        limits = TokenLimits(max_new_tokens=most, min_new_tokens=least)
        result = backend.run(prepared, MeasuredPass("generate", limits))
        return result.completion_tokens, result.finish_reason

    assert run(1, 1) == (1, "length")
    assert run(3, 1) == (3, "length")
    assert run(14, 1) == (14, "stop")
    assert run(8192, 1) == (14, "stop")
    # Held back at 14, end-of-text comes after two more answers of five tokens.
    assert run(8192, 20) == (24, "stop")
    assert run(20, 20) == (20, "length")


def end_at_reply_too(files: Path) -> None:
    from transformers import AutoTokenizer

    reply = AutoTokenizer.from_pretrained(files)(" reply", add_special_tokens=False)["input_ids"]
    rewrite_json(files / "generation_config.json", eos_token_id=[1, *reply])


def settle_for_sampling(files: Path) -> None:
    rewrite_json(
        files / "generation_config.json",
        do_sample=True,
        temperature=50.0,
        top_k=0,
        top_p=1.0,
        repetition_penalty=9.0,
        no_repeat_ngram_size=1,
    )


def settle_for_other_lengths(files: Path) -> None:
    rewrite_json(
        files / "generation_config.json",
        max_length=3,
        min_length=40,
        max_new_tokens=2,
        min_new_tokens=40,
        max_time=1e-9,
        use_cache=False,
    )


def settle_for_other_tokens(files: Path) -> None:
    rewrite_json(
        files / "generation_config.json",
        suppress_tokens=list(range(10, 300)),
        begin_suppress_tokens=[4, 5],
        forced_bos_token_id=7,
        forced_eos_token_id=7,
        bad_words_ids=[[token] for token in range(300, 400)],
        sequence_bias=[[[9], 99.0]],
        stop_strings=["look"],
        num_beams=3,
        num_return_sequences=2,
    )


@pytest.mark.parametrize(
    "alter", [settle_for_sampling, settle_for_other_lengths, settle_for_other_tokens]
)
def test_the_checkpoint_cannot_change_the_experiment(
    tiny_hub: Path,  # noqa: F811
    alter: Callable[[Path], None],
) -> None:
    spec = make_spec(altered_copy(tiny_hub, LLAMA, alter), "On")
    backend = make_backend(spec)
    backend.load()
    counts = [(item.completion_tokens, item.finish_reason) for item in generate(backend, spec)]
    assert counts == [(len(ON_CHAIN), "stop")] * len(PROMPTS)


def test_the_checkpoint_still_says_which_tokens_end_a_text(tiny_hub: Path) -> None:  # noqa: F811
    spec = make_spec(altered_copy(tiny_hub, LLAMA, end_at_reply_too), "On")
    backend = make_backend(spec)
    backend.load()
    first = generate(backend, spec)[0]
    assert (first.completion_tokens, first.finish_reason) == (len(ON_CHAIN) - 1, "stop")


@pytest.mark.usefixtures("tiny_hub")
def test_prefill_makes_one_token_and_warm_up_one_answer_and_ten_pairs() -> None:
    spec = make_spec(LLAMA, "On")
    backend = make_backend(spec)
    backend.load()
    of_run = passes(spec)
    prepared = backend.preprocess(PROMPTS)[0]
    assert backend.run(prepared, of_run[1]).completion_tokens == 1

    steps: list[int] = []
    backend._model.register_forward_hook(lambda *_: steps.append(1))
    backend.warm_up(prepared, of_run)
    assert len(steps) == len(ON_CHAIN) + 10 * 2


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize(
    ("precision", "dtype"), [("float16", "float16"), ("float32", "float32"), ("auto", "float32")]
)
def test_the_dtype_is_the_one_asked_for(precision: str, dtype: str) -> None:
    assert make_backend(make_spec(LLAMA, precision=precision)).load().dtype == dtype


def test_what_was_loaded_is_described(tiny_hub: Path) -> None:  # noqa: F811
    model = ModelSpec(id=GPT2, processor=LLAMA, trust_remote_code=True)
    loaded = make_backend(make_spec(model, "Off")).load()
    assert loaded.commit == snapshot(tiny_hub, GPT2).name
    assert (loaded.model_id, loaded.processor) == (GPT2, LLAMA)
    assert loaded.processor_commit == snapshot(tiny_hub, LLAMA).name != loaded.commit
    assert loaded.kind == "generate"
    assert loaded.device == DeviceSpec(kind="cpu", gpu_count=0)
    assert loaded.quantization is None
    # It was allowed to, and had no code of its own.
    assert not loaded.ran_own_code


def bring_own_code(files: Path) -> None:
    (files / "own.py").write_text(
        "from transformers import LlamaForCausalLM\n\n\nclass Own(LlamaForCausalLM):\n    pass\n"
    )
    rewrite_json(files / "config.json", auto_map={"AutoModelForCausalLM": "own.Own"})


def test_code_of_the_models_own_is_seen_in_what_was_loaded(
    tiny_hub: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    name = altered_copy(tiny_hub, LLAMA, bring_own_code)
    loaded = make_backend(make_spec(ModelSpec(id=name, trust_remote_code=True))).load()
    assert loaded.ran_own_code


@pytest.mark.usefixtures("tiny_hub")
def test_the_conditions_are_those_given_to_template_and_generation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = make_spec(LLAMA, "On (High)")
    backend = make_backend(spec)
    backend.load()
    _, prefill, generate_pass = passes(spec)
    prepared = backend.preprocess(PROMPTS)
    for step in (prefill, generate_pass):
        backend.run(prepared[0], step)
        assert backend.conditions().limits == step.limits
    found = backend.conditions()
    assert (found.prompt_form, found.batch_size, found.prompts_cut) == ("chat", 1, 0)
    assert found.template_kwargs == {"enable_thinking": True, "reasoning_effort": "high"}

    # A settings object that lost the limits on the way shows.
    lost = TokenLimits(max_new_tokens=2, min_new_tokens=1)
    monkeypatch.setattr(
        pytorch, "settings_of", lambda model, _: generation.settings_of(model, lost)
    )
    backend.run(prepared[0], replace(generate_pass))
    assert backend.conditions().limits == lost


@pytest.mark.usefixtures("tiny_hub")
def test_a_tokenizer_without_a_template_gives_raw_prompts_and_no_switches() -> None:
    backend = make_backend(make_spec(LLAMA, "Off"))
    backend.load()
    backend._processor.chat_template = None
    backend.preprocess(PROMPTS)
    assert backend.conditions().prompt_form == "raw"
    assert backend.conditions().template_kwargs == {}


@pytest.mark.usefixtures("tiny_hub")
def test_a_model_beside_the_gpus_of_its_run_is_refused_before_it_is_measured() -> None:
    loaded = make_backend(make_spec(LLAMA)).load()
    check_device(DeviceSpec(kind="cpu", gpu_count=1).used_by_model(), loaded)
    on_one = replace(loaded, device=DeviceSpec(kind="cuda", gpu_count=1))
    check_device(DeviceSpec(kind="cuda", gpu_count=1).used_by_model(), on_one)
    with pytest.raises(ModelFault, match=r"put on cuda with 1 GPU\(s\).*asks for cuda with 2"):
        check_device(DeviceSpec(kind="cuda", gpu_count=2).used_by_model(), on_one)


def allocate_too_much(*_: Any) -> None:
    torch.empty(2**62, dtype=torch.uint8)


def raise_as_a_gpu_does(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize("exhaust", [allocate_too_much, raise_as_a_gpu_does])
def test_memory_that_runs_out_is_a_memory_fault(exhaust: Callable[..., None]) -> None:
    spec = make_spec(LLAMA, "On")
    backend = make_backend(spec)
    backend.load()
    backend._model.register_forward_pre_hook(exhaust)
    with pytest.raises(MemoryFault, match=f"{LLAMA}: cpu ran out of memory while a sample ran"):
        generate(backend, spec)


@pytest.mark.usefixtures("tiny_hub")
def test_memory_that_runs_out_while_loading_is_a_memory_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr(
        AutoModelForCausalLM, "from_pretrained", lambda *_, **__: raise_as_a_gpu_does()
    )
    with pytest.raises(MemoryFault, match="while the model was loaded"):
        make_backend(make_spec(LLAMA)).load()


@pytest.mark.usefixtures("tiny_hub")
def test_a_bad_sample_fails_alone() -> None:
    spec = make_spec(LLAMA, "Off")
    backend = make_backend(spec)
    backend.load()
    bad, good = backend.preprocess(PROMPTS[:2])
    bad.inputs["input_ids"][0, 0] = 10**6
    step = passes(spec)[-1]
    with pytest.raises(Exception) as caught:
        backend.run(bad, step)
    assert not isinstance(caught.value, RunFault)
    assert backend.run(good, step).completion_tokens == 10


@pytest.mark.usefixtures("tiny_hub")
def test_a_sample_that_cannot_be_prepared_says_why_and_is_left_out() -> None:
    spec = make_spec(LLAMA, "Off")
    backend = make_backend(spec)
    backend.load()
    long = {"text": " the cat" * 3000}
    unusable, short, cut = backend.preprocess([{"words": "none"}, PROMPTS[0], long])
    assert unusable == Unusable("KeyError: 'text'")
    for usable in (short, cut):
        assert backend.run(usable, passes(spec)[-1]).completion_tokens == 10
    found = backend.conditions()
    assert (found.prompt_form, found.prompts_cut, found.steps) == ("chat", 1, None)


@pytest.mark.usefixtures("tiny_hub")
def test_a_fault_of_the_whole_run_is_no_bad_sample() -> None:
    backend = make_backend(make_spec(LLAMA, "Off"))
    backend.load()
    backend._processor.chat_template = "{{ raise_exception('no') }}"
    with pytest.raises(RunFault):
        backend.preprocess(PROMPTS)


@pytest.mark.usefixtures("tiny_hub")
def test_tokens_that_were_not_asked_for_fail_the_sample() -> None:
    spec = make_spec(LLAMA, "Off")
    backend = make_backend(spec)
    backend.load()
    prepared = backend.preprocess(PROMPTS)[0]
    with_prompt = replace(prepared, echoed_tokens=0)
    with pytest.raises(ValueError, match="new tokens, and at least 10 and at most 10"):
        backend.run(with_prompt, passes(spec)[-1])
    assert backend.run(prepared, passes(spec)[-1]).completion_tokens == 10


@pytest.mark.parametrize(("tokens", "fits"), [(9, False), (10, True), (20, True), (21, False)])
def test_both_ends_of_the_limits_fit(tokens: int, fits: bool) -> None:
    limits = TokenLimits(max_new_tokens=20, min_new_tokens=10)
    if fits:
        refuse_other_length(tokens, limits)
        return
    with pytest.raises(ValueError, match=f"{tokens} new tokens"):
        refuse_other_length(tokens, limits)


@pytest.mark.usefixtures("tiny_hub")
def test_close_gives_the_memory_back_and_can_be_called_twice() -> None:
    backend = make_backend(make_spec(LLAMA))
    backend.load()
    backend.synchronise()
    alive = weakref.ref(backend._model)
    backend.close()
    backend.close()
    gc.collect()
    assert alive() is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
def test_a_missing_gpu_is_said_before_anything_is_loaded() -> None:
    spec = make_spec(LLAMA, device=DeviceSpec(kind="cuda", gpu_count=2))
    with pytest.raises(ModelFault, match=r"needs 2 CUDA GPU\(s\), PyTorch sees 0") as caught:
        make_backend(spec).load()
    assert "nvidia-smi" in caught.value.remedy


def test_a_simulated_device_is_refused() -> None:
    spec = make_spec(LLAMA, device=DeviceSpec(kind="simulated", gpu_count=1))
    with pytest.raises(SpecFault, match="simulated device"):
        make_backend(spec).load()


def test_the_registry_makes_the_backend_of_the_spec(tmp_path: Path) -> None:
    spec = make_spec(LLAMA)
    launch = builders.launch()
    made = backends.create(spec, launch, make_recipe(spec), "generate", tmp_path)
    assert isinstance(made, PyTorchBackend)
    other = make_spec(LLAMA, backend=BackendSpec(name="vllm"))
    with pytest.raises(SpecFault, match="the endpoint"):
        backends.create(other, launch, make_recipe(other), "generate", tmp_path)
    assert set(backends.DELEGATES) == {"optimum"}
