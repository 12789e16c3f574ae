"""Rows and settings become specs; the name of a run depends on the row alone."""

import csv
import dataclasses
import json

import pytest

from benchmark_core import protocol
from benchmark_core.contract import Simulation
from benchmark_core.tasks import registry as tasks
from orchestrator.catalog import ModelConfig
from orchestrator.display import plan_view
from orchestrator.display.plan_view import Preview
from orchestrator.forecast import forecast
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import GpuSet, make_plan
from orchestrator.simulation_file import Simulations
from orchestrator.todo import Todo
from tests.support.settings import settings

EIGHT = GpuSet(count=8, memory_bytes=80 * 10**9)


def config(**changes):
    fields = {
        "model_id": "openai/gpt-oss-20b",
        "priority": 1,
        "model_class": "B",
        "task": "text_generation",
        "reasoning_state": "On (High)",
        "line": 2,
    }
    return ModelConfig(**(fields | changes))


def plan_one(row, **changes):
    return make_plan([row], settings(**changes), EIGHT, None, Simulations()).runs[0].spec


def run_id(row):
    return plan_one(row).run_id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "openai_gpt-oss-20b_On_High"),
        ({"reasoning_state": "Off"}, "openai_gpt-oss-20b_Off"),
        ({"reasoning_state": "Off (N/A)"}, "openai_gpt-oss-20b_Off_NA"),
        ({"reasoning_state": "On"}, "openai_gpt-oss-20b_On"),
        (
            {"task": "summarization", "reasoning_state": None, "model_class": None},
            "openai_gpt-oss-20b_summarization",
        ),
    ],
)
def test_run_ids_as_users_know_them(changes, expected):
    assert run_id(config(**changes)) == expected


def test_names_that_lose_something_carry_a_hash():
    one = run_id(config(model_id="a_b/c"))
    other = run_id(config(model_id="a/b_c"))
    assert one != other
    assert run_id(config(revision="refs/pr/1")) != run_id(config(revision="refs-pr-1"))


def test_revision_and_quantization_are_named_and_never_confused():
    by_revision = run_id(config(revision="awq"))
    by_quantization = run_id(config(quantization="awq"))
    assert by_revision.startswith("openai_gpt-oss-20b_On_High_awq_")
    assert by_quantization.startswith("openai_gpt-oss-20b_On_High_awq_")
    assert by_revision != by_quantization
    twisted = run_id(config(model_id="a/b_Off", reasoning_state="Off"))
    assert twisted != run_id(config(model_id="a/b", reasoning_state="Off", revision="Off"))


def test_a_run_id_is_safe_as_a_file_name():
    name = run_id(config(revision="../../etc/passwd\n$(x)" + "y" * 300))
    assert "/" not in name
    assert name.isascii()
    assert len(name) < 140


def test_the_name_does_not_depend_on_the_filter():
    rows = [config(), config(reasoning_state="Off", line=3)]
    whole = make_plan(rows, settings(), EIGHT, None, Simulations())
    part = make_plan(rows[1:], settings(), EIGHT, None, Simulations())
    assert whole.runs[1].spec == part.runs[0].spec


HYBRID, LEVELS, STRANGER = "Qwen/Qwen3-0.6B", "openai/gpt-oss-20b", "org/model"
ALWAYS_ON, NEVER = "deepseek-ai/DeepSeek-R1", "google/gemma-3-1b-it"
BY_FILE, BASE = "mistralai/Magistral-Small-2507", "google/gemma-3-4b-pt"
LONG, TEN = (8192, 1), (10, 10)


@pytest.mark.parametrize(
    ("model", "state", "limits"),
    [
        (HYBRID, "On", LONG),
        (HYBRID, "Off", TEN),
        (LEVELS, "On (High)", LONG),
        (LEVELS, "On (Low)", LONG),
        (LEVELS, "Off (N/A)", TEN),
        (ALWAYS_ON, "On", LONG),
        (ALWAYS_ON, "Off", TEN),
        (BY_FILE, "On", LONG),
        (BY_FILE, "Off (N/A)", TEN),
        (NEVER, "On", TEN),
        (NEVER, "On (High)", TEN),
        (NEVER, "Off (N/A)", TEN),
        (BASE, "On", TEN),
        (STRANGER, "On", LONG),
        (STRANGER, "On (High)", LONG),
        (STRANGER, "Off", TEN),
        (STRANGER, "Off (N/A)", TEN),
    ],
)
def test_limits_follow_the_state_unless_the_model_cannot_reason(model, state, limits):
    spec = plan_one(config(model_id=model, reasoning_state=state))
    assert (spec.limits.max_new_tokens, spec.limits.min_new_tokens) == limits
    assert spec.reasoning.state == state
    assert spec.precision == "float16"


@pytest.mark.parametrize(("model", "level"), [(HYBRID, "High"), (ALWAYS_ON, "Low")])
def test_a_row_with_a_level_that_the_model_lacks_is_skipped_by_name(model, level):
    state = f"On ({level})"
    rows = [config(model_id=model, reasoning_state=state, line=5), config()]
    plan = make_plan(rows, settings("--csv", "mine.csv"), EIGHT, None, Simulations())
    assert [run.config.line for run in plan.runs] == [2]
    (skipped,) = plan.skipped
    assert skipped.where == "mine.csv, line 5"
    assert model in skipped.what
    assert f"'{state}' asks for effort {level.lower()}, and the model has no levels" in skipped.what
    assert skipped.remedy == "The row is skipped; write On as its state."


EFFECTIVE = [
    (HYBRID, "On", "on", True),
    (HYBRID, "Off", "off", True),
    (LEVELS, "Off (N/A)", "on", False),
    (ALWAYS_ON, "Off", "on", False),
    (NEVER, "On", "none", False),
    (NEVER, "Off (N/A)", "none", True),
    (BY_FILE, "Off (N/A)", "unforced", False),
    (BY_FILE, "On", "on", True),
    (STRANGER, "On", None, None),
]


@pytest.fixture
def preview(tmp_path):
    rows = [
        config(model_id=model, reasoning_state=state, line=line)
        for line, (model, state, *_) in enumerate(EFFECTIVE, start=2)
    ]
    plan = make_plan(rows, settings(), EIGHT, None, Simulations())
    todos = [Todo(run) for run in plan.runs]
    expected = forecast(plan, settings(), [], RunDirectory(tmp_path))
    return Preview(todos, expected, skipped=(), warnings=(), problems=())


def test_the_plan_shows_how_the_models_will_answer(preview, capsys):
    plan_view.show(preview, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    table = list(csv.DictReader(lines[: len(EFFECTIVE) + 1], delimiter="\t"))
    shown = {None: "{}", True: "{}", False: "{} (not enforced)"}
    assert [(row["reasoning"], row["effective"]) for row in table] == [
        (state, shown[enforced].format(effective or "found by the run"))
        for _, state, effective, enforced in EFFECTIVE
    ]


def test_the_plan_as_json_has_it_too(preview, capsys):
    plan_view.show(preview, as_json=True)
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [
        (
            run["spec"]["model"]["id"],
            run["spec"]["reasoning"]["state"],
            run["reasoning_effective"],
            run["reasoning_enforced"],
        )
        for run in runs
    ] == EFFECTIVE


@pytest.mark.parametrize(
    ("row", "changes", "count"),
    [
        ({"model_class": "A"}, {}, 1),
        ({"model_class": "B"}, {"gpus_per_run": 4}, 1),
        ({"model_class": "C", "gpus": 2}, {"gpus_per_run": 4}, 2),
        ({"model_class": "C"}, {"gpus_per_run": 4}, 4),
        ({"model_class": "C", "parameters_billion": 70.0}, {}, 3),
        ({"model_class": "C"}, {}, 8),
        ({"model_class": "A"}, {"device": "cpu", "meters": ("codecarbon",)}, 0),
        ({"model_class": "A"}, {"device": "cpu", "meters": ("nvml", "codecarbon")}, 1),
    ],
)
def test_how_many_gpus_a_row_takes(row, changes, count):
    assert plan_one(config(**row), **changes).device.gpu_count == count


def test_a_simulation_is_of_the_name_that_the_folder_gets(monkeypatch):
    names = iter(("first", "second"))
    monkeypatch.setattr(protocol, "run_id", lambda *asked: next(names))
    simulations = Simulations(runs={"first": Simulation(watts=7)})
    made = settings("--backend", "simulated")
    (run,) = make_plan([config()], made, EIGHT, None, simulations).runs
    assert (run.run_id, run.spec.backend.simulation.watts) == ("first", 7)


def test_a_row_that_needs_more_gpus_than_there_are_is_skipped_by_name():
    rows = [config(model_class="C", gpus=16), config(line=3)]
    plan = make_plan(rows, settings(), EIGHT, None, Simulations())
    assert [run.config.line for run in plan.runs] == [3]
    assert "line 2: openai/gpt-oss-20b needs 16 GPUs, and 8 may be used" in str(plan.skipped[0])


@pytest.mark.parametrize(
    ("row", "changes", "cause"),
    [
        ({"gpus": 16}, {}, "set the row's GPUs column"),
        ({"gpus": 16}, {"gpus_per_run": 2}, "set the row's GPUs column"),
        ({}, {"gpus_per_run": 16}, "lower --gpus-per-run"),
        ({"parameters_billion": 1000.0}, {}, "set the row's GPUs column"),
    ],
)
def test_its_remedy_names_what_gave_the_number(row, changes, cause):
    rows = [config(model_class="C", **row)]
    (skipped,) = make_plan(rows, settings(**changes), EIGHT, None, Simulations()).skipped
    assert skipped.remedy == f"The row is skipped; allow more with --gpus, or {cause}."


def of_task(name, **changes):
    """A row of another task than text generation."""
    return config(**{"task": name, "model_class": None, "reasoning_state": None} | changes)


HUNDRED = (100, 100)


@pytest.mark.parametrize(
    ("name", "limits", "steps"),
    [
        ("summarization", TEN, None),
        ("question_answering", HUNDRED, None),
        ("text_classification", TEN, None),
        ("sentence_similarity", None, None),
        ("image_classification", None, None),
        ("object_detection", None, None),
        ("automatic_speech_recognition", HUNDRED, None),
        ("image_generation", None, 30),
        ("image_captioning", HUNDRED, None),
    ],
)
def test_every_other_task_is_planned_by_its_own_protocol(name, limits, steps):
    spec = plan_one(of_task(name))
    assert (spec.task, spec.reasoning, spec.precision) == (name, None, "float32")
    found = spec.limits and (spec.limits.max_new_tokens, spec.limits.min_new_tokens)
    assert (found, spec.steps) == (limits, steps)
    assert spec.samples.dataset_id == tasks.get(name).dataset_id
    assert spec.device.gpu_count == 1


def test_settings_that_do_not_change_the_measurement_keep_the_hash():
    base = plan_one(config())
    placed = plan_one(config(), timeout_seconds=60.0, image="other", engine="process")
    measured = plan_one(config(), repetitions=3)
    assert base.spec_hash() == placed.spec_hash() != measured.spec_hash()


def test_what_is_asked_of_repetitions_and_rest_reaches_the_spec():
    spec = plan_one(config(), stop_at_ci=0.01, idle_seconds=7.5, given={"idle_seconds"})
    assert (spec.stop_at_ci, spec.idle_seconds, spec.repetitions) == (0.01, 7.5, 10)
    assert plan_one(config()).stop_at_ci is None
    assert spec.spec_hash() != plan_one(config(), idle_seconds=7.5).spec_hash()


def test_a_rehearsal_may_end_its_repetitions_early_too():
    spec = plan_one(
        config(),
        backend="simulated",
        device="simulated",
        meters=("simulated",),
        stop_at_ci=0.5,
        repetitions=3,
    )
    assert spec.stop_at_ci == 0.5


def test_a_simulated_run_needs_no_data_and_says_what_it_is():
    spec = plan_one(
        config(), backend="simulated", device="simulated", meters=("simulated",), num_prompts=7
    )
    assert spec.samples.synthetic
    assert spec.samples.count == 7
    assert spec.device.kind == "simulated"
    assert spec.backend.simulation is not None


def test_a_draw_from_a_dataset_reaches_the_spec():
    assert plan_one(config(), seed=5).samples.seed == 5
    assert plan_one(config()).samples.seed is None


def test_settings_never_show_the_token():
    assert "hf_secret" not in repr(dataclasses.replace(settings(), token="hf_secret"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "generates a fixed number of tokens from the bare text, and the row reasons"),
        ({"reasoning_state": "Off", "quantization": "mxfp4"}, "names a quantization"),
        (
            {"task": "automatic_speech_recognition", "reasoning_state": None, "model_class": None},
            "decodes sounds",
        ),
    ],
)
def test_a_row_that_optimum_benchmark_cannot_run_is_left_out_with_the_reason(changes, said):
    row = config(**changes)
    plan = make_plan([row], settings("--backend", "optimum"), EIGHT, None, Simulations())
    assert plan.runs == ()
    (problem,) = plan.skipped
    assert said in problem.what
    assert "pytorch backend" in problem.remedy


def test_what_optimum_benchmark_is_asked_for():
    flags = settings("--backend", "optimum")
    (run,) = make_plan([config(reasoning_state="Off")], flags, EIGHT, None, Simulations()).runs
    assert run.spec.backend.name == "optimum"
    assert run.spec.meters == ("codecarbon",)
    assert run.spec.idle_seconds is None
    assert (run.spec.precision, run.spec.device.gpu_count) == ("float16", 1)
    # Where its Python is changes nothing of what is measured.
    elsewhere = settings("--backend", "optimum", environ={"OPTIMUM_PYTHON": "/opt/x/bin/python"})
    (other,) = make_plan(
        [config(reasoning_state="Off")], elsewhere, EIGHT, None, Simulations()
    ).runs
    assert other.spec == run.spec
