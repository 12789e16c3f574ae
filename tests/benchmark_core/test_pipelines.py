"""Pipelines that draw pictures: what of them is missing, whose code they are, how few steps they
can be drawn in."""

# ruff: noqa: F811 - fixtures are imported
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.checkpoints.faults import model_fault
from benchmark_core.contract import Launch, ModelSpec, SampleSource
from benchmark_core.differences import differences
from benchmark_core.faults import ModelFault
from benchmark_core.reported_run import run
from benchmark_core.sample_folder import samples_sha256
from demo.hub_layout import rewrite_json
from tests.support.builders import NOW
from tests.support.task_runs import (  # noqa: F401
    Bench,
    altered_copy,
    built_zoo,
    own_samples,
    recipe_of,
    task_spec,
    zoo,
)

TASK, DRAWING = "image_generation", "demo/tiny-stable-diffusion"
RIVER = {"prompt": "a river"}


def load(model: str | ModelSpec) -> Any:
    return recipe_of(task_spec(TASK, model)).load_model("cpu")


def refused(model: str) -> ModelFault:
    with pytest.raises(ModelFault) as caught:
        load(model)
    return caught.value


def draw(model: str, folder: Path) -> Bench:
    bench = Bench(task_spec(TASK, model), folder)
    (prepared,) = bench.backend.preprocess([RIVER])
    bench.backend.run(prepared, bench.longest)
    return bench


# ---------------------------------------------------------------- weights that are not there


def rewrite_weights(part: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """An alteration: other tensors in the file of one part."""

    def alter(files: Path) -> None:
        from safetensors.torch import load_file, save_file

        (path,) = (files / part).glob("*.safetensors")
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return alter


def without_first(count: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda weights: {name: weights[name] for name in sorted(weights)[count:]}


@pytest.mark.parametrize("part", ["text_encoder", "unet", "vae"])
@pytest.mark.parametrize("count", [1, 16])
def test_a_part_without_some_of_its_weights_is_refused(zoo: Path, part: str, count: int) -> None:
    model = altered_copy(zoo, DRAWING, rewrite_weights(part, without_first(count)))
    fault = refused(model)
    said = rf"model {model}: the checkpoint lacks {count} of the weights of its {part}, \S+ among.*"
    assert re.fullmatch(said, fault.message)
    assert "fetch it again" in fault.remedy


def test_weights_that_are_on_no_device_are_told_as_missing_ones() -> None:
    """What diffusers says of them itself where it spreads a part over several GPUs."""
    error = NotImplementedError("Cannot copy out of meta tensor; no data!")
    fault = model_fault(error, DRAWING, "the pipeline")
    assert "weights of it are in none of its files" in fault.message
    assert "fetch it again" in fault.remedy


def name_attention_as_before(weights: dict[str, Any]) -> dict[str, Any]:
    """As in published image coders."""
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    renamed = {}
    for name, weight in weights.items():
        for new, before in old.items():
            name = name.replace(f"attentions.0.{new}.", f"attentions.0.{before}.")
        renamed[name] = weight
    assert renamed.keys() != weights.keys()
    return renamed


def bring_positions(weights: dict[str, Any]) -> dict[str, Any]:
    """As in published text encoders."""
    import torch

    return {**weights, "text_model.embeddings.position_ids": torch.arange(16).unsqueeze(0)}


@pytest.mark.parametrize(
    "alter",
    [
        lambda files: None,
        rewrite_weights("vae", name_attention_as_before),
        rewrite_weights("text_encoder", bring_positions),
    ],
    ids=["of today", "attention", "positions"],
)
def test_a_whole_pipeline_draws(zoo: Path, tmp_path: Path, alter: Callable[[Path], None]) -> None:
    bench = draw(altered_copy(zoo, DRAWING, alter), tmp_path / "run")
    assert not bench.loaded.ran_own_code


def take_a_text_encoder_of_shared_words(files: Path) -> None:
    """Its table of words is used in two places, and stored for one."""
    from safetensors.torch import load_file
    from transformers import T5Config, T5EncoderModel

    make: Any = T5Config
    config = make(vocab_size=400, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    shutil.rmtree(files / "text_encoder")
    T5EncoderModel(config).save_pretrained(files / "text_encoder")
    rewrite_json(files / "model_index.json", text_encoder=["transformers", "T5EncoderModel"])
    weights = load_file(files / "text_encoder" / "model.safetensors")
    assert ("encoder.embed_tokens.weight" in weights) != ("shared.weight" in weights)


def test_weights_that_are_shared_are_not_missing(zoo: Path) -> None:
    load(altered_copy(zoo, DRAWING, take_a_text_encoder_of_shared_words))


def test_the_libraries_load_as_before_afterwards(zoo: Path) -> None:
    import diffusers
    import transformers

    places: list[Any] = [diffusers.ModelMixin, transformers.PreTrainedModel]
    before = [vars(place)["from_pretrained"] for place in places]
    load(DRAWING)
    refused(altered_copy(zoo, DRAWING, rewrite_weights("unet", without_first(1))))
    assert [vars(place)["from_pretrained"] for place in places] == before


# ---------------------------------------------------------------- parts that are not there


def forget_text_encoder(files: Path) -> None:
    """An alteration: also no weights, which nobody may ask for before it is refused."""
    index = json.loads((files / "model_index.json").read_text())
    del index["text_encoder"]
    (files / "model_index.json").write_text(json.dumps(index))
    shutil.rmtree(files / "unet")


def empty_two_parts(files: Path) -> None:
    rewrite_json(files / "model_index.json", text_encoder=[None, None], tokenizer=[None, None])


def name_parts_as_hidream(files: Path) -> None:
    """Its fourth text encoder is a language model of its own, in another repository."""
    numbers = ("", "_2", "_3")
    encoders = {f"text_encoder{number}": ["transformers", "CLIPTextModel"] for number in numbers}
    tokenizers = {f"tokenizer{number}": ["transformers", "CLIPTokenizer"] for number in numbers}
    transformer = ["diffusers", "HiDreamImageTransformer2DModel"]
    rewrite_json(
        files / "model_index.json",
        _class_name="HiDreamImagePipeline",
        transformer=transformer,
        **encoders,
        **tokenizers,
    )


@pytest.mark.parametrize(
    ("alter", "pipeline", "parts"),
    [
        (forget_text_encoder, "StableDiffusionPipeline", "text_encoder"),
        (empty_two_parts, "StableDiffusionPipeline", "text_encoder, tokenizer"),
        (name_parts_as_hidream, "HiDreamImagePipeline", "text_encoder_4, tokenizer_4"),
    ],
)
def test_a_pipeline_that_needs_a_further_model_is_refused_with_the_parts(
    zoo: Path, alter: Callable[[Path], None], pipeline: str, parts: str
) -> None:
    model = altered_copy(zoo, DRAWING, alter)
    fault = refused(model)
    assert fault.message == (
        f"model {model}: a {pipeline} needs parts that the repository does not have: {parts}"
    )
    assert "Leave the row out" in fault.remedy
    assert "transformers version" not in fault.remedy


def test_a_processor_of_another_model_is_refused_for_a_pipeline(zoo: Path) -> None:
    spec = task_spec(TASK, ModelSpec(id=DRAWING, processor="org/other"))
    with pytest.raises(ModelFault, match="takes no processor but its own") as caught:
        recipe_of(spec).load_processor()
    assert "Processor" in caught.value.remedy


def forget_an_own_pipelines_part(files: Path) -> None:
    bring_own_pipeline(files)
    rewrite_json(files / "model_index.json", vae=[None, None])


def test_so_is_one_of_its_own_code(
    zoo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_modules(monkeypatch, tmp_path)
    model = altered_copy(zoo, DRAWING, forget_an_own_pipelines_part)
    with pytest.raises(ModelFault, match="needs parts that its repository does not have") as caught:
        load(ModelSpec(id=model, trust_remote_code=True))
    assert "Leave the row out" in caught.value.remedy


# ---------------------------------------------------------------- code of its own


def bring_own_pipeline(files: Path) -> None:
    (files / "own_pipeline.py").write_text(
        "from diffusers import StableDiffusionPipeline\n\n\n"
        "class OwnPipeline(StableDiffusionPipeline):\n    pass\n"
    )
    rewrite_json(files / "model_index.json", _class_name=["own_pipeline", "OwnPipeline"])


def bring_own_denoiser(files: Path) -> None:
    (files / "unet" / "own_denoiser.py").write_text(
        "from diffusers import UNet2DConditionModel\n\n\n"
        "class OwnDenoiser(UNet2DConditionModel):\n    pass\n"
    )
    rewrite_json(files / "model_index.json", unet=["own_denoiser", "OwnDenoiser"])


def bring_own_scheduler(files: Path) -> None:
    (files / "scheduler" / "own_scheduler.py").write_text(
        "from diffusers import DDIMScheduler\n\n\nclass OwnScheduler(DDIMScheduler):\n    pass\n"
    )
    rewrite_json(files / "model_index.json", scheduler=["own_scheduler", "OwnScheduler"])


def own_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Code of repositories goes into a folder of the test's own."""
    from diffusers.utils import dynamic_modules_utils

    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))


@pytest.mark.parametrize("bring", [bring_own_pipeline, bring_own_denoiser, bring_own_scheduler])
def test_own_code_of_a_pipeline_or_of_a_part_is_seen(
    zoo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bring: Callable[[Path], None],
) -> None:
    own_modules(monkeypatch, tmp_path)
    model = ModelSpec(id=altered_copy(zoo, DRAWING, bring), trust_remote_code=True)
    assert Bench(task_spec(TASK, model), tmp_path / "run").loaded.ran_own_code


def test_own_code_is_known_by_the_names_of_both_libraries() -> None:
    from diffusers.utils import constants
    from transformers.utils import hub

    from benchmark_core.checkpoints.loading import OWN_CODE, runs_own_code

    names = (hub.TRANSFORMERS_DYNAMIC_MODULE_NAME, constants.DIFFUSERS_DYNAMIC_MODULE_NAME)
    assert names == OWN_CODE
    for name in names:
        own = type("Own", (), {"__module__": f"{name}.demo.own"})
        assert runs_own_code(1, own())
    assert not runs_own_code(1, "two")


# ---------------------------------------------------------------- steps


def take_a_scheduler_of_many_steps(files: Path) -> None:
    """It starts with a dozen steps of another kind, and cannot draw in two."""
    rewrite_json(files / "model_index.json", scheduler=["diffusers", "PNDMScheduler"])
    rewrite_json(
        files / "scheduler" / "scheduler_config.json",
        _class_name="PNDMScheduler",
        skip_prk_steps=False,
    )


def steps_asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    draw_one = bench.model._pipeline.__class__.__call__

    def listening(self: Any, **inputs: Any) -> Any:
        asked.append(inputs["num_inference_steps"])
        return draw_one(self, **inputs)

    monkeypatch.setattr(bench.model._pipeline.__class__, "__call__", listening)
    return asked


def test_a_warm_up_that_cannot_be_short_is_two_full_ones(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = altered_copy(zoo, DRAWING, take_a_scheduler_of_many_steps)
    bench = draw(model, tmp_path / "run")
    (prepared,) = bench.backend.preprocess([RIVER])
    asked = steps_asked(bench, monkeypatch)
    bench.backend.warm_up(prepared, bench.passes)
    assert asked == [30, 2, 30]


def test_such_a_pipeline_is_measured(
    zoo: Path, tmp_path: Path, own_samples: dict[str, Path]
) -> None:
    path = own_samples[TASK]
    spec = task_spec(
        TASK,
        altered_copy(zoo, DRAWING, take_a_scheduler_of_many_steps),
        samples=SampleSource(folder_sha256=samples_sha256(path), count=2),
        repetitions=1,
    )
    launch = Launch(engine="none", launched_at=NOW, samples_path=str(path))
    (tmp_path / "run_spec.json").write_text(spec.to_json())
    (tmp_path / "launch.json").write_text(launch.to_json())
    report = run(tmp_path)
    assert report.outcome == "finished", report.failure
    assert differences(spec, report) == []
    assert [window.failed for window in report.repetitions[0].windows] == [0, 0]
