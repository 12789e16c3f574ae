"""Which runs of a plan may share a loaded model, and which of them were never begun."""

from pathlib import Path

import pytest

from benchmark_core.report.judgement import Failure
from orchestrator.engines.base import Leftover
from orchestrator.outcome import Returned, conclude
from orchestrator.run_planner import REFERENCE_GPUS, make_plan
from orchestrator.settings import Settings
from orchestrator.shared_loads import end_of_one, group
from orchestrator.simulation_file import Simulations
from orchestrator.todo import Todo
from tests.support import builders, catalogs
from tests.support.settings import settings

ROWS = (
    "openai/gpt-oss-20b,1,B,text_gen,On (High),",
    "acme/other,1,A,text_gen,On,",
    "openai/gpt-oss-20b,1,B,text_gen,On (Low),",
    "openai/gpt-oss-20b,1,,summarization,,",
    "acme/other,1,A,text_gen,Off,",
    "openai/gpt-oss-20b,1,B,text_gen,Off,",
)


def todos(place: Path, chosen: Settings) -> list[Todo]:
    configs = catalogs.parse(place / "models.csv", *ROWS)
    runs = make_plan(configs, chosen, REFERENCE_GPUS, None, Simulations()).runs
    assert len(runs) == len(ROWS)
    return [Todo(run) for run in runs]


def names(groups: list[tuple[Todo, ...]]) -> list[list[str]]:
    return [[todo.run.run_id for todo in members] for members in groups]


@pytest.mark.parametrize("flags", [(), ("--backend", "simulated")])
def test_rows_of_one_model_that_differ_in_reasoning_alone_share_its_load(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    assert names(group(todos(tmp_path, settings(*flags)))) == [
        ["openai_gpt-oss-20b_On_High", "openai_gpt-oss-20b_On_Low", "openai_gpt-oss-20b_Off"],
        ["acme_other_On", "acme_other_Off"],
        ["openai_gpt-oss-20b_summarization"],
    ]


def test_only_fresh_runs_share(tmp_path: Path) -> None:
    first, other, low, summary, other_off, off = todos(tmp_path, settings())
    kept = Todo(first.run, skip_because="finished before")
    adopted = Todo(low.run, leftover=Leftover("key", low.run.run_id, "0"))
    assert group([kept, other, adopted, summary, other_off, off]) == [
        (kept,),
        (other, other_off),
        (adopted,),
        (summary,),
        (off,),
    ]


def test_runs_whose_backend_keeps_no_model_are_alone(tmp_path: Path) -> None:
    chosen = settings("--backend", "vllm", "--endpoint", "http://a")
    configs = catalogs.parse(tmp_path / "models.csv", *ROWS[:3])
    runs = make_plan(configs, chosen, REFERENCE_GPUS, None, Simulations()).runs
    assert [len(members) for members in group([Todo(run) for run in runs])] == [1, 1, 1]


def test_each_run_of_a_program_ends_as_its_own_report_says(tmp_path: Path) -> None:
    """A run that failed gives the program exit code 1, and the finished one beside it none."""
    spec, launch, log = builders.spec(), builders.launch(), tmp_path / "run.log"
    failure = Failure(kind="out_of_memory", message="full", remedy="Free it")
    failed = builders.report(spec, outcome="failed", failure=failure)
    ends = {}
    for report in (builders.report(spec), failed):
        ended = end_of_one(report)
        outcome = conclude(spec, launch, Returned(report), log, ended, None, "now")
        ends[outcome.outcome] = (outcome.reason, outcome.exit_code, outcome.started_at)
    assert ends == {
        "finished": ("", None, builders.NOW),
        "failed": ("out_of_memory", None, builders.NOW),
    }
    assert end_of_one(builders.report(spec, started_at="=HYPERLINK(1)")).started_at is None
