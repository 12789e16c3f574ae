"""What crosses the wall is strict, hashed over what is measured, and compared field by field."""

import json

import pytest
from pydantic import ValidationError

from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    ModelSpec,
    ReasoningRequest,
    RunSpec,
    SampleSource,
    TokenLimits,
    server_endpoint,
)
from benchmark_core.differences import differences
from benchmark_core.documents import SCHEMA_VERSION, ContractError
from benchmark_core.reasoning.states import parse_state
from benchmark_core.report.run_report import RunReport
from tests.support import builders


def test_a_spec_survives_its_file(tmp_path):
    spec = builders.spec()
    path = tmp_path / "run_spec.json"
    path.write_text(spec.to_json())
    assert RunSpec.read(path) == spec
    assert RunSpec.read(path).spec_hash() == spec.spec_hash()


def test_the_hash_covers_what_is_measured_and_not_the_name():
    spec = builders.spec()
    assert builders.spec(run_id="another").spec_hash() == spec.spec_hash()
    assert builders.spec(idle_seconds=5.0).spec_hash() == spec.spec_hash()
    assert builders.spec(stop_at_ci=0.01).spec_hash() != spec.spec_hash()
    assert builders.spec(repetitions=3).spec_hash() != spec.spec_hash()
    assert builders.spec(precision="float32").spec_hash() != spec.spec_hash()
    several = spec.backend.model_copy(update={"concurrency": 2})
    assert builders.spec(backend=several).spec_hash() != spec.spec_hash()


def test_the_hash_leaves_out_labels():
    """A corrected class or another wording of the same state is no other experiment."""
    spec = builders.spec()
    corrected = ModelSpec(id="org/model", model_class="B")
    assert builders.spec(model=corrected).spec_hash() == spec.spec_hash()
    reworded = ReasoningRequest(state="Off (N/A)", thinking=False)
    assert builders.spec(reasoning=reworded).spec_hash() == spec.spec_hash()


@pytest.mark.parametrize(
    "reasoning",
    [
        None,
        ReasoningRequest(state="Off", thinking=True),
        ReasoningRequest(state="Off", thinking=False, effort="low"),
    ],
)
def test_the_hash_covers_the_meaning_of_the_reasoning_state(reasoning):
    assert builders.spec(reasoning=reasoning).spec_hash() != builders.spec().spec_hash()


def test_the_hash_outlives_a_new_schema_and_new_optional_fields():
    class LaterSpec(RunSpec):
        colour: str | None = None

    spec = builders.spec()
    later = LaterSpec.model_validate_json(spec.to_json())
    assert later.spec_hash() == spec.spec_hash()
    assert later.model_copy(update={"colour": "red"}).spec_hash() != spec.spec_hash()
    assert spec.model_copy(update={"schema_version": 2}).spec_hash() == spec.spec_hash()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "surprise"),
        ({"schema_version": SCHEMA_VERSION + 1}, "schema_version"),
        ({"repetitions": 0}, "repetitions"),
        ({"task": "poetry"}, "task"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_field(tmp_path, change, message):
    path = tmp_path / "run_spec.json"
    path.write_text(json.dumps(json.loads(builders.spec().to_json()) | change))
    with pytest.raises(ContractError, match=message):
        RunSpec.read(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"schema_version": 1'])
def test_a_truncated_file_is_a_contract_error(tmp_path, content):
    path = tmp_path / "benchmark_report.json"
    path.write_text(content)
    with pytest.raises(ContractError, match=r"benchmark_report.json"):
        RunReport.read(path)


def test_a_missing_file_is_a_contract_error(tmp_path):
    with pytest.raises(ContractError, match="cannot be read"):
        RunSpec.read(tmp_path / "run_spec.json")


def test_a_document_cannot_be_changed():
    with pytest.raises(ValidationError):
        builders.spec().repetitions = 5


def test_limits_must_be_ordered():
    with pytest.raises(ValidationError, match="above"):
        TokenLimits(max_new_tokens=1, min_new_tokens=10)


def test_samples_have_one_source():
    with pytest.raises(ValidationError, match="name one of"):
        SampleSource(dataset_id="a/b", synthetic=True)
    with pytest.raises(ValidationError, match="name one of"):
        SampleSource(prompts_sha256="0" * 64, folder_sha256="0" * 64)
    with pytest.raises(ValidationError, match="name one of"):
        SampleSource(count=3)


def test_a_draw_is_part_of_what_is_measured():
    first, drawn, other = (
        builders.spec(samples=SampleSource(dataset_id="a/b", seed=seed)).spec_hash()
        for seed in (None, 0, 1)
    )
    assert len({first, drawn, other}) == 3
    with pytest.raises(ValidationError, match="seed"):
        SampleSource(dataset_id="a/b", seed=-1)


def test_a_finished_report_must_be_whole():
    spec = builders.spec()
    with pytest.raises(ValidationError, match="summary"):
        builders.report(spec, summary=None)
    with pytest.raises(ValidationError, match="failure"):
        builders.report(spec, outcome="failed")


def test_the_users_server_comes_before_one_that_the_host_started():
    users = builders.spec(backend=BackendSpec(name="vllm", endpoint="http://box:8000"))
    hosts = builders.launch(endpoint="http://127.0.0.1:9000")
    assert server_endpoint(users, builders.launch()) == "http://box:8000"
    assert server_endpoint(users, hosts) == "http://box:8000"
    assert server_endpoint(builders.spec(), hosts) == "http://127.0.0.1:9000"
    assert server_endpoint(builders.spec(), builders.launch()) == ""


def test_a_faithful_report_has_no_differences():
    spec = builders.spec()
    assert differences(spec, builders.report(spec)) == []


@pytest.mark.parametrize(
    ("target", "reached", "done", "names"),
    [
        (0.01, 0.009, 3, []),
        (0.01, 0.01, 4, []),
        (0.01, None, 5, []),
        (0.01, None, 4, ["repetitions"]),
        (0.01, 0.009, 2, ["repetitions"]),
        (0.01, 0.009, 6, ["repetitions"]),
        (0.01, 0.011, 4, ["repetitions"]),
        (None, 0.009, 4, ["repetitions"]),
    ],
)
def test_repetitions_may_end_early_only_at_the_interval_asked_for(target, reached, done, names):
    spec = builders.spec(repetitions=5, stop_at_ci=target)
    repetitions = tuple(builders.repetition() for _ in range(done))
    report = builders.report(spec, repetitions=repetitions, stopped_at_ci=reached)
    assert [line.split(":")[0] for line in differences(spec, report)] == names


COMMIT, OTHER_COMMIT = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"model_id": "org/other"}, ["model"]),
        ({"processor": "org/other"}, ["processor"]),
        ({"dtype": "float32"}, ["precision"]),
        ({"ran_own_code": True}, ["trust_remote_code"]),
        ({"device": DeviceSpec(kind="simulated", gpu_count=2)}, ["device"]),
        ({"device": DeviceSpec(kind="cpu", gpu_count=1)}, ["device"]),
        ({"limits": TokenLimits(max_new_tokens=11, min_new_tokens=10)}, ["limits"]),
        ({"limits": None}, ["limits"]),
        ({"kind": "call", "limits": None}, ["kind"]),
        ({"kind": "forward"}, ["kind", "limits"]),
        ({"steps": 30}, ["steps"]),
        ({"batch_size": 2}, ["batch_size"]),
        ({"concurrency": 4}, ["concurrency"]),
        ({"meters": ("simulated", "codecarbon")}, ["meters"]),
        ({"meters": ()}, ["meters"]),
        ({"dataset_id": "org/data"}, ["dataset"]),
        ({"prompts_sha256": "0" * 64}, ["prompts_sha256"]),
        ({"folder_sha256": "0" * 64}, ["folder_sha256"]),
        ({"samples_used": 3}, ["samples"]),
        (
            {"prompt_form": "chat", "template_kwargs": {"enable_thinking": True}},
            ["template variables"],
        ),
    ],
)
def test_every_setting_applied_otherwise_is_named(change, names):
    spec = builders.spec()
    found = differences(spec, builders.report(spec, applied=builders.applied(spec, **change)))
    assert [line.split(":")[0] for line in found] == names
    assert all(": asked for " in line for line in found)


SUMMARIES = {
    "task": "summarization",
    "reasoning": None,
    "precision": "float32",
    "model": ModelSpec(id="org/model"),
}
PICTURES = SUMMARIES | {"task": "image_generation", "limits": None, "steps": 30}


@pytest.mark.parametrize(
    ("of_spec", "applied", "names"),
    [
        (SUMMARIES, {"kind": "generate"}, []),
        (SUMMARIES, {"kind": "forward", "limits": None}, []),
        (SUMMARIES, {"kind": "forward"}, ["limits"]),
        (SUMMARIES, {"kind": "generate", "limits": None}, ["limits"]),
        (SUMMARIES, {"kind": "call", "limits": None}, ["kind"]),
        (PICTURES, {"kind": "call", "steps": 30}, []),
        (PICTURES, {"kind": "call", "steps": 29}, ["steps"]),
        (PICTURES, {"kind": "call", "steps": None}, ["steps"]),
        (PICTURES, {"kind": "forward", "steps": None}, ["kind"]),
    ],
)
def test_limits_and_steps_hold_where_the_kind_has_them(of_spec, applied, names):
    spec = builders.spec(**of_spec)
    report = builders.report(spec, applied=builders.applied(spec, **applied), reasoning=None)
    assert [line.split(":")[0] for line in differences(spec, report)] == names


def test_other_samples_of_the_users_are_named():
    spec = builders.spec(samples=SampleSource(folder_sha256="1" * 64))
    assert differences(spec, builders.report(spec)) == []
    others = builders.applied(spec, folder_sha256="2" * 64)
    assert differences(spec, builders.report(spec, applied=others)) == [
        f"folder_sha256: asked for {'1' * 64}, applied {'2' * 64}"
    ]


@pytest.mark.parametrize(
    ("asked", "applied", "name"),
    [
        ({"revision": COMMIT}, {"model_commit": OTHER_COMMIT}, "revision"),
        ({"revision": COMMIT}, {"model_commit": None}, "revision"),
        ({"quantization": "gptq"}, {"quantization": None}, "quantization"),
        ({"quantization": "gptq"}, {"quantization": "awq"}, "quantization"),
        ({"processor": "org/words"}, {"processor": "org/model"}, "processor"),
    ],
)
def test_what_a_row_asks_of_its_model_is_compared(asked, applied, name):
    spec = builders.spec(model=ModelSpec(id="org/model", **asked))
    found = differences(spec, builders.report(spec, applied=builders.applied(spec, **applied)))
    assert [line.split(":")[0] for line in found] == [name]


@pytest.mark.parametrize(
    ("asked", "applied"),
    [
        ({"revision": COMMIT}, {"model_commit": COMMIT}),
        ({"revision": "main"}, {"model_commit": COMMIT}),
        ({}, {"model_commit": COMMIT, "quantization": "gptq", "dtype": "bfloat16"}),
        ({"quantization": "GPTQ"}, {"quantization": "gptq"}),
        ({"trust_remote_code": True}, {"ran_own_code": True}),
        ({"trust_remote_code": True}, {"ran_own_code": False}),
    ],
)
def test_what_a_row_leaves_open_may_be_anything(asked, applied):
    spec = builders.spec(model=ModelSpec(id="org/model", **asked))
    assert differences(spec, builders.report(spec, applied=builders.applied(spec, **applied))) == []


def test_the_commit_of_a_dataset_is_compared_when_it_was_asked_for():
    source = SampleSource(dataset_id="org/data", dataset_revision=COMMIT)
    spec = builders.spec(samples=source)
    right = builders.applied(spec, dataset_commit=COMMIT)
    assert differences(spec, builders.report(spec, applied=right)) == []
    wrong = builders.applied(spec, dataset_commit=OTHER_COMMIT)
    assert differences(spec, builders.report(spec, applied=wrong)) == [
        f"dataset_revision: asked for {COMMIT}, applied {OTHER_COMMIT}"
    ]


def test_a_model_on_the_cpu_uses_none_of_the_gpus_that_its_run_is_metered_on():
    spec = builders.spec(device=DeviceSpec(kind="cpu", gpu_count=1))
    on_cpu = builders.applied(spec, device=DeviceSpec(kind="cpu", gpu_count=0))
    assert differences(spec, builders.report(spec, applied=on_cpu)) == []


def test_a_quantized_checkpoint_keeps_its_precision():
    spec = builders.spec()
    applied = builders.applied(spec, dtype="bfloat16", quantization="mxfp4")
    assert differences(spec, builders.report(spec, applied=applied)) == []


def test_a_report_of_another_spec_is_refused():
    report = builders.report(builders.spec(repetitions=2))
    assert differences(builders.spec(repetitions=3), report) == [
        "spec_hash: the report belongs to another spec"
    ]


def test_fewer_samples_than_asked_are_all_there_are():
    spec = builders.spec(samples=SampleSource(synthetic=True, count=1000))
    assert differences(spec, builders.report(spec)) == []


# ---------------------------------------------------------------- reasoning

HYBRID, LEVELS = "Qwen/Qwen3-0.6B", "openai/gpt-oss-20b"
ALWAYS_ON, OPT_IN = "deepseek-ai/DeepSeek-R1", "LGAI-EXAONE/EXAONE-4.0-32B"
BY_SYSTEM_FLAG = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"
BY_FILE = "mistralai/Magistral-Small-2507"
TWO_WAYS = "tencent/Hunyuan-1.8B-Instruct"
BASE = "google/gemma-3-4b-pt"
STRANGER = "org/model"


def differences_of(model, state, form=None, variables=None, **of_facts):
    """The names of what a report says otherwise; `of_facts` change what it says of reasoning.

    `variables` are those that the prompts were given, None for the ones that the report says.
    """
    spec = builders.spec(model=ModelSpec(id=model), reasoning=parse_state(state))
    facts = builders.facts(spec, **of_facts)
    given = facts.kwargs if variables is None else variables
    applied = builders.applied(spec, prompt_form=form, template_kwargs=given)
    found = differences(spec, builders.report(spec, applied=applied, reasoning=facts))
    assert all(": asked for " in line and ", applied " in line for line in found)
    return [line.split(":")[0] for line in found]


@pytest.mark.parametrize("form", [None, "chat"])
@pytest.mark.parametrize(
    ("model", "state"),
    [
        (HYBRID, "On"),
        (HYBRID, "Off"),
        (LEVELS, "On (Low)"),
        (LEVELS, "On"),
        (LEVELS, "Off (N/A)"),
        (ALWAYS_ON, "Off"),
        (OPT_IN, "Off"),
        (BY_SYSTEM_FLAG, "Off"),
        (TWO_WAYS, "On"),
        (BY_FILE, "Off (N/A)"),
        (STRANGER, "On (High)"),
    ],
)
def test_a_report_that_says_what_the_table_says_has_no_differences(model, state, form):
    assert differences_of(model, state, form) == []


def test_a_base_model_is_given_raw_text_and_others_a_chat():
    assert differences_of(BASE, "Off (N/A)", "raw") == []
    assert differences_of(BASE, "Off (N/A)", "chat") == ["prompt form"]
    assert differences_of(HYBRID, "Off", "raw") == ["prompt form"]
    assert differences_of(HYBRID, "Off", "raw", {}) == ["template variables", "prompt form"]
    assert differences_of(STRANGER, "Off", "raw") == []


def test_without_a_stated_request_no_template_is_given_a_variable():
    spec = builders.spec(reasoning=None)
    for form, variables, names in (
        ("chat", {}, []),
        ("chat", {"enable_thinking": True}, ["template variables"]),
    ):
        applied = builders.applied(spec, prompt_form=form, template_kwargs=variables)
        found = differences(spec, builders.report(spec, applied=applied))
        assert [line.split(":")[0] for line in found] == names


def test_a_stated_request_must_be_spoken_of():
    spec = builders.spec()
    assert differences(spec, builders.report(spec, reasoning=None)) == [
        "reasoning: asked for Off, applied nothing"
    ]
    silent = builders.spec(reasoning=None)
    told = builders.report(silent, reasoning=builders.facts(spec))
    assert differences(silent, told) == ["reasoning: asked for nothing, applied Off"]
    assert differences(silent, builders.report(silent)) == []


def test_another_request_is_named():
    spec = builders.spec()
    other = builders.facts(spec, requested="On (High)")
    assert differences(spec, builders.report(spec, reasoning=other)) == [
        "reasoning: asked for Off, applied On (High)"
    ]


@pytest.mark.parametrize(
    ("model", "state", "reached"),
    [
        (HYBRID, "Off", {}),
        (HYBRID, "Off", {"enable_thinking": True}),
        (HYBRID, "Off", {"thinking": False}),
        (LEVELS, "On (High)", {"reasoning_effort": "medium"}),
        (ALWAYS_ON, "On", {"enable_thinking": True}),
        (STRANGER, "On", {"enable_thinking": True}),
    ],
)
def test_template_variables_that_did_not_reach_the_prompts_are_named(model, state, reached):
    assert differences_of(model, state, "chat", reached) == ["template variables"]


def test_variables_that_a_probe_found_are_compared_with_those_of_the_prompts():
    found = {"effective": "off", "enforced": True, "kwargs": {"thinking": False}}
    assert differences_of(STRANGER, "Off", "chat", **found) == []
    assert differences_of(STRANGER, "Off", "chat", {}, **found) == ["template variables"]


@pytest.mark.parametrize(
    ("model", "state", "said", "names"),
    [
        (HYBRID, "Off", {"effective": "on"}, ["effective reasoning"]),
        (HYBRID, "Off", {"effective": None}, ["effective reasoning"]),
        (HYBRID, "On", {"enforced": False}, ["enforced reasoning"]),
        (ALWAYS_ON, "Off", {"effective": "off"}, ["effective reasoning"]),
        (ALWAYS_ON, "Off", {"enforced": True}, ["enforced reasoning"]),
        (BY_FILE, "Off (N/A)", {"effective": "off"}, ["effective reasoning"]),
        (HYBRID, "Off", {"kwargs": {"enable_thinking": True}}, ["instruction"]),
        (HYBRID, "Off", {"kwargs": {}}, ["instruction"]),
        (HYBRID, "Off", {"kwargs": {"enable_thinking": "false"}}, ["instruction"]),
        (LEVELS, "On (High)", {"kwargs": {"reasoning_effort": "low"}}, ["instruction"]),
        (ALWAYS_ON, "On", {"user_prefix": "<think>"}, ["instruction"]),
        (HYBRID, "Off", {"system_message": "Be brief."}, ["instruction"]),
        (BY_SYSTEM_FLAG, "Off", {"system_message": None}, ["instruction"]),
        (BY_SYSTEM_FLAG, "Off", {"system_message": "/think"}, ["instruction"]),
        (BY_SYSTEM_FLAG, "On", {"system_message": "/no_think"}, ["instruction"]),
        (TWO_WAYS, "Off", {"kwargs": {}, "user_prefix": "/think"}, ["instruction"]),
    ],
)
def test_what_a_report_says_otherwise_than_the_table_is_named(model, state, said, names):
    assert differences_of(model, state, "chat", **said) == names


def test_each_way_that_a_family_has_is_accepted():
    by_prefix = {"kwargs": {}, "user_prefix": "/no_think"}
    assert differences_of(TWO_WAYS, "Off", "chat", **by_prefix) == []
    both = {"kwargs": {"enable_thinking": False}, "user_prefix": "/no_think"}
    assert differences_of(TWO_WAYS, "Off", "chat", **both) == ["instruction"]


def test_the_text_of_a_file_beside_the_weights_is_not_compared():
    text = {"system_message": "First think, then answer."}
    assert differences_of(BY_FILE, "On", "chat", **text) == []
    for besides in ({"kwargs": {"thinking": True}}, {"user_prefix": "/think"}):
        assert differences_of(BY_FILE, "On", "chat", **besides, **text) == ["instruction"]
    assert differences_of(BY_FILE, "Off (N/A)", "chat", **text) == ["instruction"]


@pytest.mark.parametrize("text", [None, ""])
def test_a_file_beside_the_weights_has_a_text_wherever_it_was_read(text):
    assert differences_of(BY_FILE, "On", "chat", system_message=text) == ["instruction"]
    assert differences_of(BY_FILE, "On", None, system_message=text) == []


@pytest.mark.parametrize("effective", ["on", "none", "unforced", None])
def test_of_a_model_that_the_table_lacks_its_probe_has_the_word(effective):
    said = {"effective": effective, "enforced": effective == "on", "system_message": "/think"}
    assert differences_of(STRANGER, "On", "chat", **said) == []
