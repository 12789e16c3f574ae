"""Runs beside each other: never two on a GPU, the wide ones too, and what is lost comes again."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmark_core.report.run_report import RunReport
from orchestrator import lost_nodes
from orchestrator.engines.base import EngineAway, Handle, Nodes, Order
from orchestrator.engines.process import ProcessEngine
from orchestrator.errors import HostError, Problem
from orchestrator.exit import Exit
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest
from orchestrator.sweep_record import SweepRecord
from tests.support.runner import HEADER
from tests.support.settings import settings
from tests.support.sweeps import Heard, sweep

ROW = "sim/{},1,{},text_gen,Off,\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def chosen(place: Path, rows: str, simulation: str, *flags: str) -> Settings:
    (place / "models.csv").write_text(HEADER + rows)
    (place / "simulation.yaml").write_text(simulation)
    return settings(
        *("--csv", str(place / "models.csv"), "--backend", "simulated", "--engine", "process"),
        *("--simulation", str(place / "simulation.yaml"), "--num-prompts", "2"),
        *("--repetitions", "1", "--output-dir", str(place / "results"), *flags),
    )


def folders(place: Path) -> dict[str, RunFolder]:
    return {one.run_id: one for one in RunDirectory(place / "results").folders()}


def span(folder: RunFolder) -> tuple[datetime, datetime]:
    outcome = folder.outcome()
    assert outcome is not None and outcome.started_at is not None
    return datetime.fromisoformat(outcome.started_at), datetime.fromisoformat(outcome.finished_at)


def overlaps(place: Path) -> list[tuple[set[str], bool]]:
    """Of each two runs: the GPUs they had in common, and whether they were at work together."""
    found = []
    runs = list(folders(place).values())
    for index, one in enumerate(runs):
        for other in runs[index + 1 :]:
            launches = (one.launch(), other.launch())
            uuids = [set(launch.gpu_uuids) for launch in launches if launch]
            (begin, end), (other_begin, other_end) = span(one), span(other)
            found.append((uuids[0] & uuids[1], begin < other_end and other_begin < end))
    return found


def test_no_gpu_has_two_runs_and_wide_ones_get_all_they_need(place: Path) -> None:
    rows = "".join(ROW.format(f"m{n}", "A") for n in range(5)) + ROW.format("wide", "C")
    flags = ("--gpus", "simulated:3", "--parallel", "auto", "--gpus-per-run", "2")
    found = sweep(chosen(place, rows, "default: {seconds_per_sample: 0.1}\n", *flags))
    assert (found.finished, found.failed) == (6, 0)
    pairs = overlaps(place)
    assert any(together for _, together in pairs)
    assert not any(shared and together for shared, together in pairs)
    wide = folders(place)["sim_wide_Off"].launch()
    assert wide is not None and len(wide.gpu_uuids) == 2
    record = SweepRecord.read(place / "results" / "sweep.json")
    assert (record.parallel, len(record.gpus), record.finished_at is None) == (3, 3, False)
    assert {run.run_id: run.gpu_count for run in record.runs}["sim_wide_Off"] == 2


def test_one_at_a_time_unless_asked_and_in_the_order_of_the_catalog(place: Path) -> None:
    rows = "".join(ROW.format(name, "A") for name in ("z", "a", "m"))
    started: list[str] = []
    heard = Heard(on_start=started.append)
    sweep(chosen(place, rows, "default: {seconds_per_sample: 0.05}\n"), heard=heard)
    assert started == ["sim_z_Off", "sim_a_Off", "sim_m_Off"]
    assert not any(together for _, together in overlaps(place))


def test_what_ran_beside_a_run_is_in_its_report_also_when_it_came_later(place: Path) -> None:
    rows = ROW.format("long", "A") + ROW.format("first", "A") + ROW.format("later", "A")
    simulation = "default: {seconds_per_sample: 0.1}\nruns: {sim_long_Off: {seconds_per_sample: 1}}"
    flags = ("--gpus", "simulated:2", "--parallel", "2")
    sweep(chosen(place, rows, simulation, *flags))
    report = RunReport.read(folders(place)["sim_long_Off"].report_path)
    assert report.verdict is not None and "other_runs_on_host" in report.verdict.reasons
    launch = folders(place)["sim_long_Off"].launch()
    assert launch is not None
    assert {"sim_first_Off", "sim_later_Off"} <= set(launch.runs_beside)
    assert "sim_long_Off" not in launch.runs_beside


def test_a_hub_out_of_reach_is_tried_again_and_earlier_attempts_stay(place: Path) -> None:
    rows = ROW.format("away", "A") + ROW.format("good", "A")
    simulation = "runs: {sim_away_Off: {fault: hub_unreachable}}\n"
    heard = Heard()
    found = sweep(chosen(place, rows, simulation, "--retries", "2"), heard=heard)
    assert (found.finished, found.failed) == (1, 1)
    assert heard.retries == [("sim_away_Off", 0.05), ("sim_away_Off", 0.1)]
    assert folders(place)["sim_away_Off"].attempts() == 2
    table = (place / "results" / "master_results.csv").read_text()
    assert table.count("sim_away_Off") == 1
    assert "hub_unreachable" in table


def test_out_of_memory_is_never_tried_again(place: Path) -> None:
    heard = Heard()
    simulation = "default: {fault: out_of_memory}\n"
    found = sweep(chosen(place, ROW.format("big", "A"), simulation), heard=heard)
    assert (found.failed, heard.retries) == (1, [])


def test_a_gpu_that_loses_two_runs_is_out_of_service_and_what_no_longer_fits_is_told(
    place: Path,
) -> None:
    rows = "".join(ROW.format(name, "A") for name in ("x", "y", "z"))
    simulation = "runs:\n  sim_x_Off: {fault: gpu_lost}\n  sim_y_Off: {fault: gpu_lost}\n"
    heard = Heard()
    worn = chosen(place, rows, simulation, "--gpus", "simulated:1")
    found = sweep(worn, heard=heard, first_wait_seconds=60.0)
    assert (found.finished, found.failed, found.unplaced) == (0, 2, 1)
    assert [run_id for run_id, _ in heard.retries] == ["sim_x_Off", "sim_y_Off"]
    (notice,) = (text for text in heard.notices if "out of service" in text)
    assert "SIMULATED-GPU-0" in notice
    assert any("sim_z_Off cannot be run: it needs 1 GPUs, and 0" in x for x in heard.notices)


def test_one_lost_gpu_of_a_wide_run_takes_no_other_out_of_service(place: Path) -> None:
    rows = ROW.format("wide", "C") + ROW.format("after", "A")
    simulation = "runs: {sim_wide_Off: {fault: gpu_lost}}\n"
    flags = ("--gpus", "simulated:4", "--gpus-per-run", "4", "--retries", "1")
    heard = Heard()
    found = sweep(chosen(place, rows, simulation, *flags), heard=heard)
    assert (found.finished, found.failed, found.unplaced) == (1, 1, 0)
    # The simulated meter names the first of its GPUs, which the second try takes last.
    assert not any("out of service" in text for text in heard.notices)


def test_a_run_that_lost_its_gpu_is_made_again_on_another(place: Path) -> None:
    simulation = "default: {fault: gpu_lost}\n"
    flags = ("--gpus", "simulated:2", "--retries", "1")
    sweep(chosen(place, ROW.format("x", "A"), simulation, *flags))
    folder = folders(place)["sim_x_Off"]
    second, first = folder.launch(), RunFolder(folder.attempts_path / "1").launch()
    assert first is not None and second is not None
    assert (first.gpu_uuids, second.gpu_uuids) == (("SIMULATED-GPU-0",), ("SIMULATED-GPU-1",))


def test_a_run_that_falls_silent_is_stopped_and_says_where_it_was(place: Path) -> None:
    rows = ROW.format("hang", "A") + ROW.format("good", "A")
    simulation = "runs: {sim_hang_Off: {fault: hang}}\n"
    flags = ("--hang-timeout", "2", "--gpus", "simulated:2", "--parallel", "2")
    found = sweep(chosen(place, rows, simulation, *flags))
    assert (found.finished, found.failed) == (1, 1)
    outcome = folders(place)["sim_hang_Off"].outcome()
    assert outcome is not None and outcome.reason == "hang"
    log = (place / "results" / "logs" / outcome.log_file).read_text()
    assert "_misbehave" in log


class Lost:
    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def poll(self) -> Exit:
        return Exit("vanished", None, "it was removed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)


class LosesFirst(ProcessEngine):
    """The first attempt of each run is over before it can begin, and is lost sight of, as one in a
    container is that somebody removes."""

    def __init__(self, output_dir: Path) -> None:
        super().__init__(output_dir)
        self.starts: Counter[str] = Counter()

    def start(self, order: Order) -> Handle:
        self.starts[order.run_id] += 1
        handle = super().start(order)
        if self.starts[order.run_id] > 1:
            return handle
        handle.stop()
        return Lost(handle)


def test_a_run_that_was_lost_is_made_again_and_stands_once_in_the_table(place: Path) -> None:
    engine, heard = LosesFirst(place / "results"), Heard()
    rows = ROW.format("one", "A") + ROW.format("two", "A")
    flags = ("--gpus", "simulated:2", "--parallel", "2")
    found = sweep(chosen(place, rows, "default: {}\n", *flags), heard=heard, engine=engine)
    assert (found.finished, found.failed) == (2, 0)
    assert engine.starts == {"sim_one_Off": 2, "sim_two_Off": 2}
    lines = (place / "results" / "master_results.csv").read_text().splitlines()
    assert len(lines) == 3


class OnNode:
    """What a scheduler's handle tells at the end: where the run was."""

    def __init__(self, handle: Handle, node: str) -> None:
        self._handle = handle
        self._node = node

    def poll(self) -> Exit | None:
        ended = self._handle.poll()
        return replace(ended, node=self._node) if ended else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)


class FirstNodeLeft(ProcessEngine):
    """Gives each run the first of its nodes that it is not kept from."""

    def __init__(self, output_dir: Path, count: int = 3) -> None:
        super().__init__(output_dir)
        self._count = count
        self.given: list[str] = []

    def nodes(self) -> Nodes:
        return Nodes(self._count, gpus_each=1)

    def start(self, order: Order) -> Handle:
        names = [f"n{number}" for number in range(1, self._count + 1)]
        left = [node for node in names if node not in order.excluded_nodes]
        self.given.append(left[0])
        return OnNode(super().start(order), left[0])


def test_a_node_that_loses_two_runs_is_left_out_of_the_later_ones(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_nodes, "ONE_EVENT_SECONDS", 0.0)
    rows = "".join(ROW.format(name, "A") for name in ("x", "y", "z"))
    simulation = "runs:\n  sim_x_Off: {fault: gpu_lost}\n  sim_y_Off: {fault: out_of_memory}\n"
    engine, heard = FirstNodeLeft(place / "results"), Heard()
    flags = ("--gpus", "simulated:3", "--retries", "4")
    found = sweep(chosen(place, rows, simulation, *flags), heard=heard, engine=engine)
    assert (found.finished, found.failed) == (1, 2)
    assert Counter(engine.given) == {"n1": 4, "n2": 2, "n3": 1}
    said = [text for text in heard.notices if text.startswith("node ")]
    assert said == [
        f"node {node} is out of service for this sweep: runs were lost to it twice"
        for node in ("n1", "n2")
    ]


@pytest.mark.parametrize(("count", "one_event_seconds", "notices"), [(3, 60.0, 0), (1, 0.0, 1)])
def test_neither_one_event_nor_the_last_node_ends_the_night(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    one_event_seconds: float,
    notices: int,
) -> None:
    monkeypatch.setattr(lost_nodes, "ONE_EVENT_SECONDS", one_event_seconds)
    rows = "".join(ROW.format(name, "A") for name in ("x", "y", "z"))
    simulation = "runs:\n  sim_x_Off: {fault: gpu_lost}\n  sim_y_Off: {fault: gpu_lost}\n"
    engine, heard = FirstNodeLeft(place / "results", count), Heard()
    flags = ("--gpus", "simulated:3", "--retries", "1")
    found = sweep(chosen(place, rows, simulation, *flags), heard=heard, engine=engine)
    assert (found.finished, found.failed) == (1, 2)
    assert engine.given == ["n1"] * 5
    assert len([text for text in heard.notices if text.startswith("node n1 stays")]) == notices


class AwayAtFirst(ProcessEngine):
    """Answers nothing for a moment, as a container engine that is being restarted."""

    def __init__(self, output_dir: Path, for_ever: bool = False) -> None:
        super().__init__(output_dir)
        self.asked = 0
        self._for_ever = for_ever

    def start(self, order: Order) -> Handle:
        self.asked += 1
        if self.asked < 3 or self._for_ever:
            raise EngineAway(Problem("engine", "does not answer", "Start it."))
        return super().start(order)


def test_an_engine_that_is_away_when_a_run_starts_is_waited_for(place: Path) -> None:
    engine = AwayAtFirst(place / "results")
    flags = ("--retries", "0")
    found = sweep(chosen(place, ROW.format("one", "A"), "{}\n", *flags), engine=engine)
    assert (found.finished, found.failed, engine.asked) == (1, 0, 3)


def test_who_stops_a_sweep_does_not_wait_for_the_engine(place: Path) -> None:
    stop = StopRequest()
    heard = Heard(on_start=lambda run_id: stop.terminate())
    engine = AwayAtFirst(place / "results", for_ever=True)
    found = sweep(
        chosen(place, ROW.format("one", "A"), "{}\n"), engine=engine, heard=heard, stop=stop
    )
    assert (found.interrupted, engine.asked) == (1, 1)


REASONER = "sim/gpt-oss-20b,1,B,text_gen,{},\n"


def test_rows_of_one_model_share_one_loading_and_each_has_its_own_outcome(place: Path) -> None:
    rows = "".join(REASONER.format(state) for state in ("On (High)", "On (Low)", "Off"))
    simulation = (
        "default: {load_seconds: 0.5}\nruns: {sim_gpt-oss-20b_Off: {fault: meter_failure}}\n"
    )
    flags = ("--share-model-load", "--gpus", "simulated:2", "--parallel", "2")
    heard = Heard()
    found = sweep(chosen(place, rows + ROW.format("other", "A"), simulation, *flags), heard=heard)
    assert (found.finished, found.failed) == (3, 1)
    reports = {name: RunReport.read(one.report_path) for name, one in folders(place).items()}
    high, low, off = "sim_gpt-oss-20b_On_High", "sim_gpt-oss-20b_On_Low", "sim_gpt-oss-20b_Off"
    assert reports[high].model_load_shared_with is None
    assert reports[low].model_load_shared_with == high
    assert reports[off].failure is not None
    logs = {outcome.log_file for one in folders(place).values() if (outcome := one.outcome())}
    assert len(logs) == 2


def test_what_a_shared_program_did_not_come_to_is_made_by_another(place: Path) -> None:
    rows = "".join(REASONER.format(state) for state in ("On (High)", "On (Low)", "Off"))
    simulation = "runs: {sim_gpt-oss-20b_On_High: {fault: crash}}\n"
    found = sweep(chosen(place, rows, simulation, "--share-model-load"))
    assert (found.finished, found.failed) == (2, 1)
    lines = (place / "results" / "master_results.csv").read_text().splitlines()
    assert len(lines) == 4


def test_the_first_ctrl_c_lets_no_run_begin_that_shares_the_model(place: Path) -> None:
    rows = "".join(REASONER.format(state) for state in ("On (High)", "On (Low)", "Off"))
    slow = "default: {seconds_per_sample: 0.4}\n"
    stop = StopRequest()
    heard = Heard(on_start=lambda run_id: stop.interrupt())
    found = sweep(chosen(place, rows, slow, "--share-model-load"), heard=heard, stop=stop)
    assert (found.finished, found.not_started) == (1, 2)
    assert sum(1 for one in folders(place).values() if one.outcome()) == 1


class Stumbles(ProcessEngine):
    """The batch runner's own fault, for one of the runs."""

    def start(self, order: Order) -> Handle:
        if "bad" in order.run_id:
            raise ZeroDivisionError("nobody foresaw this")
        return super().start(order)


def test_a_fault_of_ours_costs_its_run_alone_and_stands_in_its_log(place: Path) -> None:
    rows = "".join(ROW.format(name, "A") for name in ("bad", "good", "better"))
    flags = ("--gpus", "simulated:2", "--parallel", "2")
    engine = Stumbles(place / "results")
    found = sweep(chosen(place, rows, "default: {}\n", *flags), engine=engine)
    assert (found.finished, found.failed) == (2, 1)
    outcome = folders(place)["sim_bad_Off"].outcome()
    assert outcome is not None and outcome.reason == "crashed"
    assert "ZeroDivisionError: nobody foresaw this" in outcome.error_message
    log = (place / "results" / "logs" / outcome.log_file).read_text()
    assert "in start" in log


class Unremovable:
    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def release(self) -> None:
        self._handle.release()
        raise OSError(30, "Read-only file system")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)


class LosesAndStumbles(ProcessEngine):
    """A run is lost sight of, and then even looking for what is left of it goes wrong."""

    def start(self, order: Order) -> Handle:
        return Unremovable(Lost(super().start(order)))  # type: ignore[arg-type,return-value]

    def problems(self, wants_gpus: bool) -> list[Problem]:
        return []


def test_a_run_that_may_go_on_ends_the_sweep_whatever_broke_after_it(place: Path) -> None:
    rows = ROW.format("one", "A") + ROW.format("two", "A")
    slow = "default: {seconds_per_sample: 0.2}\n"
    engine = LosesAndStumbles(place / "results")
    with pytest.raises(HostError, match="may still be running"):
        sweep(chosen(place, rows, slow, "--retries", "0"), engine=engine)
    assert folders(place).keys() == {"sim_one_Off"}


class LeavesThings(ProcessEngine):
    """What is left of a run cannot be removed."""

    def start(self, order: Order) -> Handle:
        return Unremovable(super().start(order))  # type: ignore[return-value]


def test_a_run_that_is_over_is_told_though_what_is_left_of_it_stays(place: Path) -> None:
    rows = ROW.format("one", "A") + ROW.format("two", "A")
    found = sweep(chosen(place, rows, "default: {}\n"), engine=LeavesThings(place / "results"))
    assert (found.finished, found.failed) == (2, 0)
    lines = (place / "results" / "master_results.csv").read_text().splitlines()
    assert len(lines) == 3
