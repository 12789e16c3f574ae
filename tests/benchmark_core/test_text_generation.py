"""Text generation as a task: its limits, its prompts, and how it loads models."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import AutoTokenizer, ByT5Tokenizer

from benchmark_core.checkpoints.loading import (
    check_still_quantized,
    weights_device,
    weights_dtype,
)
from benchmark_core.contract import DeviceSpec, ModelSpec, RunSpec, TokenLimits
from benchmark_core.faults import HubFault, ModelFault, ReasoningFault, RunFault, SampleFault
from benchmark_core.recipe import Encoded
from benchmark_core.tasks import registry as tasks
from benchmark_core.tasks.text_generation import cut_text
from tests.support.hub_server import refusing_hub
from tests.support.tiny_hub import (  # noqa: F401
    GPT2,
    LLAMA,
    altered_copy,
    built_hub,
    make_recipe,
    make_spec,
    rewrite_json,
    snapshot,
    tiny_hub,
    with_file,
    with_template,
)

TASK = tasks.get("text_generation")


@pytest.mark.parametrize(("reasons", "most", "least"), [(True, 8192, 1), (False, 10, 10)])
def test_a_run_that_reasons_has_room_for_it(reasons: bool, most: int, least: int) -> None:
    limits = TASK.limits(reasons)
    assert limits == TokenLimits(max_new_tokens=most, min_new_tokens=least)


def test_the_registries_load_no_model_library() -> None:
    program = (
        "import sys, benchmark_core.tasks.registry, benchmark_core.backends.registry,"
        " benchmark_core.samples, benchmark_core.reasoning.states\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'datasets', 'huggingface_hub', 'PIL',"
        " 'numpy', 'soundfile', 'soxr', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---------------------------------------------------------------- prompts


def encode(spec: RunSpec, text: str, **config: Any) -> tuple[Encoded, str]:
    """A prompt for a model whose config has only what is given, and the prompt decoded."""
    recipe = make_recipe(spec)
    tokenizer = recipe.load_processor()
    encoded = encode_for(recipe, text, tokenizer, **config)
    return encoded, tokenizer.decode(encoded.inputs["input_ids"][0])


def encode_for(recipe: Any, text: str, tokenizer: Any, **config: Any) -> Encoded:
    recipe._chosen._checkpoint.config = SimpleNamespace(**config)
    encoded: Encoded = recipe.encode({"text": text}, tokenizer, None)
    return encoded


@pytest.mark.usefixtures("tiny_hub")
def test_a_short_prompt_is_whole() -> None:
    encoded, prompt = encode(make_spec(LLAMA, "Off"), "What floats?", max_position_embeddings=4096)
    assert prompt == "<|begin|><|user|>What floats?<|end|><|assistant|><think></think>"
    assert encoded.inputs["input_ids"].shape == (1, encoded.prompt_tokens)
    assert not encoded.cut


@pytest.mark.usefixtures("tiny_hub")
def test_a_raw_prompt_gets_the_tokens_its_tokenizer_adds() -> None:
    recipe = make_recipe(make_spec(LLAMA, "Off"))
    tokenizer = recipe.load_processor()
    tokenizer.chat_template = None
    encoded = encode_for(recipe, "What floats?", tokenizer, max_position_embeddings=4096)
    assert tokenizer.decode(encoded.inputs["input_ids"][0]) == "<|begin|>What floats?"


HEAD = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
FLAG_TEMPLATE = (
    "{% for message in messages if message.role == 'user' %}{{ '<|user|>' + message.content }}"
    "{% endfor %}{{ '<|assistant|>' }}"
    "{% if messages[0].content == '/no_think' %}{{ '<think></think>' }}{% endif %}"
)
BY_FILE, BY_FLAG = "mistralai/Magistral-Small-2507", "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
BASE, HYBRID = "google/gemma-3-4b-pt", "Qwen/Qwen3-0.6B"


def alter_all(*alterations: Callable[[Path], None]) -> Callable[[Path], None]:
    def alter(files: Path) -> None:
        for alteration in alterations:
            alteration(files)

    return alter


@pytest.mark.parametrize(
    ("state", "system"), [("On", "<|system|>Think first, m\u00fcde."), ("Off (N/A)", "")]
)
def test_a_system_message_is_read_from_the_file_beside_the_weights(
    tiny_hub: Path,  # noqa: F811
    state: str,
    system: str,
) -> None:
    beside = with_file("SYSTEM_PROMPT.txt", "Think first, m\u00fcde.")
    name = altered_copy(tiny_hub, LLAMA, alter_all(with_template(HEAD), beside), BY_FILE)
    _, prompt = encode(make_spec(name, state), "What floats?", max_position_embeddings=4096)
    assert prompt == f"{system}<|user|>What floats?<|assistant|>"


def test_a_missing_file_of_the_family_is_named(tiny_hub: Path) -> None:  # noqa: F811
    name = altered_copy(tiny_hub, LLAMA, with_template(HEAD), BY_FILE)
    with pytest.raises(HubFault, match=rf"{BY_FILE} \(SYSTEM_PROMPT.txt\)") as caught:
        make_recipe(make_spec(name, "On")).load_processor()
    assert caught.value.remedy


@pytest.mark.parametrize(("state", "tail"), [("On", ""), ("Off", "<think></think>")])
def test_a_flag_in_the_system_message_is_sent_for_off_alone(
    tiny_hub: Path,  # noqa: F811
    state: str,
    tail: str,
) -> None:
    name = altered_copy(tiny_hub, LLAMA, with_template(FLAG_TEMPLATE), BY_FLAG)
    _, prompt = encode(make_spec(name, state), "What floats?", max_position_embeddings=4096)
    assert prompt == f"<|user|>What floats?<|assistant|>{tail}"


def test_a_base_model_gets_the_text_alone_though_it_has_a_template(
    tiny_hub: Path,  # noqa: F811
) -> None:
    name = altered_copy(tiny_hub, LLAMA, lambda files: None, BASE)
    encoded, prompt = encode(make_spec(name, "Off (N/A)"), "What floats?")
    assert prompt == "<|begin|>What floats?"
    assert (encoded.form, encoded.template_kwargs) == ("raw", {})


@pytest.mark.parametrize("state", ["On", "Off"])
def test_a_template_that_ignores_the_switch_is_refused_before_the_weights_are_fetched(
    tiny_hub: Path,  # noqa: F811
    state: str,
) -> None:
    alterations = alter_all(with_template(HEAD), remove("model.safetensors"))
    name = altered_copy(tiny_hub, LLAMA, alterations, HYBRID)
    with pytest.raises(ReasoningFault, match=f"{HYBRID}.*same prompt for On and Off") as caught:
        make_recipe(make_spec(name, state)).load_processor()
    assert repr(state) in caught.value.message
    assert caught.value.remedy


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize(
    ("state", "positions", "expected"),
    [
        # 2,048 tokens of text, and four of the template.
        ("On", 4096, 2048 + 4),
        ("Off", 4096, 4096 - 10),
        ("On", None, 2048 + 4),
        ("On", 1024, 1024 - 1),
        ("Off", 1024, 1024 - 10),
        ("Off", None, 512 - 10),
    ],
)
def test_a_long_prompt_is_cut_but_never_its_template(
    state: str, positions: int | None, expected: int
) -> None:
    config = {} if positions is None else {"max_position_embeddings": positions}
    encoded, prompt = encode(make_spec(LLAMA, state), " the cat" * 3000, **config)
    assert encoded.prompt_tokens == expected
    assert encoded.cut
    assert prompt.startswith("<|begin|><|user|> the cat the")
    assert prompt.endswith("<|end|><|assistant|>" + ("" if state == "On" else "<think></think>"))


@pytest.mark.usefixtures("tiny_hub")
def test_a_model_too_small_for_its_template_is_refused() -> None:
    with pytest.raises(SampleFault, match=f"template alone is longer.*{LLAMA}"):
        encode(make_spec(LLAMA, "Off"), "What floats?", max_position_embeddings=16)


@pytest.mark.usefixtures("tiny_hub")
@pytest.mark.parametrize("tokens", range(1, 12))
def test_a_cut_never_splits_a_character(tokens: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(LLAMA)
    text = "🐈 the 猫🐈🐈"
    kept, cut = cut_text(tokenizer, text, tokens)
    assert cut
    assert text.startswith(kept)
    assert len(tokenizer(kept, add_special_tokens=False)["input_ids"]) <= tokens


def test_a_tokenizer_without_offsets_cuts_too() -> None:
    tokenizer = ByT5Tokenizer()
    assert not tokenizer.is_fast
    assert cut_text(tokenizer, "abcdef", 4) == ("abcd", True)
    assert cut_text(tokenizer, "abcdef", 6) == ("abcdef", False)


# ---------------------------------------------------------------- loading


def load(spec: RunSpec) -> None:
    recipe = make_recipe(spec)
    recipe.load_processor()
    recipe.load_model("cpu")


def remove(name: str) -> Callable[[Path], None]:
    return lambda files: (files / name).unlink()


def damage_weights(files: Path) -> None:
    weights = files / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def drop_a_weight(files: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(files / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, files / "model.safetensors", metadata={"format": "pt"})


def change_config(**settings: Any) -> Callable[[Path], None]:
    return lambda files: rewrite_json(files / "config.json", **settings)


def become_an_image_model(files: Path) -> None:
    (files / "config.json").write_text(json.dumps({"model_type": "vit"}))


def become_an_encoder(files: Path) -> None:
    (files / "config.json").write_text(json.dumps({"model_type": "bert"}))


def need_own_code(files: Path) -> None:
    rewrite_json(
        files / "config.json",
        model_type="novel",
        auto_map={"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"},
    )


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (remove("model.safetensors"), "file is missing"),
        (remove("config.json"), ""),
        (damage_weights, "weights file is damaged"),
        (drop_a_weight, "lacks 1 of the model's weights, lm_head.weight"),
        (change_config(hidden_size=32), "shapes"),
        (change_config(model_type="novel"), "architecture is unknown"),
        (become_an_image_model, "no model for this task"),
        (become_an_encoder, "no model for this task.*fills its gaps"),
        (need_own_code, "own program code"),
        (lambda files: (files / "config.json").write_text("{"), "JSON file of it is damaged"),
        (lambda files: (files / "tokenizer.json").write_text("{"), "the tokenizer"),
    ],
    ids=[
        "no weights",
        "no config",
        "damaged weights",
        "missing weight",
        "other shapes",
        "unknown architecture",
        "image model",
        "encoder",
        "own code",
        "damaged config",
        "damaged tokenizer",
    ],
)
def test_a_model_that_cannot_be_used_says_why(
    tiny_hub: Path,  # noqa: F811
    alter: Callable[[Path], None],
    message: str,
) -> None:
    name = altered_copy(tiny_hub, LLAMA, alter)
    with pytest.raises(RunFault, match=f"model {name}.*{message}") as caught:
        load(make_spec(name))
    # A cache without its config.json may be one that was cut off while it was filled.
    assert isinstance(caught.value, ModelFault if message else HubFault)
    assert caught.value.remedy
    assert "\n" not in caught.value.message


def test_a_model_that_is_not_cached_offline_says_so(tiny_hub: Path) -> None:  # noqa: F811
    with pytest.raises(HubFault, match="model demo/absent is not in the local cache") as caught:
        load(make_spec("demo/absent"))
    assert "HF_HUB_OFFLINE" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (404, "RepoNotFound", "is not on the hub"),
        (401, "RepoNotFound", "is not on the hub, or is private"),
        (403, "GatedRepo", "is gated"),
        (404, "RevisionNotFound", "has no such revision"),
        (429, "", "could not be fetched: the hub answered an error"),
    ],
)
def test_what_the_hub_refuses_is_told_in_its_terms(
    tiny_hub: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    message: str,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    spec = make_spec(model=ModelSpec(id="demo/absent", revision="v2"))
    with refusing_hub(status, code) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        with pytest.raises(RunFault, match=f"demo/absent at revision v2 {message}") as caught:
            load(spec)
    assert isinstance(caught.value, HubFault if status == 429 else ModelFault)
    assert caught.value.remedy


@pytest.mark.usefixtures("tiny_hub")
def test_another_models_tokenizer_can_be_named() -> None:
    spec = make_spec(model=ModelSpec(id=LLAMA, processor=GPT2))
    assert "reasoning_effort" in make_recipe(make_spec(LLAMA)).load_processor().chat_template
    assert "reasoning_effort" not in make_recipe(spec).load_processor().chat_template


@pytest.mark.usefixtures("tiny_hub")
def test_a_tokenizer_without_a_padding_token_pads_with_its_end() -> None:
    assert AutoTokenizer.from_pretrained(LLAMA).pad_token is None
    assert make_recipe(make_spec(LLAMA)).load_processor().pad_token == "<|end|>"


def test_a_commit_can_be_named(tiny_hub: Path) -> None:  # noqa: F811
    commit = snapshot(tiny_hub, LLAMA).name
    (tiny_hub / "models--demo--tiny-llama-reasoner" / "refs" / "main").unlink()
    recipe = make_recipe(make_spec(model=ModelSpec(id=LLAMA, revision=commit)))
    processor, model = recipe.load_processor(), recipe.load_model("cpu")
    assert recipe.describe(processor, model).commit == commit


@pytest.mark.usefixtures("tiny_hub")
def test_a_quantization_that_the_checkpoint_lacks_is_refused() -> None:
    with pytest.raises(
        ModelFault, match="quantization gptq was asked for, the checkpoint has none"
    ):
        load(make_spec(model=ModelSpec(id=LLAMA, quantization="gptq")))


def weights(*places: str, dtype: str = "float16", size: int = 4) -> list[Any]:
    """Stand-ins for weights on devices that are not here: nothing but what is asked of them."""
    import torch

    kind = getattr(torch, dtype)
    return [
        SimpleNamespace(
            device=torch.device(place),
            dtype=kind,
            numel=lambda: size,
            is_floating_point=lambda: kind.is_floating_point,
        )
        for place in places
    ]


def model_of(*weights: Any, **config: Any) -> Any:
    return SimpleNamespace(parameters=lambda: list(weights), config=SimpleNamespace(**config))


@pytest.mark.parametrize(
    ("places", "kind", "gpu_count"),
    [
        (("cpu",), "cpu", 0),
        (("cuda:0", "cuda:0"), "cuda", 1),
        (("cuda:0", "cuda:3", "cuda:3"), "cuda", 2),
        (("cuda:0", "cuda:1", "cpu"), "cpu", 2),
        (("cuda:0", "meta"), "cpu", 1),
    ],
)
def test_the_device_is_where_the_weights_lie(
    places: tuple[str, ...], kind: Any, gpu_count: int
) -> None:
    found = weights_device(model_of(*weights(*places)))
    assert found == DeviceSpec(kind=kind, gpu_count=gpu_count)


def test_the_dtype_is_that_of_most_weights_and_not_of_the_first() -> None:
    model = model_of(
        *weights("cpu", dtype="float32", size=10),
        *weights("cpu", "cpu", dtype="float16", size=6),
        *weights("cpu", dtype="uint8", size=100),
    )
    assert weights_dtype(model) == "float16"


def test_a_quantization_that_was_undone_while_loading_is_refused() -> None:
    kept = model_of(quantization_config={"quant_method": "mxfp4"})
    check_still_quantized("org/model", kept, "mxfp4")
    check_still_quantized("org/model", model_of(), None)
    unpacked = model_of(*weights("cuda:0", dtype="bfloat16"))
    with pytest.raises(ModelFault, match=r"quantized \(mxfp4\), and was unpacked to bfloat16"):
        check_still_quantized("org/model", unpacked, "mxfp4")
