"""How long a simulated answer takes: the longer it is, the longer."""

from itertools import pairwise

import pytest

from benchmark_core.backends import simulated
from benchmark_core.backends.base import Unusable
from benchmark_core.backends.simulated import SimulatedBackend
from benchmark_core.bad_rows import BadRow, RowFault
from benchmark_core.contract import BackendSpec, Simulation, TokenLimits
from benchmark_core.kinds import MeasuredPass, passes_of
from benchmark_core.simulated_time import FIRST_TOKEN_SHARE, run_seconds
from tests.support import builders

SECONDS = 2.0
LONG = TokenLimits(max_new_tokens=8192, min_new_tokens=1)
TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)


@pytest.fixture
def slept(monkeypatch):
    """The seconds that are asked of the clock, instead of their passing."""
    seconds = []
    monkeypatch.setattr(simulated.time, "sleep", seconds.append)
    return seconds


def backend(limits, tmp_path, kind="generate"):
    spec = builders.spec(
        limits=limits,
        backend=BackendSpec(name="simulated", simulation=Simulation(seconds_per_sample=SECONDS)),
    )
    return SimulatedBackend(spec, kind, tmp_path)


def exactly(tokens):
    return TokenLimits(max_new_tokens=tokens, min_new_tokens=tokens)


@pytest.mark.parametrize("limits", [LONG, TEN])
def test_a_whole_answer_takes_the_time_of_a_sample_and_its_first_token_a_small_part(
    limits, tmp_path, slept
):
    running = backend(limits, tmp_path)
    running.run(5, MeasuredPass("prefill", exactly(1)))
    running.run(5, MeasuredPass("generate", limits))
    assert slept == pytest.approx([SECONDS * FIRST_TOKEN_SHARE, SECONDS])
    assert FIRST_TOKEN_SHARE <= 0.1


def test_every_token_after_the_first_takes_equally_long(tmp_path, slept):
    running = backend(TEN, tmp_path)
    for tokens in range(1, 11):
        running.run(5, MeasuredPass("generate", exactly(tokens)))
    steps = [after - before for before, after in pairwise(slept)]
    assert steps == pytest.approx([SECONDS * (1 - FIRST_TOKEN_SHARE) / 9] * 9)


def test_a_pass_without_tokens_takes_the_time_of_a_sample(tmp_path, slept):
    backend(None, tmp_path, "forward").run(5, MeasuredPass("forward"))
    backend(exactly(1), tmp_path).run(5, MeasuredPass("generate", exactly(1)))
    assert slept == [SECONDS, SECONDS]


def test_nothing_was_generated_that_could_be_told_apart(tmp_path, slept):
    assert backend(LONG, tmp_path).run(5, MeasuredPass("generate", LONG)).token_ids is None


@pytest.mark.parametrize("kind", ["generate", "forward", "call"])
def test_it_plays_the_kind_that_it_is_told(kind, tmp_path, slept):
    assert backend(TEN, tmp_path, kind).load().kind == kind


def test_what_was_done_last_is_told(tmp_path, slept):
    running = backend(TEN, tmp_path)
    running.run(5, MeasuredPass("call", steps=30))
    assert (running.conditions().limits, running.conditions().steps) == (None, 30)
    running.run(5, MeasuredPass("generate", TEN))
    assert (running.conditions().limits, running.conditions().steps) == (TEN, None)


def test_a_row_that_cannot_be_used_is_no_sample_in_a_rehearsal_either(tmp_path, slept):
    samples = [{"text": "two words"}, BadRow(RowFault("a.csv, line 2: is bad", "Mend it."))]
    prepared = backend(TEN, tmp_path).preprocess(samples)
    assert prepared[0] > 0
    assert prepared[1] == Unusable("a.csv, line 2: is bad")


@pytest.mark.parametrize(
    ("kind", "limits", "steps"),
    [("generate", LONG, None), ("generate", TEN, None), ("forward", None, None), ("call", None, 3)],
)
def test_the_time_of_a_whole_run_is_that_of_its_sleeps(kind, limits, steps, tmp_path, slept):
    simulation = Simulation(load_seconds=7.0, seconds_per_sample=SECONDS)
    spec = builders.spec(
        limits=limits, steps=steps, backend=BackendSpec(name="simulated", simulation=simulation)
    )
    running = SimulatedBackend(spec, kind, tmp_path)
    passes = passes_of(kind, limits, steps)
    running.load()
    running.warm_up(*running.preprocess(["a sample"]), passes)
    for _ in range(3):
        prepared = running.preprocess(["a sample"] * 4)
        for step in passes[1:]:
            for sample in prepared:
                running.run(sample, step)
    assert sum(slept) == pytest.approx(run_seconds(simulation, kind, limits, steps, 4, 3))
