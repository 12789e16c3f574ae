"""What a sweep remembers of its GPUs at rest: the coolest state, and nothing a run makes up."""

from pathlib import Path

import pytest

from benchmark_core.contract import GpuRest
from benchmark_core.report.judgement import Failure
from benchmark_core.report.rest import ThermalGate
from orchestrator.gpu_rest import RestingGpus
from orchestrator.outcome import read_report
from tests.support import builders

UUIDS = ("GPU-a", "GPU-b")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "benchmark_report.json"


@pytest.fixture
def resting() -> RestingGpus:
    return RestingGpus(UUIDS)


def teach(
    resting: RestingGpus,
    path: Path,
    settled: bool = True,
    shared: str | None = None,
    **at_rest: GpuRest,
) -> None:
    """Let it learn from a report; `a` and `b` are the GPUs."""
    gate = ThermalGate(
        waited_seconds=1.0,
        settled=settled,
        at_rest={f"GPU-{name}": rest for name, rest in at_rest.items()},
    )
    path.write_text(
        builders.report(builders.spec(), thermal_gate=gate, model_load_shared_with=shared).to_json()
    )
    resting.learn(read_report(path).report)


def test_each_gpu_has_the_coolest_state_it_was_seen_in(resting: RestingGpus, path: Path) -> None:
    warm, cool = GpuRest(watts=90.0, celsius=45.0), GpuRest(watts=70.0, celsius=31.0)
    teach(resting, path, a=warm, b=cool)
    teach(resting, path, a=cool, b=warm)
    assert resting.of(UUIDS) == {"GPU-a": cool, "GPU-b": cool}
    assert resting.of(["GPU-b"]) == {"GPU-b": cool}


def test_watts_decide_where_the_temperature_is_the_same_or_unknown(
    resting: RestingGpus, path: Path
) -> None:
    teach(resting, path, a=GpuRest(watts=90.0, celsius=40.0), b=GpuRest(watts=90.0))
    teach(resting, path, a=GpuRest(watts=80.0, celsius=40.0), b=GpuRest(watts=80.0))
    teach(resting, path, a=GpuRest(watts=60.0))
    known = {"GPU-a": GpuRest(watts=80.0, celsius=40.0), "GPU-b": GpuRest(watts=80.0)}
    assert resting.of(UUIDS) == known
    teach(resting, path, b=GpuRest(watts=85.0, celsius=50.0))
    assert resting.of(["GPU-b"]) == {"GPU-b": GpuRest(watts=85.0, celsius=50.0)}


def test_a_gpu_that_never_settled_is_not_known(resting: RestingGpus, path: Path) -> None:
    teach(resting, path, settled=False, a=GpuRest(watts=70.0, celsius=31.0))
    assert resting.of(UUIDS) == {}


@pytest.mark.parametrize(
    "rest",
    [
        GpuRest(watts=0.0, celsius=30.0),
        GpuRest(watts=-5.0, celsius=30.0),
        GpuRest(watts=1e9, celsius=30.0),
        GpuRest(watts=70.0, celsius=-273.0),
        GpuRest(watts=70.0, celsius=1e6),
    ],
)
def test_a_state_that_no_gpu_can_be_in_is_ignored(
    resting: RestingGpus, path: Path, rest: GpuRest
) -> None:
    teach(resting, path, a=rest, b=GpuRest(watts=70.0, celsius=30.0))
    assert list(resting.of(UUIDS)) == ["GPU-b"]


def test_gpus_of_nobody_are_not_remembered(resting: RestingGpus, path: Path) -> None:
    teach(resting, path, z=GpuRest(watts=70.0, celsius=30.0))
    assert resting.of(["GPU-z"]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"schema_version": 99}',
        builders.report(builders.spec()).to_json(),
        builders.report(
            builders.spec(),
            thermal_gate=ThermalGate(
                waited_seconds=1.0, settled=True, at_rest={"GPU-a": GpuRest(watts=1.0)}
            ),
        )
        .to_json()
        .replace('"watts": 1.0', '"watts": NaN'),
    ],
)
def test_a_report_that_is_damaged_or_says_nothing_teaches_nothing(
    resting: RestingGpus, path: Path, text: str
) -> None:
    path.write_text(text)
    resting.learn(read_report(path).report)
    assert resting.of(UUIDS) == {}


def test_a_missing_report_teaches_nothing(resting: RestingGpus, path: Path) -> None:
    resting.learn(read_report(path).report)
    assert resting.of(UUIDS) == {}


def test_a_failed_run_may_have_seen_its_gpus_at_rest(resting: RestingGpus, path: Path) -> None:
    cool = GpuRest(watts=70.0, celsius=31.0)
    report = builders.report(
        builders.spec(),
        outcome="failed",
        failure=Failure(kind="crashed", message="x", remedy="y"),
        thermal_gate=ThermalGate(waited_seconds=1.0, settled=True, at_rest={"GPU-a": cool}),
    )
    path.write_text(report.to_json())
    resting.learn(read_report(path).report)
    assert resting.of(UUIDS) == {"GPU-a": cool}


def test_a_gpu_with_a_model_on_it_is_not_at_its_rest(resting: RestingGpus, path: Path) -> None:
    teach(resting, path, shared="org_model_On", a=GpuRest(watts=110.0, celsius=30.0))
    assert resting.of(UUIDS) == {}
