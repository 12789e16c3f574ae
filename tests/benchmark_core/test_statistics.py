"""Arithmetic over repetitions: not measured spreads, and nothing turns into zero."""

import statistics as standard

import pytest

from benchmark_core.statistics import scored_joules, spread, summarize, tokens_agree
from tests.support import builders


def test_spread_agrees_with_the_standard_library():
    values = [3.0, 4.5, 7.25]
    found = spread(values)
    assert found.mean == pytest.approx(standard.fmean(values))
    assert found.stdev == pytest.approx(standard.stdev(values))


def test_one_repetition_has_no_deviation():
    assert spread([2.0]).stdev is None


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
