"""What a run is started with, and what of it still changes while it lasts."""

from dataclasses import replace

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec
from orchestrator.bench import Bench
from orchestrator.engines.base import Leftover
from orchestrator.engines.process import ProcessEngine
from orchestrator.gpu_rest import RestingGpus
from orchestrator.gpus import choose_gpus
from orchestrator.orders import Orders
from orchestrator.own_server import OwnServers
from orchestrator.rehearsal import is_rehearsal
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import PlannedRun
from orchestrator.stop_request import StopRequest
from orchestrator.todo import Todo
from tests.support import builders
from tests.support.settings import settings
from tests.support.sweeps import Heard

GPUS = choose_gpus("simulated:1", [])
FIRST, SECOND = (
    Todo(PlannedRun(config=None, spec=builders.spec(run_id=name))) for name in ("first", "second")
)


@pytest.fixture
def bench(tmp_path):
    chosen = settings("--backend", "simulated", "--output-dir", str(tmp_path))
    directory = RunDirectory(tmp_path)
    directory.create()
    engine, servers = ProcessEngine(tmp_path), OwnServers(chosen, directory)
    return Bench(chosen, directory, engine, servers, RestingGpus(()), Heard(), StopRequest())


@pytest.fixture
def orders(bench):
    orders = Orders(bench, (FIRST, SECOND), GPUS, {"earlier"})
    orders.prepare()
    return orders


def beside(bench, todo):
    return bench.directory.folder(todo.run.run_id).launch().runs_beside


def test_who_begins_later_is_written_for_the_runs_that_are_not_over(orders, bench):
    """A run that is over has said in its report what was beside it, and its launch agrees."""
    orders.note_beside({"later", "first", "second"})
    orders.close(FIRST)
    orders.note_beside({"last"})
    assert beside(bench, FIRST) == ("earlier", "later")
    assert beside(bench, SECOND) == ("earlier", "last", "later")
    assert orders.of(SECOND).launch == bench.directory.folder("second").launch()


def test_a_changed_order_keeps_who_began_since_it_was_taken(orders, bench):
    taken = orders.of(FIRST)
    orders.note_beside({"later"})
    launch = taken.launch.model_copy(update={"server_process": 7})
    changed = orders.change(replace(taken, launch=launch))
    assert changed.launch.server_process == 7
    assert changed.launch == bench.directory.folder("first").launch()
    assert beside(bench, FIRST) == ("earlier", "later")


@pytest.mark.parametrize(
    ("backend", "gpu_count", "simulated", "rehearsal"),
    [
        ("simulated", 0, False, True),
        ("pytorch", 1, True, True),
        ("pytorch", 1, False, False),
        # On the CPU, beside GPUs that nobody looks at.
        ("pytorch", 0, True, False),
    ],
)
def test_the_launch_says_whether_the_run_is_a_rehearsal(
    bench, backend, gpu_count, simulated, rehearsal
):
    spec = builders.spec(
        run_id="run",
        backend=BackendSpec(name=backend),
        device=DeviceSpec(kind="cuda" if gpu_count else "cpu", gpu_count=gpu_count),
    )
    gpus = [replace(gpu, simulated=simulated) for gpu in GPUS]
    Orders(bench, (Todo(PlannedRun(config=None, spec=spec)),), gpus, ()).prepare()
    folder = bench.directory.folder("run")
    assert folder.launch().rehearsal is rehearsal
    assert is_rehearsal(folder) is rehearsal


@pytest.mark.parametrize("backend", ["simulated", "pytorch"])
def test_a_launch_of_an_older_version_leaves_it_to_what_was_asked(bench, backend):
    folder = bench.directory.folder("old")
    assert is_rehearsal(folder) is None
    spec = builders.spec(run_id="old", backend=BackendSpec(name=backend))
    folder.prepare(spec, builders.launch())
    assert is_rehearsal(folder) is (backend == "simulated")


def test_what_a_run_wrote_into_its_launch_leads_out_of_no_folder(orders, bench):
    folder = bench.directory.folder("first")
    folder.relaunch(builders.launch(log_file="../../elsewhere.log", runs_beside=("seen",)))
    adopted = replace(FIRST, leftover=Leftover("key", "first", FIRST.run.spec_hash))
    again = Orders(bench, (adopted,), GPUS, {"new"})
    again.prepare()
    assert again.of(adopted).log_path == bench.directory.logs_path / "elsewhere.log"
    assert beside(bench, FIRST) == ("new", "seen")
