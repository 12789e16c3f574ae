"""Runs that share one loading of their model: what they give is what each gives alone."""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.backends.base import Backend
from benchmark_core.backends.pytorch import PyTorchBackend
from benchmark_core.backends.simulated import SimulatedBackend
from benchmark_core.checkpoints.checkpoint import Checkpoint
from benchmark_core.contract import BackendSpec, RunSpec, SampleSource, Simulation
from benchmark_core.faults import ReasoningFault
from benchmark_core.reasoning.prompts import Prompts
from benchmark_core.recipe import LoadedModel
from benchmark_core.report.run_report import RunReport
from benchmark_core.run_command import run_all
from tests.support import builders
from tests.support.tiny_hub import (  # noqa: F401
    GPT2,
    LLAMA,
    built_hub,
    make_spec,
    snapshot,
    tiny_hub,
)

ROOT = Path(__file__).parents[2]
MOVED = "b" * 40
Outputs = list[list[int]]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("".join(f"What is {number}+2?\n" for number in range(4)))
    return path


@pytest.fixture
def row(prompts: Path, tiny_hub: Path) -> Callable[..., RunSpec]:  # noqa: F811
    """The spec of a tiny model in one state, on the CPU, named after its state."""
    digest = hashlib.sha256(prompts.read_bytes()).hexdigest()

    def make(state: str, model: str = LLAMA, **changes: Any) -> RunSpec:
        samples = SampleSource(prompts_sha256=digest)
        return make_spec(model, state, run_id=state, repetitions=2, samples=samples, **changes)

    return make


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models whose weights were really loaded, in order."""
    loaded: list[str] = []
    load = Checkpoint.model

    def counting(self: Checkpoint, *arguments: Any) -> Any:
        loaded.append(self.id)
        return load(self, *arguments)

    monkeypatch.setattr(Checkpoint, "model", counting)
    return loaded


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Every token sequence of the last passes, in order."""
    seen: Outputs = []
    split = Prompts.split

    def listening(self: Prompts, token_ids: Sequence[int]) -> Any:
        seen.append(list(token_ids))
        return split(self, token_ids)

    monkeypatch.setattr(Prompts, "split", listening)
    return seen


def rehearsal(run_id: str, load_seconds: float = 0.0, **changes: Any) -> RunSpec:
    pretended = Simulation(seconds_per_sample=0.001, load_seconds=load_seconds, **changes)
    backend = BackendSpec(name="simulated", simulation=pretended)
    return builders.spec(run_id=run_id, backend=backend)


def prepare(place: Path, specs: Sequence[RunSpec], samples: Path | None = None) -> list[Path]:
    folders = []
    for spec in specs:
        folder = place / spec.run_id
        folder.mkdir(parents=True)
        (folder / "run_spec.json").write_text(spec.to_json())
        launch = builders.launch(samples_path=str(samples) if samples else None)
        (folder / "launch.json").write_text(launch.to_json())
        folders.append(folder)
    return folders


def report_in(folder: Path) -> RunReport:
    return RunReport.read(folder / "benchmark_report.json")


def shared_with(folders: Sequence[Path]) -> list[str | None]:
    return [report_in(folder).model_load_shared_with for folder in folders]


def window_names(report: RunReport) -> list[str]:
    assert report.ledger is not None
    return [entry.name for entry in report.ledger.entries]


def without_times(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        rows = csv.DictReader(stream)
        return [{k: v for k, v in row.items() if "seconds" not in k} for row in rows]


def test_a_shared_model_answers_as_one_loaded_for_each_run(
    tmp_path: Path,
    prompts: Path,
    row: Callable[..., RunSpec],
    loads: list[str],
    outputs: Outputs,
) -> None:
    specs = [row(state) for state in ("On", "Off", "On (High)", "On (Low)")]
    alone = prepare(tmp_path / "alone", specs, prompts)
    for folder in alone:
        assert run_all([folder], ()) == 0
    answers, loads[:], outputs[:] = list(outputs), [], []
    together = prepare(tmp_path / "together", specs, prompts)
    assert run_all(together, ()) == 0

    assert loads == [LLAMA]
    assert outputs == answers
    assert shared_with(alone) == [None] * 4
    assert shared_with(together) == [None, "On", "On", "On"]
    for one, other in zip(alone, together, strict=True):
        expected, found = report_in(one), report_in(other)
        assert found.applied == expected.applied
        assert found.reasoning == expected.reasoning
        assert found.verdict == expected.verdict
        assert found.official == expected.official
        assert found.summary is not None and expected.summary is not None
        assert found.summary.tokens == expected.summary.tokens
        for name in ("benchmark_results.csv", "reasoning_tokens.csv"):
            assert without_times(other / name) == without_times(one / name)


def test_loading_is_in_the_ledger_of_the_run_that_loaded(tmp_path: Path) -> None:
    folders = prepare(tmp_path, [rehearsal(name, load_seconds=0.3) for name in "abc"])
    assert run_all(folders, ()) == 0
    first, *others = map(report_in, folders)
    assert window_names(first)[:2] == ["load", "warm_up"]
    assert first.ledger is not None
    assert (first.ledger.entries[0].gpu_joules or 0.0) >= 350 * 0.3
    for report in others:
        assert report.model_load_shared_with == "a"
        assert window_names(report) == [name for name in window_names(first) if name != "load"]


def test_another_model_is_loaded_and_the_held_one_let_go(
    tmp_path: Path, prompts: Path, row: Callable[..., RunSpec], loads: list[str]
) -> None:
    specs = [row("On"), row("Off", GPT2), row("On (High)"), row("On (Low)", precision="float32")]
    folders = prepare(tmp_path, specs, prompts)
    assert run_all(folders, ()) == 0
    assert loads == [LLAMA, GPT2, LLAMA, LLAMA]
    assert shared_with(folders) == [None] * 4


def test_a_branch_that_moved_between_two_runs_is_loaded_anew(
    tmp_path: Path,
    prompts: Path,
    row: Callable[..., RunSpec],
    loads: list[str],
    tiny_hub: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_over = PyTorchBackend.take_over

    def moving(self: PyTorchBackend, earlier: Backend) -> LoadedModel | None:
        if self._spec.run_id == "Off":
            now = snapshot(tiny_hub, LLAMA)
            shutil.copytree(now, now.parent / MOVED)
            (now.parents[1] / "refs" / "main").write_text(MOVED)
        return take_over(self, earlier)

    monkeypatch.setattr(PyTorchBackend, "take_over", moving)
    folders = prepare(tmp_path, [row("On"), row("Off"), row("On (Low)")], prompts)
    assert run_all(folders, ()) == 0
    assert loads == [LLAMA, LLAMA]
    assert shared_with(folders) == [None, None, "Off"]
    commits = [applied.model_commit for folder in folders if (applied := report_in(folder).applied)]
    assert commits[0] != MOVED
    assert commits[1:] == [MOVED, MOVED]


def test_what_an_error_may_have_damaged_is_loaded_anew(
    tmp_path: Path,
    prompts: Path,
    row: Callable[..., RunSpec],
    loads: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generate, runs = PyTorchBackend._generate, []

    def failing(self: PyTorchBackend, *arguments: Any) -> Any:
        runs.append(self)
        if self._spec.run_id == "Off":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return generate(self, *arguments)

    monkeypatch.setattr(PyTorchBackend, "_generate", failing)
    folders = prepare(tmp_path, [row("On"), row("Off"), row("On (High)"), row("On (Low)")], prompts)
    assert run_all(folders, ()) == 1
    assert [report_in(folder).outcome for folder in folders] == [
        "finished",
        "failed",
        "finished",
        "finished",
    ]
    assert loads == [LLAMA, LLAMA]
    assert shared_with(folders) == [None, None, None, "On (High)"]


def test_a_prompt_that_cannot_be_made_costs_no_loading(
    tmp_path: Path,
    prompts: Path,
    row: Callable[..., RunSpec],
    loads: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle = Prompts.settle

    def refusing(self: Prompts, *arguments: Any) -> None:
        if self._request is not None and self._request.state == "Off":
            raise ReasoningFault("the prompt asks for nothing", "Leave the row out.")
        settle(self, *arguments)

    monkeypatch.setattr(Prompts, "settle", refusing)
    folders = prepare(tmp_path, [row("On"), row("Off"), row("On (High)")], prompts)
    assert run_all(folders, ()) == 1
    failure = report_in(folders[1]).failure
    assert failure is not None and failure.kind == "reasoning_not_applied"
    assert loads == [LLAMA]
    assert shared_with(folders) == [None, None, "On"]


def test_a_failed_run_fails_no_other_and_the_worst_code_is_that_of_all(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    specs = [rehearsal("a"), rehearsal("b", fault="out_of_memory"), rehearsal("c")]
    folders = prepare(tmp_path, specs)
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert run_all(folders, ()) == 1
    assert shared_with(folders) == [None, None, None]
    assert "load" in window_names(report_in(folders[2]))
    told = capfd.readouterr()
    begun = [line for line in told.out.splitlines() if line.endswith("begins")]
    assert begun == ["a begins", "b begins", "c begins"]
    assert "c finished" in told.out and "b failed: " in told.err
    assert run_all([nothing, *prepare(tmp_path / "again", specs[:1])], ()) == 2


ON_A_GPU = """
import sys
from pathlib import Path
from benchmark_core import run_command
folders = [Path(text) for text in sys.argv[1:]]
run_command.is_on_gpus = lambda: (folders[0] / "benchmark_report.json").exists()
print("first", flush=True)
sys.exit(run_command.run_all(folders, ()))
"""


def test_on_a_gpu_what_shares_nothing_begins_in_a_fresh_program(tmp_path: Path) -> None:
    """The program that begins anew is the real one; only that it was on a GPU is pretended."""
    specs = [rehearsal("a", fault="out_of_memory"), rehearsal("b"), rehearsal("c")]
    folders = [str(folder) for folder in prepare(tmp_path, specs)]
    done = subprocess.run(
        [sys.executable, "-c", ON_A_GPU, *folders],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    fresh = next(place for place, line in enumerate(lines) if "benchmark core" in line)
    assert lines.index("a begins") < fresh < lines.index("b begins")
    assert shared_with([tmp_path / name for name in "abc"]) == [None, None, "b"]


@pytest.mark.parametrize(
    ("later", "found"),
    [
        (builders.launch(runs_beside=("early", "late")).to_json(), ("early", "gone", "late")),
        (builders.launch(runs_beside=()).to_json(), ("early", "gone")),
        ('{"schema_version": 1, "runs_be', ("early", "gone")),
        (None, ("early", "gone")),
    ],
)
def test_runs_that_began_beside_this_one_count_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    later: str | None,
    found: tuple[str, ...],
) -> None:
    """The host writes the file again while the run is measured; damaged or gone it adds nothing."""
    (folder,) = prepare(tmp_path, [rehearsal("a")])
    path = folder / "launch.json"
    path.write_text(builders.launch(runs_beside=("early", "gone")).to_json())
    warm_up = SimulatedBackend.warm_up

    def meanwhile(self: SimulatedBackend, *arguments: Any) -> None:
        path.unlink()
        if later is not None:
            path.write_text(later)
        warm_up(self, *arguments)

    monkeypatch.setattr(SimulatedBackend, "warm_up", meanwhile)
    assert run_all([folder], ()) == 0
    assert report_in(folder).runs_beside == found


def test_a_run_that_only_later_got_company_is_flagged_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder,) = prepare(tmp_path, [rehearsal("a")])
    warm_up = SimulatedBackend.warm_up

    def meanwhile(self: SimulatedBackend, *arguments: Any) -> None:
        (folder / "launch.json").write_text(builders.launch(runs_beside=("late",)).to_json())
        warm_up(self, *arguments)

    monkeypatch.setattr(SimulatedBackend, "warm_up", meanwhile)
    run_all([folder], ())
    verdict = report_in(folder).verdict
    assert verdict is not None and "other_runs_on_host" in verdict.reasons
