"""Reasoning that a spec leaves open, filled in from the command line."""

from pathlib import Path

import pytest

from benchmark_core.__main__ import FINISHED, WRONG_USE, main
from benchmark_core.contract import ModelSpec, ReasoningRequest, RunSpec, TokenLimits
from benchmark_core.faults import SpecFault
from benchmark_core.reported_run import run
from benchmark_core.spec_completion import complete
from tests.support import builders

ON, OFF = "scenario.reasoning=True", "scenario.reasoning=False"
LOW = "scenario.reasoning_params.reasoning_effort=low"
THINKS = TokenLimits(max_new_tokens=8192, min_new_tokens=1)
TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)


def folder_with(tmp_path: Path, reasoning: ReasoningRequest | None, model: str = "org/x") -> Path:
    spec = builders.spec(reasoning=reasoning, model=ModelSpec(id=model, model_class="A"))
    (tmp_path / "run_spec.json").write_text(spec.to_json())
    return tmp_path


def read(folder: Path) -> RunSpec:
    return RunSpec.read(folder / "run_spec.json")


@pytest.mark.parametrize(
    ("model", "overrides", "state", "limits"),
    [
        ("org/x", [ON], "On", THINKS),
        ("org/x", [OFF], "Off", TEN),
        ("openai/gpt-oss-20b", [ON, LOW], "On (Low)", THINKS),
        ("openai/gpt-oss-20b", [OFF], "Off", TEN),
        # The table knows that it cannot reason, so it gets the limits of one that does not.
        ("google/gemma-3-1b-it", [ON], "On", TEN),
    ],
)
def test_what_is_asked_stands_in_the_spec_afterwards(
    tmp_path: Path, model: str, overrides: list[str], state: str, limits: TokenLimits
) -> None:
    folder = folder_with(tmp_path, None, model)
    before = read(folder)
    complete(folder, overrides)
    after = read(folder)
    assert after.reasoning is not None
    assert (after.reasoning.state, after.limits) == (state, limits)
    unchanged = after.model_copy(update={"reasoning": before.reasoning, "limits": before.limits})
    assert unchanged == before


def test_without_overrides_the_spec_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "run_spec.json").write_text("no spec")
    complete(tmp_path, [])
    assert (tmp_path / "run_spec.json").read_text() == "no spec"


def test_a_spec_that_says_the_same_keeps_its_wording(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, ReasoningRequest(state="Off (N/A)", thinking=False))
    before = (folder / "run_spec.json").read_bytes()
    complete(folder, [OFF])
    assert (folder / "run_spec.json").read_bytes() == before


@pytest.mark.parametrize(
    "overrides", [[OFF], [ON], ["scenario.reasoning_params.reasoning_effort=high"]]
)
def test_a_spec_that_says_otherwise_is_left_alone(tmp_path: Path, overrides: list[str]) -> None:
    stated = ReasoningRequest(state="On (Low)", thinking=True, effort="low")
    folder = folder_with(tmp_path, stated)
    before = (folder / "run_spec.json").read_bytes()
    with pytest.raises(SpecFault, match=r"run_spec.json says 'On \(Low\)'"):
        complete(folder, overrides)
    assert (folder / "run_spec.json").read_bytes() == before


def test_overrides_without_meaning_change_nothing(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, None)
    before = (folder / "run_spec.json").read_bytes()
    for wrong in ("scenario.reasoning=maybe", "scenario.resoning=True", "x=1"):
        with pytest.raises(SpecFault):
            complete(folder, [ON, wrong])
    assert (folder / "run_spec.json").read_bytes() == before


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_a_folder_without_a_valid_spec_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run_spec.json").write_text(text)
    with pytest.raises(SpecFault) as caught:
        complete(tmp_path, [ON])
    assert "run_spec.json" in caught.value.message + caught.value.remedy


def test_the_command_runs_what_the_overrides_complete(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, None)
    assert main(["run", str(folder), OFF]) == FINISHED
    assert read(folder).reasoning == ReasoningRequest(state="Off", thinking=False)
    again = run(folder)
    assert again.reasoning is not None
    assert again.reasoning.requested == "Off"


def test_the_command_refuses_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_with(tmp_path, None)
    assert main(["run", str(folder), "scenario.reasoning=0"]) == WRONG_USE
    said = capsys.readouterr().err
    assert str(folder) in said
    assert "Write True or False." in said
    assert not (folder / "benchmark_report.json").exists()


def test_a_folder_whose_name_has_an_equals_sign_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state=Off"
    folder.mkdir()
    folder_with(folder, ReasoningRequest(state="Off", thinking=False))
    assert main(["run", str(folder)]) == FINISHED


def test_overrides_alone_are_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", ON])
    assert caught.value.code == WRONG_USE
    assert "name at least one RUN_DIR" in capsys.readouterr().err
