"""Only what can pass is tried again."""

import pytest

from benchmark_core.report.judgement import Verdict
from orchestrator.exit import Exit
from orchestrator.gpus import choose_gpus
from orchestrator.lost_nodes import LostNodes
from orchestrator.outcome import Outcome
from orchestrator.retries import (
    LONGEST_WAIT_SECONDS,
    Retries,
    lost_gpus,
    lost_its_gpu,
    lost_node,
)


def failed(reason: str, *blamed: str) -> Outcome:
    return Outcome(
        run_id="org_m_Off",
        spec_hash="0" * 64,
        outcome="failed",
        error_message=f"{reason}: it broke",
        reason=reason,
        verdict=Verdict(verdict="invalid", reasons=blamed) if blamed else None,
        engine="docker",
        finished_at="2026-01-01T00:00:00+00:00",
        log_file="x.log",
    )


@pytest.mark.parametrize("reason", ["hub_unreachable", "vanished", "engine_restarted"])
def test_what_can_pass_is_tried_again_after_longer_and_longer_waits(reason: str) -> None:
    retries = Retries(3, offline=False)
    waits = [retries.wait_seconds(failed(reason)) for _ in range(4)]
    assert waits == [30.0, 60.0, 120.0, None]


def test_a_wait_has_a_bound() -> None:
    retries = Retries(10, offline=False)
    waits = [retries.wait_seconds(failed("vanished")) for _ in range(10)]
    assert max(wait for wait in waits if wait) == LONGEST_WAIT_SECONDS


@pytest.mark.parametrize(
    "reason",
    ["out_of_memory", "wrong_spec", "model_unusable", "timeout", "hang", "no_report", "crashed"],
)
def test_what_comes_again_is_not(reason: str) -> None:
    assert Retries(3, offline=False).wait_seconds(failed(reason)) is None


def test_a_hub_that_nobody_asks_does_not_come_back() -> None:
    assert Retries(3, offline=True).wait_seconds(failed("hub_unreachable")) is None


def test_a_lost_gpu_is_told_from_a_meter_that_fails() -> None:
    lost, broken = failed("meter_failed", "gpu_lost"), failed("meter_failed", "counter_stuck")
    assert lost_its_gpu(lost)
    assert not lost_its_gpu(broken)
    retries = Retries(1, offline=True)
    assert retries.wait_seconds(broken) is None
    assert retries.wait_seconds(lost) == 30.0


def test_of_several_gpus_the_one_that_is_named_was_lost_or_nobody_knows() -> None:
    gpus = choose_gpus("simulated:3", [])
    lost = failed("meter_failed", "gpu_lost")
    named = lost.model_copy(update={"error_message": f"meter_failed: {gpus[1].uuid}: GPU is lost"})
    assert lost_gpus(named, gpus) == [gpus[1]]
    assert lost_gpus(lost, gpus) == []
    assert lost_gpus(lost, gpus[2:]) == [gpus[2]]
    assert lost_gpus(failed("out_of_memory"), gpus[2:]) == []


def test_a_node_is_blamed_for_what_was_lost_with_it_or_with_its_gpus() -> None:
    ended = Exit("exited", 1, node="n1")
    assert lost_node(failed("lost"), ended) == "n1"
    assert lost_node(failed("meter_failed", "gpu_lost"), ended) == "n1"
    assert lost_node(failed("out_of_memory"), ended) is None
    assert lost_node(failed("lost"), Exit("lost", None)) is None


def told(nodes: LostNodes, *losses: tuple[str, float]) -> list[str | None]:
    return [nodes.note_loss(node, seconds) for node, seconds in losses]


def test_a_node_goes_out_of_service_once_with_its_second_loss() -> None:
    nodes = LostNodes(3)
    first, other, second, third = told(nodes, ("n1", 0), ("n2", 1), ("n1", 60), ("n1", 120))
    assert (first, other, third) == (None, None, None)
    assert second == "node n1 is out of service for this sweep: runs were lost to it twice"
    assert nodes.out_of_service == ("n1",)


def test_what_is_lost_to_a_node_within_a_minute_counts_once() -> None:
    nodes = LostNodes(3)
    assert told(nodes, *(("n1", 0.1 * number) for number in range(8))) == [None] * 8
    assert nodes.out_of_service == ()
    # A node that goes on losing runs goes out of service, however close they come.
    assert told(nodes, ("n1", 40), ("n1", 59)) == [None, None]
    assert nodes.note_loss("n1", 61)
    assert nodes.out_of_service == ("n1",)


def test_the_last_node_of_a_sweep_stays_in_service_which_is_said_once() -> None:
    nodes = LostNodes(2)
    assert nodes.note_loss("n1", 0) is None
    assert "out of service" in (nodes.note_loss("n1", 60) or "")
    first, second, third = told(nodes, ("n2", 0), ("n2", 60), ("n2", 120))
    assert second == (
        "node n2 stays in service, though runs were lost to it twice: the profile counts no other"
        " (nodes: 2)"
    )
    assert (first, third, nodes.out_of_service) == (None, None, ("n1",))


def test_a_run_that_is_shown_no_gpu_loses_none() -> None:
    blamed = failed("meter_failed", "driver_error")
    assert Retries(3, offline=False).wait_seconds(blamed) is not None
    assert Retries(3, offline=False, hides_gpus=True).wait_seconds(blamed) is None
