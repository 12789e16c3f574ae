"""The demo's model builder: the same files every time, and no work where there is none to do."""

import csv
import shutil
from pathlib import Path

import pytest

from benchmark_core.tasks import registry as tasks
from demo import tiny_models
from demo.tiny_zoo import zoo_models
from tests.support.tiny_hub import LLAMA, built_hub, snapshot  # noqa: F401

ROOT = Path(__file__).parents[1]


def commits(hub: Path) -> dict[str, str]:
    return {model.id: snapshot(hub, model.id).name for model in tiny_models.MODELS}


def test_two_builds_give_the_same_commits(
    built_hub: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tiny_models.main([str(tmp_path / "new" / "hub")]) == 0
    assert LLAMA in capsys.readouterr().out
    found = commits(tmp_path / "new" / "hub")
    assert found == commits(built_hub)
    assert len(set(found.values())) == len(tiny_models.MODELS)
    assert all(len(commit) == 40 and int(commit, 16) for commit in found.values())


def test_what_is_complete_stays_and_what_is_not_is_built_again(
    built_hub: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    hub = tmp_path / "hub"
    shutil.copytree(built_hub, hub)
    before = {path: path.stat().st_ino for path in hub.rglob("*")}
    tiny_models.build_hub(hub)
    assert {path: path.stat().st_ino for path in hub.rglob("*")} == before

    weights = snapshot(hub, LLAMA) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    tiny_models.build_hub(hub)
    assert weights.read_bytes() == whole
    assert sorted(path.name for path in hub.iterdir()) == sorted(
        path.name for path in built_hub.iterdir()
    )


def test_other_users_can_read_the_models(built_hub: Path) -> None:  # noqa: F811
    files = [path for path in built_hub.rglob("*") if path.is_file()]
    assert len(files) >= 12
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in files)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_wrong_arguments_are_refused(arguments: list[str], tmp_path: Path) -> None:
    assert tiny_models.main(arguments) == 2


def test_the_demos_catalog_has_every_task_and_every_kind_of_state() -> None:
    with (ROOT / "demo" / "catalog.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {tasks.named(row["Task"]) for row in rows} == set(tasks.TASKS)
    assert {row["Models to Add"] for row in rows} <= zoo_models().keys()
    text = [row for row in rows if row["Task"] == "text_gen"]
    assert {row["Models to Add"] for row in text} == {model.id for model in tiny_models.MODELS}
    assert {row["Reasoning State"] for row in text} == {"On", "Off", "On (High)"}
