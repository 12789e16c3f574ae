"""Reasoning and answer counted apart in real runs of the demo's models, and energy per token."""

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.backends.pytorch import PyTorchBackend
from benchmark_core.contract import RunSpec, SampleSource, TokenLimits
from benchmark_core.report.repetition import Repetition
from benchmark_core.report.run_report import RunReport
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.reported_run import run
from benchmark_core.statistics import summarize
from demo.tiny_models import (
    HIGH_CHAIN,
    LOW_CHAIN,
    OFF_CHAIN,
    ON_CHAIN,
    OPENED_CHAIN,
    THINK,
    THOUGHT,
)
from tests.support import builders
from tests.support.tiny_hub import (  # noqa: F401
    GPT2,
    LLAMA,
    altered_copy,
    built_hub,
    make_spec,
    snapshot,
    tiny_hub,
)

PROMPTS = 3
FILE = "reasoning_tokens.csv"


@pytest.fixture
def measure(tmp_path: Path, tiny_hub: Path) -> Callable[..., RunReport]:  # noqa: F811
    """Runs a row on the CPU with prompts of its own, in the folder `run`."""

    def go(
        model: str, state: str, count: int = PROMPTS, limits: TokenLimits | None = None
    ) -> RunReport:
        prompts = tmp_path / "prompts.txt"
        prompts.write_text("".join(f"What is {number}+2?\n" for number in range(count)))
        digest = hashlib.sha256(prompts.read_bytes()).hexdigest()
        spec: RunSpec = make_spec(
            model,
            state,
            limits,
            repetitions=2,
            samples=SampleSource(prompts_sha256=digest, count=count),
        )
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        (folder / "run_spec.json").write_text(spec.to_json())
        launch = builders.launch(samples_path=str(prompts))
        (folder / "launch.json").write_text(launch.to_json())
        report = run(folder)
        assert report.failure is None, report.failure
        return report

    return go


def answers(report: RunReport) -> list[tuple[TokenCounts, int | None]]:
    """Of each repetition's last pass: what was counted, and how many were truncated."""
    last = [repetition.windows[-1] for repetition in report.repetitions]
    return [(window.tokens, window.truncated) for window in last]


def lines(folder: Path) -> list[tuple[str, ...]]:
    with (folder / FILE).open(newline="") as stream:
        return [tuple(row) for row in csv.reader(stream)][1:]


@pytest.mark.parametrize(
    ("model", "state", "chain"),
    [
        (LLAMA, "On", ON_CHAIN),
        (LLAMA, "On (High)", HIGH_CHAIN),
        (LLAMA, "On (Low)", LOW_CHAIN),
        (LLAMA, "Off", OFF_CHAIN),
        (GPT2, "On", OPENED_CHAIN),
        (GPT2, "Off", OFF_CHAIN),
    ],
)
def test_the_planted_chains_are_counted(
    tmp_path: Path, measure: Callable[..., RunReport], model: str, state: str, chain: Any
) -> None:
    report = measure(model, state)
    thought = chain.index(THOUGHT) + 1 if THOUGHT in chain else 0
    for tokens, truncated in answers(report):
        assert tokens.completion == PROMPTS * len(chain)
        assert tokens.reasoning == PROMPTS * thought
        assert tokens.answer == PROMPTS * (len(chain) - thought)
        assert truncated == 0
    assert report.summary is not None
    assert report.summary.tokens == answers(report)[0][0]
    assert report.summary.truncated_prompts == 0
    assert lines(tmp_path / "run") == [
        (str(repetition), str(sample), str(thought), str(len(chain) - thought), "yes")
        for repetition in (1, 2)
        for sample in range(1, PROMPTS + 1)
    ]


def test_only_the_pass_of_whole_answers_is_told_apart(measure: Callable[..., RunReport]) -> None:
    for repetition in measure(LLAMA, "On").repetitions:
        earlier = repetition.windows[:-1]
        assert [window.tokens.reasoning for window in earlier] == [None, None]
        assert [window.truncated for window in earlier] == [None, None]


def test_reasoning_that_meets_the_limit_is_truncated_and_has_no_answer(
    tmp_path: Path, measure: Callable[..., RunReport]
) -> None:
    report = measure(LLAMA, "On", limits=TokenLimits(max_new_tokens=4, min_new_tokens=1))
    for tokens, truncated in answers(report):
        assert (tokens.reasoning, tokens.answer) == (PROMPTS * 4, 0)
        assert truncated == PROMPTS
    assert report.summary is not None
    assert report.summary.truncated_prompts == PROMPTS
    assert {line[4] for line in lines(tmp_path / "run")} == {"no"}
    assert report.verdict is not None
    assert "reasoning_truncated" in report.verdict.reasons


def test_an_answer_that_meets_the_limit_is_not_truncated_reasoning(
    measure: Callable[..., RunReport],
) -> None:
    report = measure(LLAMA, "On", limits=TokenLimits(max_new_tokens=10, min_new_tokens=1))
    for tokens, truncated in answers(report):
        assert (tokens.reasoning, tokens.answer, truncated) == (PROMPTS * 8, PROMPTS * 2, 0)


def test_where_every_output_ends_at_the_limit_none_is_truncated(
    measure: Callable[..., RunReport],
) -> None:
    """Ten tokens of a model that never stops reasoning are meant to be ten."""
    report = measure(LLAMA, "On", limits=TokenLimits(max_new_tokens=5, min_new_tokens=5))
    for tokens, truncated in answers(report):
        assert (tokens.reasoning, tokens.answer, truncated) == (PROMPTS * 5, 0, 0)


def test_samples_that_failed_are_in_no_count(
    tmp_path: Path, measure: Callable[..., RunReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = PyTorchBackend.run, []

    def fail_once(self: PyTorchBackend, prepared: Any, step: Any) -> Any:
        if step.name == "generate":
            calls.append(step)
        if step.name == "generate" and len(calls) == 15:
            raise ValueError("a bad sample")
        return original(self, prepared, step)

    monkeypatch.setattr(PyTorchBackend, "run", fail_once)
    report = measure(LLAMA, "On", count=10)
    counted = [tokens.reasoning for tokens, _ in answers(report)]
    assert sorted(counted) == [9 * 8, 10 * 8]
    assert len(lines(tmp_path / "run")) == 19


def test_reasoning_that_the_model_breaks_off_itself_is_not_truncated(
    measure: Callable[..., RunReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = PyTorchBackend.run

    def break_off(self: PyTorchBackend, prepared: Any, step: Any) -> Any:
        result = original(self, prepared, step)
        if step.name != "generate":
            return result
        few = (result.token_ids or ())[:4]
        return result._replace(completion_tokens=4, token_ids=few, finish_reason="stop")

    monkeypatch.setattr(PyTorchBackend, "run", break_off)
    for tokens, truncated in answers(measure(LLAMA, "On")):
        assert (tokens.reasoning, tokens.answer, truncated) == (PROMPTS * 4, 0, 0)


def test_an_output_that_nobody_saw_leaves_the_count_empty(
    measure: Callable[..., RunReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, seen = PyTorchBackend.run, []

    def hide_one(self: PyTorchBackend, prepared: Any, step: Any) -> Any:
        result = original(self, prepared, step)
        seen.append(step.name)
        hidden = seen.count("generate") % 2 == 0
        return result._replace(token_ids=None) if hidden else result

    monkeypatch.setattr(PyTorchBackend, "run", hide_one)
    assert [tokens.reasoning for tokens, _ in answers(measure(LLAMA, "On"))] == [None, None]


def rename_marks(files: Path) -> None:
    """A model that thinks between marks that nobody knows, and does not say so in its template."""
    for path in files.iterdir():
        if path.suffix in (".json", ".jinja"):
            text = path.read_text().replace(THOUGHT, "</muse>").replace(THINK, "<muse>")
            path.write_text(text)


def test_where_nobody_knows_the_marks_the_count_is_none(
    tmp_path: Path,
    tiny_hub: Path,  # noqa: F811
    measure: Callable[..., RunReport],
) -> None:
    report = measure(altered_copy(tiny_hub, LLAMA, rename_marks), "On")
    for tokens, truncated in answers(report):
        assert tokens.completion == PROMPTS * len(ON_CHAIN)
        assert (tokens.reasoning, tokens.answer, truncated) == (None, None, None)
    assert report.summary is not None
    assert report.summary.truncated_prompts is None
    assert not (tmp_path / "run" / FILE).exists()


def test_a_rehearsal_sees_no_tokens_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "run_spec.json").write_text(builders.spec().to_json())
    report = run(tmp_path)
    assert [tokens.reasoning for tokens, _ in answers(report)] == [None, None]
    assert not (tmp_path / FILE).exists()


def test_the_lines_of_an_earlier_attempt_are_replaced(
    tmp_path: Path, measure: Callable[..., RunReport]
) -> None:
    measure(LLAMA, "On")
    measure(LLAMA, "Off")
    assert len(lines(tmp_path / "run")) == 2 * PROMPTS
    assert {line[2] for line in lines(tmp_path / "run")} == {"0"}


def repetition(reasoning: int | None, truncated: int | None = 0) -> Repetition:
    """One of 101 joules in all and 40 new tokens."""
    made = builders.repetition()
    last = made.windows[-1]
    tokens = last.tokens.model_copy(update={"reasoning": reasoning})
    changed = last.model_copy(update={"tokens": tokens, "truncated": truncated})
    return made.model_copy(update={"windows": (*made.windows[:-1], changed)})


def test_energy_per_token_follows_from_the_counts() -> None:
    summary = summarize([repetition(30), repetition(30)], 4)
    assert summary.joules_per_reasoning_token == pytest.approx(101 / 30)
    assert summary.joules_per_answer_token == pytest.approx(101 / 10)


@pytest.mark.parametrize(
    ("reasoning", "per_reasoning", "per_answer"),
    [(None, None, None), (0, None, 101 / 40), (40, 101 / 40, None)],
)
def test_energy_per_token_is_empty_where_there_is_no_such_token(
    reasoning: int | None, per_reasoning: float | None, per_answer: float | None
) -> None:
    summary = summarize([repetition(reasoning)], 4)
    for found, expected in (
        (summary.joules_per_reasoning_token, per_reasoning),
        (summary.joules_per_answer_token, per_answer),
    ):
        assert found == (None if expected is None else pytest.approx(expected))


def test_energy_per_token_needs_a_measured_energy() -> None:
    unmeasured = repetition(30).model_copy(
        update={"phases": builders.repetition(None, None, None).phases}
    )
    summary = summarize([unmeasured], 4)
    assert (summary.joules_per_reasoning_token, summary.joules_per_answer_token) == (None, None)


def test_the_worst_repetition_says_how_many_were_truncated() -> None:
    assert summarize([repetition(30, 1), repetition(30, 3)], 4).truncated_prompts == 3
    assert summarize([repetition(30, 1), repetition(None, None)], 4).truncated_prompts is None
