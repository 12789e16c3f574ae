"""What a server that the sweep starts itself is told, and when it is asked for."""

import dataclasses
from contextlib import ExitStack

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, ModelSpec
from orchestrator.model_server import asks_this_machine, find_server_problems
from orchestrator.own_server import (
    OwnServers,
    Unserved,
    find_other_server,
    find_own_server_problems,
)
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import REFERENCE_GPUS, make_plan
from orchestrator.serve_arguments import server_arguments
from orchestrator.simulation_file import Simulations
from orchestrator.stop_request import StopRequest
from tests.support import builders, catalogs
from tests.support.chat_server import answering, serving
from tests.support.orders import make_order
from tests.support.settings import settings

SERVED = ("--backend", "vllm", "--serve-image", "acme/vllm:1")


def plan_of(place, *flags, environ=None):
    rows = (
        "org/small,1,A,text_gen,Off,,,",
        "org/large,1,C,text_gen,Off,,4,",
    )
    header = f"{catalogs.HEADER},GPUs,Processor"
    configs = catalogs.parse(place / "mine.csv", *rows, header=header)
    made = settings(*SERVED, *flags, environ=environ)
    return make_plan(configs, made, REFERENCE_GPUS, None, Simulations()), made


def spec(gpus=1, args=(), **model):
    return builders.spec(
        model=ModelSpec(id="org/model", **model),
        backend=BackendSpec(name="vllm", serve_image="a", serve_args=args or None),
        device=DeviceSpec(kind="cuda", gpu_count=gpus),
    )


def test_it_is_told_model_name_and_place():
    assert server_arguments(spec(), 8123, "mark") == [
        *("org/model", "--served-model-name", "org/model", "mark"),
        *("--host", "127.0.0.1", "--port", "8123"),
    ]


def test_what_the_row_says_and_what_the_user_adds_come_after_that():
    told = server_arguments(
        spec(4, ("--max-model-len", "16384"), processor="org/other", trust_remote_code=True), 1, "m"
    )
    assert told[8:] == [
        *("--tokenizer", "org/other", "--trust-remote-code"),
        *("--tensor-parallel-size", "4", "--max-model-len", "16384"),
    ]


@pytest.mark.parametrize("own", ["--tensor-parallel-size=2", "-tp", "--pipeline_parallel_size"])
def test_how_several_gpus_are_used_is_the_users_to_say(own):
    assert server_arguments(spec(4, (own, "2")), 1, "m")[8:] == [own, "2"]


def test_image_and_arguments_are_what_is_measured_and_no_address_is(tmp_path):
    plan, made = plan_of(tmp_path, "--serve-args", "--seed 1 --x 'a b'")
    small, large = (run.spec for run in plan.runs)
    assert small.backend.serve_image == "acme/vllm:1"
    assert small.backend.serve_args == ("--seed", "1", "--x", "a b")
    assert small.backend.endpoint is None
    assert (small.device.gpu_count, large.device.gpu_count) == (1, 4)
    assert small.spec_hash() != plan_of(tmp_path)[0].runs[0].spec.spec_hash()
    assert made.serve_timeout_seconds == 1800
    assert made.serves_on_gpus
    assert not made.computes_on_gpus
    assert asks_this_machine(made)


def test_on_the_cpu_it_takes_no_gpu(tmp_path):
    plan, made = plan_of(tmp_path, "--device", "cpu")
    assert [run.spec.device.gpu_count for run in plan.runs] == [0, 0]
    assert made.takes_no_gpus
    assert not made.serves_on_gpus


def test_an_address_of_the_environment_is_of_another_server(tmp_path):
    plan, made = plan_of(tmp_path, environ={"HOME": "/x", "VLLM_ENDPOINT": "http://127.0.0.1:9"})
    assert made.endpoint is None
    assert list(find_server_problems(plan, made)) == []


def test_without_an_image_nobody_is_asked_and_nothing_is_started(tmp_path):
    made = settings("--backend", "vllm", "--endpoint", "http://127.0.0.1:9")
    servers = OwnServers(made, RunDirectory(tmp_path))
    assert servers.new_endpoint() is None
    assert servers.image_digest() is None
    assert servers.remove_leftovers() == []
    assert list(find_own_server_problems(made)) == []


def test_each_server_gets_an_address_of_this_machine_alone(tmp_path):
    servers = OwnServers(settings(*SERVED), RunDirectory(tmp_path))
    assert str(servers.new_endpoint()).startswith("http://127.0.0.1:")


def test_an_engine_that_is_away_is_a_problem(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    (problem,) = find_own_server_problems(settings(*SERVED))
    assert "the container engine does not answer" in problem.what


class Started:
    """A container whose port another server has taken."""

    def __init__(self, ended):
        self.end, self.removed, self.process = ended, False, 7

    def start(self, order):
        return self

    def ended(self):
        return self.end

    def remove(self):
        self.removed = True


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("ended with exit code 1", "the server ended with exit code 1. Its log is empty"),
        (None, "another server has taken the port that was free for this one"),
    ],
)
def test_another_server_of_the_same_model_is_not_taken_for_ours(tmp_path, monkeypatch, ended, said):
    """It is well and serves the model, while ours could not have its port, or not yet."""
    servers = OwnServers(settings(*SERVED), RunDirectory(tmp_path))
    container = Started(ended)
    monkeypatch.setattr(servers, "_host", container)
    order = make_order(tmp_path)
    with serving(answering(), model="org/model") as (url, _), ExitStack() as stack:
        launch = order.launch.model_copy(update={"endpoint": url.removesuffix("/v1")})
        order = dataclasses.replace(order, launch=launch)
        with pytest.raises(Unserved) as failed:
            servers.bring_up(order, spec(), StopRequest(), stack)
    assert failed.value.ended.cause == "server_failed"
    assert failed.value.ended.detail.startswith(said)
    assert container.removed


def model(name, root=None):
    return {"id": name, "root": root}


@pytest.mark.parametrize("root", [None, "org/model", "/hub/models--org--model/snapshots/1"])
def test_a_server_is_ours_by_its_mark(root):
    ours = [model("org/model", root), model("mark", root), model("adapter", "/adapter")]
    assert find_other_server(ours, "org/model", "mark") is None


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ([], "the server serves no model, and not org/model"),
        ([model("a"), model("b")], "the server serves a, b, and not org/model"),
        ([model("org/model")], "another server has taken the port"),
        (
            [model("org/model", "org/default"), model("mark", "org/default")],
            "the server has loaded org/default under the name of org/model",
        ),
    ],
)
def test_what_is_not_ours_is_named(served, said):
    assert str(find_other_server(served, "org/model", "mark")).startswith(said)
