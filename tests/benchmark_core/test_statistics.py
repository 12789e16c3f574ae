"""Arithmetic over repetitions: not measured spreads, and nothing turns into zero."""

import statistics as standard

import numpy as np
import pytest
from scipy import stats

from benchmark_core.report.repetition import Repetition
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.statistics import (
    impossible_phases,
    reached,
    scored_joules,
    spread,
    summarize,
    tokens_agree,
)
from tests.support import builders


def test_spread_agrees_with_the_standard_library():
    values = [3.0, 4.5, 7.25]
    found = spread(values)
    assert found.mean == pytest.approx(standard.fmean(values))
    assert found.stdev == pytest.approx(standard.stdev(values))


def test_one_repetition_has_no_deviation_and_no_interval():
    assert spread([2.0]).stdev is None
    assert spread([2.0]).ci95 is None


def test_ten_repetitions_recomputed_by_other_means_agree():
    draws = np.random.default_rng(7)
    joules = draws.normal([3.0, 40.0, 900.0], [0.2, 1.0, 12.0], size=(10, 3))
    summary = summarize([builders.repetition(*map(float, one)) for one in joules], 4)
    wh = joules.sum(axis=1) / 3600
    low, high = stats.t.interval(0.95, df=9, loc=wh.mean(), scale=stats.sem(wh))
    found = summary.gpu_energy_wh
    assert found.mean == pytest.approx(wh.mean(), rel=1e-9)
    assert found.stdev == pytest.approx(wh.std(ddof=1), rel=1e-9)
    assert found.mean - found.ci95 == pytest.approx(low, rel=1e-9)
    assert found.mean + found.ci95 == pytest.approx(high, rel=1e-9)
    means = joules.mean(axis=0) / 3600
    assert list(summary.phases_gpu_wh.values()) == pytest.approx(list(means), rel=1e-9)


def test_every_spread_of_a_summary_has_an_interval():
    repetitions = [
        builders.repetition().model_copy(
            update={
                "phases": {
                    name: phase.model_copy(update={"cpu_joules": joules, "ram_joules": joules})
                    for name, phase in builders.repetition().phases.items()
                }
            }
        )
        for joules in (1.0, 2.0)
    ]
    summary = summarize(repetitions, 4)
    assert summary.total_duration_seconds.ci95 == 0
    assert summary.gpu_energy_wh.ci95 == 0
    # Two values: half their distance times the quantile of one degree of freedom.
    expected = 3 * (0.5 * stats.t.ppf(0.975, 1)) / 3600
    assert summary.cpu_energy_wh.ci95 == pytest.approx(expected)
    assert summary.ram_energy_wh.ci95 == pytest.approx(expected)


def forward_repetition(prompt):
    """Four samples in one forward pass of 90 joules."""
    whole = builders.window("forward", 2.0, 90.0)
    tokens = TokenCounts(prompt=prompt, completion=0)
    return Repetition(
        windows=(
            builders.window("preprocess", 0.5, 10.0),
            whole.model_copy(update={"tokens": tokens}),
        ),
        phases={"preprocess": builders.phase(10.0), "forward": builders.phase(90.0)},
    )


@pytest.mark.parametrize(("prompt", "total"), [(20, 20), (None, None)])
def test_what_generates_nothing_has_no_figures_of_tokens(prompt, total):
    summary = summarize([forward_repetition(prompt)], 4)
    assert (summary.tokens.prompt, summary.tokens.total) == (prompt, total)
    assert summary.throughput_tokens_per_second is None
    assert summary.tokens_per_joule is None
    assert summary.gpu_energy_wh.mean == pytest.approx(100 / 3600)
    assert summary.wh_per_1000_queries == pytest.approx(100 / 3600 * 1000 / 4)
    expected = {"preprocess": 10 / 3600, "forward": 90 / 3600}
    assert summary.phases_gpu_wh == pytest.approx(expected)


def test_inputs_that_are_no_texts_agree_with_each_other_alone():
    picture, text = forward_repetition(None).windows[-1], forward_repetition(20).windows[-1]
    assert tokens_agree([picture, picture])
    assert not tokens_agree([picture, text])


@pytest.mark.parametrize("decode", [0.0, -0.5])
def test_an_impossible_phase_is_never_averaged(decode):
    repetitions = [builders.repetition(), builders.repetition(decode=decode)]
    summary = summarize(repetitions, 4)
    assert impossible_phases(repetitions) == {"decode"}
    assert summary.gpu_energy_wh is None
    assert summary.wh_per_1000_queries is None
    assert summary.tokens_per_joule is None
    assert summary.phases_gpu_wh["decode"] is None
    assert summary.phases_gpu_wh["prefill"] == pytest.approx(10 / 3600)
    assert summary.tokens.completion == 40


def test_only_the_gpu_makes_a_phase_impossible():
    phases = {
        name: phase.model_copy(update={"cpu_joules": -1.0})
        for name, phase in builders.repetition().phases.items()
    }
    repetition = builders.repetition().model_copy(update={"phases": phases})
    assert impossible_phases([repetition]) == frozenset()
    assert summarize([repetition], 4).cpu_energy_wh.mean == pytest.approx(-3 / 3600)


def test_the_interval_is_narrow_enough_from_three_repetitions_on():
    decodes = [90.0, 90.5, 90.2]
    repetitions = [builders.repetition(decode=decode) for decode in decodes]
    joules = np.array(decodes) + 11
    share = stats.sem(joules) * stats.t.ppf(0.975, 2) / joules.mean()
    assert reached(repetitions, 0.01) == pytest.approx(share, rel=1e-9)
    assert reached(repetitions, share * 0.999) is None
    assert reached(repetitions[:2], 0.9) is None


@pytest.mark.parametrize("decode", [None, 0.0])
def test_no_interval_is_reached_without_true_energy(decode):
    repetitions = [builders.repetition() for _ in range(3)]
    assert reached(repetitions, 0.01) == 0
    assert reached([*repetitions, builders.repetition(decode=decode)], 0.99) is None


def test_one_unmeasured_value_makes_the_mean_unmeasured():
    assert spread([1.0, None]) is None
    assert spread([]) is None


def test_the_score_is_preprocess_prefill_and_decode():
    assert scored_joules(builders.repetition(1.0, 10.0, 90.0), "gpu_joules") == 101.0
    assert scored_joules(builders.repetition(None, 10.0, 90.0), "gpu_joules") is None


def test_a_summary_counts_generated_tokens_over_the_last_pass():
    summary = summarize([builders.repetition(), builders.repetition()], 4)
    assert summary.tokens.completion == 40
    assert summary.throughput_tokens_per_second == pytest.approx(40 / 2.0)
    assert summary.gpu_energy_wh.mean == pytest.approx(101 / 3600)
    assert summary.wh_per_1000_queries == pytest.approx(101 / 3600 / 4 * 1000)
    assert summary.tokens_per_joule == pytest.approx(40 / 101)
    assert summary.avg_latency_seconds == pytest.approx(0.5)
    assert summary.phases_gpu_wh["decode"] == pytest.approx(90 / 3600)


def test_the_latency_is_that_of_the_samples_that_succeeded():
    whole = builders.repetition()
    answer = whole.windows[-1].model_copy(update={"successful": 3, "failed": 1})
    poorer = whole.model_copy(update={"windows": (*whole.windows[:-1], answer)})
    assert summarize([poorer], 4).avg_latency_seconds == pytest.approx(2.0 / 3)
    assert summarize([whole, poorer], 4).avg_latency_seconds == pytest.approx((0.5 + 2.0 / 3) / 2)


def test_an_unmeasured_gpu_leaves_every_derived_figure_empty():
    summary = summarize([builders.repetition(None, None, None)], 4)
    assert summary.gpu_energy_wh is None
    assert summary.wh_per_1000_queries is None
    assert summary.tokens_per_joule is None
    assert set(summary.phases_gpu_wh.values()) == {None}


def test_failures_are_those_of_the_worst_pass_of_the_worst_repetition():
    good, bad = builders.repetition(), builders.repetition()
    preprocess, prefill, generate = bad.windows
    prefill = prefill.model_copy(update={"failed": 1, "successful": 3})
    bad = bad.model_copy(update={"windows": (preprocess, prefill, generate)})
    summary = summarize([bad, good], 4)
    assert (summary.failed_prompts, summary.successful_prompts) == (1, 3)
    assert summary.wh_per_1000_queries == pytest.approx(101 / 3600 / 3 * 1000)


def test_greedy_repetitions_must_agree():
    one = builders.window("generate", 1.0, 1.0, completion=40)
    other = builders.window("generate", 1.0, 1.0, completion=41)
    assert tokens_agree([one, one])
    assert not tokens_agree([one, other])


def test_reasoning_and_answer_are_counted_apart():
    summary = summarize([builders.repetition(reasoning=30, truncated=1)] * 2, 4)
    assert (summary.tokens.completion, summary.tokens.reasoning, summary.tokens.answer) == (
        40,
        30,
        10,
    )
    assert summary.joules_per_reasoning_token == pytest.approx(101 / 30)
    assert summary.joules_per_answer_token == pytest.approx(101 / 10)
    assert summary.truncated_prompts == 1


def test_tokens_that_nobody_told_apart_give_no_figure():
    summary = summarize([builders.repetition()], 4)
    assert summary.tokens.reasoning is None
    assert summary.tokens.answer is None
    assert summary.joules_per_reasoning_token is None
    assert summary.joules_per_answer_token is None
    assert summary.truncated_prompts is None


@pytest.mark.parametrize(("reasoning", "answer_only"), [(0, True), (40, False)])
def test_without_a_token_of_a_kind_none_has_a_price(reasoning, answer_only):
    summary = summarize([builders.repetition(reasoning=reasoning, truncated=0)], 4)
    per_token = pytest.approx(101 / 40)
    assert summary.joules_per_answer_token == (per_token if answer_only else None)
    assert summary.joules_per_reasoning_token == (None if answer_only else per_token)
    assert (summary.tokens.reasoning, summary.tokens.answer) == (reasoning, 40 - reasoning)
    assert summary.truncated_prompts == 0


@pytest.mark.parametrize("decode", [None, -1.0])
def test_without_energy_the_tokens_are_counted_and_have_no_price(decode):
    summary = summarize([builders.repetition(decode=decode, reasoning=30, truncated=2)], 4)
    assert summary.joules_per_answer_token is None
    assert summary.joules_per_reasoning_token is None
    assert (summary.tokens.reasoning, summary.truncated_prompts) == (30, 2)


@pytest.mark.parametrize(
    ("seconds", "mean"), [((0.2, 0.4), 0.3), ((0.2, None), None), ((None, None), None)]
)
def test_the_time_to_the_first_token_is_that_of_the_last_passes(seconds, mean):
    repetitions = []
    for value in seconds:
        one = builders.repetition()
        *earlier, prefill, generate = one.windows
        windows = (
            *earlier,
            prefill.model_copy(update={"first_token_seconds": 9.0}),
            generate.model_copy(update={"first_token_seconds": value}),
        )
        repetitions.append(one.model_copy(update={"windows": windows}))
    found = summarize(repetitions, 4).avg_time_to_first_token_seconds
    assert found == (None if mean is None else pytest.approx(mean))


@pytest.mark.parametrize(
    ("truncated", "most"), [((0, 2, 1), 2), ((0, 0), 0), ((3, None), None), ((None, 0), None)]
)
def test_truncated_prompts_are_those_of_the_worst_repetition(truncated, most):
    repetitions = [builders.repetition(reasoning=30, truncated=count) for count in truncated]
    assert summarize(repetitions, 4).truncated_prompts == most
