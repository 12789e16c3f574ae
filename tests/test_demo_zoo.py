"""The demo's tiny models of all tasks load by their ids and work, offline."""

import json
import shutil
import stat
from pathlib import Path
from typing import get_args

import pytest

from benchmark_core.contract import TaskName
from demo import own_samples, tiny_zoo
from tests.support.zoo_runs import VARIANTS, load, processor_of


@pytest.fixture(scope="module")
def built_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("zoo") / "hub"
    assert tiny_zoo.build_zoo(directory) == list(tiny_zoo.zoo_models())
    return directory


@pytest.fixture
def zoo(built_zoo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The zoo as this process's hub cache, with the hub itself shut off."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(built_zoo))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return built_zoo


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return own_samples.build_samples(tmp_path_factory.mktemp("samples") / "new")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_task_has_a_model_and_samples(samples: dict[str, Path]) -> None:
    assert set(VARIANTS) == set(tiny_zoo.zoo_models())
    assert {task for task, _, _ in VARIANTS.values()} == set(get_args(TaskName)) == set(samples)


@pytest.mark.parametrize("model_id", VARIANTS)
def test_a_model_loads_by_its_id_and_answers_the_same_each_time(
    zoo: Path, samples: dict[str, Path], model_id: str
) -> None:
    import torch

    task, run, shape = VARIANTS[model_id]
    with torch.no_grad():
        first, second = run(model_id, samples[task]), run(model_id, samples[task])
    assert torch.equal(first, second)
    assert torch.isfinite(first.float()).all()
    if shape:
        assert len(first.shape) == len(shape)
        assert all(wanted in (-1, real) for wanted, real in zip(shape, first.shape, strict=True))


def test_one_checkpoint_is_in_half_precision(zoo: Path) -> None:
    import torch

    halves = {
        model_id
        for model_id in tiny_zoo.WRITERS
        for path in zoo.glob(f"models--{model_id.replace('/', '--')}/snapshots/*/config.json")
        if json.loads(path.read_text())["dtype"] == "float16"
    }
    assert halves == {"demo/tiny-bert-similarity"}
    half = load("AutoModel", "demo/tiny-bert-similarity", dtype="auto")
    assert half.dtype == torch.float16
    assert load("AutoModel", "demo/tiny-bert-similarity").dtype == torch.float32


def test_the_segments_of_a_pair_are_told_apart_where_the_model_knows_them(zoo: Path) -> None:
    pair = ("a lamp", "a lamp")
    inputs = processor_of("AutoTokenizer", "demo/tiny-bert-qa")(*pair)
    assert inputs["token_type_ids"] == [0] * 4 + [1] * 3
    assert "token_type_ids" not in processor_of("AutoTokenizer", "demo/tiny-distilbert-classifier")(
        *pair
    )


def test_tokenizers_are_saved_under_names_that_older_versions_know(built_zoo: Path) -> None:
    found = {
        json.loads(path.read_text())["tokenizer_class"]
        for path in built_zoo.rglob("tokenizer_config.json")
    }
    assert found == {"PreTrainedTokenizerFast", "CLIPTokenizer", "Wav2Vec2CTCTokenizer"}


def test_two_builds_give_the_same_bytes_and_leave_the_random_numbers_alone(
    built_zoo: Path, tmp_path: Path
) -> None:
    import torch

    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    tiny_zoo.build_zoo(tmp_path / "hub")
    assert torch.equal(torch.rand(3), expected)
    assert contents(tmp_path / "hub") == contents(built_zoo)


def test_only_what_is_asked_for_and_not_whole_is_built(built_zoo: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    shutil.copytree(built_zoo, hub)
    assert tiny_zoo.build_zoo(hub) == []
    weights = next(hub.glob("models--demo--tiny-stable-diffusion/snapshots/*/unet/*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    assert tiny_zoo.build_zoo(hub, ["demo/tiny-vit"]) == []
    assert tiny_zoo.build_zoo(hub) == ["demo/tiny-stable-diffusion"]
    assert contents(hub) == contents(built_zoo)

    assert tiny_zoo.build_zoo(tmp_path / "few", ["demo/tiny-vit"]) == ["demo/tiny-vit"]
    assert [path.name for path in (tmp_path / "few").iterdir()] == ["models--demo--tiny-vit"]


def test_an_unknown_id_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no demo/tiny-zebra\. Choose from: .*demo/tiny-vit"):
        tiny_zoo.build_zoo(tmp_path / "hub", ["demo/tiny-vit", "demo/tiny-zebra"])
    assert not (tmp_path / "hub").exists()


def test_other_users_can_read_the_zoo(built_zoo: Path) -> None:
    found = [built_zoo, *built_zoo.rglob("*")]
    assert len(found) > 120
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_wrong_arguments_of_the_zoo_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tiny_zoo.main(arguments) == 2
    assert "usage: python -m demo.tiny_zoo DIRECTORY" in capsys.readouterr().err


def test_the_command_says_how_many_it_made(
    built_zoo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "TRANSFORMERS_VERBOSITY"):
        monkeypatch.setenv(name, "1")  # so that what the command sets is undone
    assert tiny_zoo.main([str(built_zoo)]) == 0
    assert f"17 demo models are in {built_zoo}, 0 of them made now" in capsys.readouterr().out
