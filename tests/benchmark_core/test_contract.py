"""What crosses the wall is strict, hashed over what is measured, and compared field by field."""

import json

import pytest
from pydantic import ValidationError

from benchmark_core.contract import DeviceSpec, RunReport, RunSpec, SampleSource, TokenLimits
from benchmark_core.differences import differences
from benchmark_core.documents import SCHEMA_VERSION, ContractError
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
    assert builders.spec(repetitions=3).spec_hash() != spec.spec_hash()
    assert builders.spec(precision="float32").spec_hash() != spec.spec_hash()


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
        SampleSource(count=3)


def test_a_finished_report_must_be_whole():
    spec = builders.spec()
    with pytest.raises(ValidationError, match="summary"):
        builders.report(spec, summary=None)
    with pytest.raises(ValidationError, match="failure"):
        builders.report(spec, outcome="failed")


def test_a_faithful_report_has_no_differences():
    spec = builders.spec()
    assert differences(spec, builders.report(spec)) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"dtype": "float32"}, "precision"),
        ({"limits": TokenLimits(max_new_tokens=11, min_new_tokens=10)}, "limits"),
        ({"reasoning_state": "On"}, "reasoning"),
        ({"model_id": "org/other"}, "model"),
        ({"device": DeviceSpec(kind="simulated", gpu_count=2)}, "device"),
        ({"samples_used": 3}, "samples"),
        ({"batch_size": 2}, "batch_size"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_every_setting_applied_otherwise_is_named(change, name):
    spec = builders.spec()
    found = differences(spec, builders.report(spec, applied=builders.applied(spec, **change)))
    assert len(found) == 1
    assert found[0].startswith(f"{name}: asked for")


def test_a_quantized_checkpoint_keeps_its_precision():
    spec = builders.spec()
    applied = builders.applied(spec, dtype="bfloat16", quantized=True)
    assert differences(spec, builders.report(spec, applied=applied)) == []


def test_a_report_of_another_spec_is_refused():
    report = builders.report(builders.spec(repetitions=2))
    assert differences(builders.spec(repetitions=3), report) == [
        "spec_hash: the report belongs to another spec"
    ]


def test_fewer_samples_than_asked_are_all_there_are():
    spec = builders.spec(samples=SampleSource(synthetic=True, count=1000))
    assert differences(spec, builders.report(spec)) == []
