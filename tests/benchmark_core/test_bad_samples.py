"""Samples that the device or the model cannot take: one fails alone, many fail the run."""

# ruff: noqa: F811 - fixtures are imported
import csv
import json
import weakref
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark_core.contract import SAMPLES_FILE, Launch, SampleSource
from benchmark_core.faults import MemoryFault, SampleFault
from benchmark_core.report.run_report import RunReport
from benchmark_core.reported_run import run
from benchmark_core.sample_folder import samples_sha256
from tests.support.builders import NOW
from tests.support.task_runs import (  # noqa: F401
    T5,
    Bench,
    Benches,
    bench_of,
    built_zoo,
    own_samples,
    task_spec,
    variant,
    zoo,
)

WHOSE = f"model {T5}, summarization"
MORE_MEMORY = "Give it more GPUs"

Run = Callable[..., RunReport]


def exhaust_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def break_down() -> None:
    raise ValueError("this sample is broken")


@pytest.fixture
def run_with(zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of texts, of which those with these numbers meet their end while they are run."""
    from transformers import T5ForConditionalGeneration

    def make(
        count: int, too_large: Collection[int] = (), broken: Collection[int] = ()
    ) -> RunReport:
        texts = ["river " * (number + 1) for number in range(count)]
        ends = dict.fromkeys(broken, break_down) | dict.fromkeys(too_large, exhaust_memory)
        lengths: dict[int, int] = {}
        generate = T5ForConditionalGeneration.generate

        def failing(self: Any, **inputs: Any) -> Any:
            tokens = inputs["input_ids"].shape[1]
            # Each text has a length of its own, and is met in order first.
            number = lengths.setdefault(tokens, len(lengths))
            ends.get(number, lambda: None)()
            return generate(self, **inputs)

        monkeypatch.setattr(T5ForConditionalGeneration, "generate", failing)
        path = tmp_path / "texts.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        source = SampleSource(folder_sha256=samples_sha256(path))
        spec = task_spec("summarization", T5, samples=source, repetitions=1)
        launch = Launch(engine="none", launched_at=NOW, samples_path=str(path))
        (tmp_path / "run_spec.json").write_text(spec.to_json())
        (tmp_path / "launch.json").write_text(launch.to_json())
        return run(tmp_path)

    return make


# ---------------------------------------------------------------- memory


def test_a_sample_too_large_for_the_device_fails_alone(run_with: Run, tmp_path: Path) -> None:
    report = run_with(20, too_large={7})
    assert report.outcome == "finished", report.failure
    assert [window.failed for window in report.repetitions[0].windows] == [0, 1, 1]
    assert (report.summary.successful_prompts, report.summary.failed_prompts) == (19, 1)
    assert report.verdict.verdict == "flagged" and "samples_failed" in report.verdict.reasons
    with (tmp_path / SAMPLES_FILE).open(newline="") as file:
        errors = [row["error"] for row in csv.DictReader(file)]
    assert [error for error in errors if error] == [
        f"{T5}: cpu ran out of memory while a sample ran"
    ] * 2


@pytest.mark.parametrize(("too_large", "broken"), [(range(5, 8), ()), ({5, 6}, {9, 10})])
def test_too_many_of_them_are_a_run_out_of_memory(
    run_with: Run, too_large: Collection[int], broken: Collection[int]
) -> None:
    report = run_with(20, too_large, broken)
    failed = len(too_large) + len(broken)
    assert report.failure.kind == MemoryFault.kind
    assert report.failure.message == (
        f"{WHOSE}: {failed} of 20 samples failed in the prefill pass, {len(too_large)} of them"
        " because the device ran out of memory"
    )
    assert report.failure.remedy.startswith(MORE_MEMORY)
    assert SAMPLES_FILE in report.failure.remedy


def test_few_of_them_among_many_failures_are_not(run_with: Run) -> None:
    report = run_with(20, too_large={5}, broken={7, 8, 9})
    assert report.failure.kind == "model_unusable"
    assert report.failure.message.endswith(
        "4 of 20 samples failed in the prefill pass; the last said: ValueError: this sample is"
        " broken"
    )


def test_a_warm_up_out_of_memory_ends_the_run(run_with: Run) -> None:
    report = run_with(20, too_large=range(20))
    assert report.failure.kind == MemoryFault.kind
    assert report.failure.remedy.startswith(MORE_MEMORY)


@pytest.mark.usefixtures("zoo")
def test_what_a_failed_sample_held_is_gone_when_the_device_is_tidied(
    bench_of: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, prepared = bench_of(variant("summarization", T5))
    held: list[Any] = []
    tidied: list[bool] = []

    def fail(*_: Any) -> None:
        numbers = torch.zeros(3)
        held.append(weakref.ref(numbers))
        exhaust_memory()

    hook = bench.model.register_forward_pre_hook(fail)
    monkeypatch.setattr(bench.backend, "_on_device", lambda inputs: inputs)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: tidied.append(held[0]() is None))
    bench.backend._device = "cuda:0"
    with pytest.raises(MemoryFault, match="cuda:0 ran out of memory while a sample ran"):
        bench.backend.run(prepared[0], bench.longest)
    assert tidied == [True]
    hook.remove()
    bench.backend._device = "cpu"
    assert bench.backend.run(prepared[0], bench.longest).completion_tokens == 10


# ---------------------------------------------------------------- warm-up


@pytest.mark.parametrize(("count", "failed"), [(9, "1 sample"), (15, "2 samples")])
def test_a_warm_up_that_gives_up_names_model_and_task(
    run_with: Run, count: int, failed: str
) -> None:
    report = run_with(count, broken=range(count))
    assert report.failure.kind == "model_unusable"
    assert report.failure.message == (
        f"{WHOSE}: {failed} failed before any was run; the last said: ValueError: this sample is"
        " broken"
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "the only sample cannot be used: "),
        (6, "none of the 6 samples can be used; the last said: "),
    ],
)
def test_samples_none_of_which_can_be_used_are_told_with_model_and_task(
    run_with: Run, monkeypatch: pytest.MonkeyPatch, count: int, said: str
) -> None:
    from benchmark_core.backends.pytorch import PyTorchBackend

    def refuse(*_: object) -> None:
        raise SampleFault("no picture", "Take another one.")

    monkeypatch.setattr(PyTorchBackend, "_encode", refuse)
    report = run_with(count)
    assert report.failure.kind == "samples_unusable"
    assert report.failure.message == f"{WHOSE}: {said}no picture"


@pytest.mark.usefixtures("zoo")
def test_a_short_warm_up_that_fails_is_made_good_by_one_more_whole_one(
    bench_of: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, prepared = bench_of(variant("summarization", T5))
    asked: list[int] = []
    run_one = bench.backend.run

    def failing(sample: Any, step: Any) -> Any:
        asked.append(step.limits.max_new_tokens)
        if step != bench.longest:
            break_down()
        return run_one(sample, step)

    monkeypatch.setattr(bench.backend, "run", failing)
    bench.backend.warm_up(prepared[0], bench.passes)
    assert asked == [10, 2, 10]


@pytest.mark.usefixtures("zoo")
def test_a_whole_warm_up_that_fails_is_the_samples_fault(
    bench_of: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, prepared = bench_of(variant("summarization", T5))
    monkeypatch.setattr(bench.model, "generate", lambda **_: break_down())
    with pytest.raises(ValueError, match="this sample is broken"):
        bench.backend.warm_up(prepared[0], bench.passes)
