"""What the host asks of the server that is to run a plan, and which rows it can run at all."""

import pytest

from orchestrator.catalog import ModelConfig
from orchestrator.engines.process import ProcessEngine
from orchestrator.model_server import (
    asks_this_machine,
    find_meter_warnings,
    find_server_problems,
)
from orchestrator.preflight.examination import examine, warnings_of
from orchestrator.preparation import Preparation
from orchestrator.revision_lock import RevisionLock, pinned
from orchestrator.run_planner import REFERENCE_GPUS, GpuSet, make_plan
from orchestrator.simulation_file import Simulations
from tests.support import catalogs
from tests.support.chat_server import MODEL, answering, serving
from tests.support.settings import settings

HEADER = f"{catalogs.HEADER},Revision,Quantization"
ROWS = (
    f"{MODEL},1,A,text_gen,Off,,,",
    "org/second,1,A,text_gen,Off,,,",
    "org/drawer,1,,image_gen,,,,",
    "org/pinned,1,A,text_gen,Off,,v1,",
    "org/packed,1,A,text_gen,Off,,,awq",
)


@pytest.fixture
def rows(tmp_path) -> list[ModelConfig]:
    return catalogs.parse(tmp_path / "mine.csv", *ROWS, header=HEADER)


def plan_of(rows, url="http://127.0.0.1:9", **changes):
    made = settings("--backend", "vllm", "--endpoint", url, **changes)
    return make_plan(rows, made, REFERENCE_GPUS, None, Simulations()), made


def test_only_rows_that_a_server_can_run_are_planned(rows):
    plan, _ = plan_of(rows)
    assert [run.spec.model.id for run in plan.runs] == [MODEL, "org/second"]
    drawer, other, packed = (problem.what for problem in plan.skipped)
    assert "org/drawer: the vllm backend generates text" in drawer
    assert "org/pinned: a server does not tell which revision it runs" in other
    assert "org/packed: a server does not tell how its weights are quantized" in packed


def test_a_served_run_leaves_to_the_server_what_is_the_servers(rows):
    plan, made = plan_of(rows, request_timeout_seconds=7.0)
    spec = plan.runs[0].spec
    assert (spec.precision, spec.device.gpu_count, spec.meters) == ("auto", 0, ())
    assert (spec.backend.endpoint, spec.backend.silence_seconds) == ("http://127.0.0.1:9", 7.0)
    other = plan_of(rows, "http://127.0.0.1:9/v1/")[0].runs[0].spec
    assert other.spec_hash() == spec.spec_hash()
    assert spec.backend.concurrency is None
    several = plan_of(rows, concurrency=4)[0].runs[0].spec
    assert several.backend.concurrency == 4
    assert several.spec_hash() != spec.spec_hash()
    assert not made.computes_on_gpus
    assert made.takes_no_gpus


def test_a_metered_server_is_given_all_gpus_that_are_named(rows):
    made = settings("--backend", "vllm", "--endpoint", "http://localhost:1", "--meters", "nvml")
    named = GpuSet(count=3, memory_bytes=80 * 10**9)
    spec = make_plan(rows, made, named, None, Simulations()).runs[0].spec
    assert (spec.device.kind, spec.device.gpu_count) == ("cuda", 3)
    assert not made.takes_no_gpus
    assert not made.computes_on_gpus


def test_a_lock_pins_the_dataset_of_a_served_run_and_not_its_model(rows):
    plan, _ = plan_of(rows)
    dataset = str(plan.runs[0].spec.samples.dataset_id)
    lock = RevisionLock(models={MODEL: "1" * 40}, datasets={dataset: "d" * 40})
    spec = pinned(plan, lock).runs[0].spec
    assert (spec.model.revision, spec.samples.dataset_revision) == (None, "d" * 40)


def test_what_is_served_is_named_where_rows_ask_for_more(rows):
    with serving(answering()) as (url, _):
        plan, made = plan_of(rows, url)
        (problem,) = find_server_problems(plan, made)
        assert f"serves {MODEL}, and not org/second" in problem.what
        assert "--model-name" in problem.remedy
        fits, made = plan_of(rows[:1], url)
        assert list(find_server_problems(fits, made)) == []


def test_a_server_that_is_not_there_is_a_problem(rows):
    plan, made = plan_of(rows)
    (problem,) = find_server_problems(plan, made)
    assert "cannot be reached" in problem.what


@pytest.mark.parametrize(
    ("url", "shared"), [("http://localhost:8000/v1", True), ("http://gpu-box:8000/v1", False)]
)
def test_the_network_is_shared_with_a_server_of_this_machine_alone(url, shared):
    assert asks_this_machine(settings("--backend", "vllm", "--endpoint", url)) is shared
    assert not asks_this_machine(settings())


OWN = ("--serve-image", "acme/vllm:1")
HERE = ("--endpoint", "http://localhost:1")
ELSEWHERE = ("--endpoint", "http://server:1")


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        (OWN, "--engine process --meters nvml, or --meters dcgm"),
        (HERE, "--engine process --meters nvml, or --meters dcgm"),
        (ELSEWHERE, "dcgm with the exporter of the serving host"),
        ((*OWN, "--device", "cpu"), "Leave out --device cpu"),
    ],
)
def test_a_sweep_that_measures_no_energy_says_so_before(rows, tmp_path, flags, remedy):
    made = settings("--backend", "vllm", *flags, environ={"HOME": "/x", "HF_HUB_OFFLINE": "1"})
    plan = make_plan(rows, made, REFERENCE_GPUS, None, Simulations())
    told = [
        problem
        for problem in warnings_of(examine(Preparation(made, plan, ProcessEngine(tmp_path))))
        if "measures no energy" in problem.what
    ]
    assert [problem.where for problem in told] == ["--meters"]
    assert remedy in told[0].remedy


@pytest.mark.parametrize(
    "flags",
    [
        ("--backend", "vllm", *OWN, "--engine", "process"),
        ("--backend", "vllm", *ELSEWHERE, "--meters", "dcgm"),
        ("--device", "cpu"),
    ],
)
def test_a_sweep_with_a_meter_does_not(flags):
    assert list(find_meter_warnings(settings(*flags))) == []
