"""A catalog with a row for each variant of the zoo, and what its run came to."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark_core.contract import REPORT_FILE
from benchmark_core.tasks import registry as tasks
from tests.support.runner import HEADER
from tests.support.task_runs import Variant


def write_rows(path: Path, variants: Iterable[Variant]) -> None:
    """Text generation in class A and state Off; other tasks have neither."""
    lines = [HEADER]
    for one in variants:
        task = tasks.get(one.task)
        class_ = "A" if task.has_classes else ""
        state = "Off" if task.can_reason else ""
        lines.append(f"{one.model},1,{class_},{task.spellings[0]},{state},\n")
    path.write_text("".join(lines))


def run_id_of(one: Variant) -> str:
    suffix = "Off" if one.task == "text_generation" else one.task
    return f"{one.model.replace('/', '_')}_{suffix}"


def report_of(results: Path, run_id: str) -> dict[str, Any]:
    path = results / "individual_runs" / run_id / REPORT_FILE
    return dict(json.loads(path.read_text()))


PHASES = {
    "generate": ["preprocess", "prefill", "decode"],
    "forward": ["preprocess", "forward"],
    "call": ["preprocess", "call"],
}


def check_run(results: Path, row: dict[str, str], one: Variant, samples: int) -> None:
    """The row in the table and the report of a finished run, against what the method asks."""
    assert (row["outcome"], row["error_message"]) == ("finished", ""), row["error_message"]
    assert row["task"] == tasks.get(one.task).spellings[0]
    assert row["model_name"] == one.model
    assert row["dtype"] == one.precision
    assert len(row["model_commit"]) == 40
    counts = (row["total_prompts"], row["successful_prompts"], row["failed_prompts"])
    assert counts == (str(samples), str(samples), "0")
    assert row["total_completion_tokens"] == str(samples * one.new_tokens)
    assert bool(row["total_prompt_tokens"]) == one.reads_text
    if one.reads_text:
        assert int(row["total_prompt_tokens"]) > samples
    # No GPU, so no figure, whichever phases there were.
    assert {row[f"{phase}_wh"] for phases in PHASES.values() for phase in phases} == {""}
    assert row["gpu_energy_wh"] == ""
    assert float(row["cpu_energy_wh"]) > 0

    report = report_of(results, row["run_id"])
    applied = report["applied"]
    assert applied["kind"] == one.kind
    assert applied["dtype"] == one.precision
    assert applied["steps"] == (30 if one.kind == "call" else None)
    exactly = {"max_new_tokens": one.new_tokens, "min_new_tokens": one.new_tokens}
    assert applied["limits"] == (exactly if one.kind == "generate" else None)
    assert (applied["batch_size"], applied["samples_used"]) == (1, samples)
    for repetition in report["repetitions"]:
        assert sorted(repetition["phases"]) == sorted(PHASES[one.kind])
        passes = {window["name"]: window for window in repetition["windows"]}
        for window in passes.values():
            assert (window["successful"], window["failed"]) == (samples, 0)
        if one.kind == "generate":
            assert passes["prefill"]["tokens"]["completion"] == samples
            assert passes["generate"]["tokens"]["completion"] == samples * one.new_tokens
