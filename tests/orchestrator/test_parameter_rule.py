"""Figures from a model's size: held against what was published, and monotone where it must be."""

import csv
import os
from pathlib import Path

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, SampleSource, TokenLimits
from benchmark_core.named_size import ModelSize
from orchestrator.catalog import ModelConfig
from orchestrator.gpu_speeds import REFERENCE_SPEED, known_speed
from orchestrator.gpus import Gpu
from orchestrator.model_size import model_size
from orchestrator.parameter_rule import START_SECONDS, Place, by_parameters
from tests.support import builders

REFERENCE = os.environ.get("AIES_REFERENCE_DATA")
H100 = Place(REFERENCE_SPEED, is_known=True)
LONG = TokenLimits(max_new_tokens=8192, min_new_tokens=1)


def config(model_id, **changes):
    fields = {"task": "text_generation", "reasoning_state": "Off", "model_class": "A"}
    return ModelConfig(**({"model_id": model_id, "priority": 1, "line": 2} | fields | changes))


def spec(gpus=1, kind="cuda", **changes):
    fields = {
        "samples": SampleSource(dataset_id="org/prompts"),
        "backend": BackendSpec(name="pytorch"),
        "device": DeviceSpec(kind=kind, gpu_count=gpus),
        "repetitions": 1,
    }
    return builders.spec(**(fields | changes))


def billions(parameters, active=None):
    return ModelSize(parameters * 1e9, (active or parameters) * 1e9)


@pytest.mark.parametrize(
    ("name", "parameters", "active"),
    [
        ("openai/gpt-oss-20b", 20, 20),
        ("google/gemma-3-270m-it", 0.27, 0.27),
        ("tencent/Hunyuan-1.8B-Instruct", 1.8, 1.8),
        ("mistralai/Mixtral-8x7B-v0.1", 56, 14),
        ("Qwen/Qwen3-30B-A3B", 30, 3),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5", 49, 49),
        ("org/model-7B-4bit", 7, 7),
    ],
)
def test_the_size_is_in_the_name(name, parameters, active):
    assert model_size(config(name)) == billions(parameters, active)


@pytest.mark.parametrize(
    "name", ["microsoft/phi-4", "moonshotai/Kimi-K2-Instruct", "MiniMaxAI/M1-80k", "7b/model-4bit"]
)
def test_a_name_without_a_size_tells_none(name):
    assert model_size(config(name)) is None


def test_the_catalog_knows_better_than_the_name():
    assert model_size(config("org/model-20b", parameters_billion=21.5)) == billions(21.5, 20)
    assert model_size(config("org/model", parameters_billion=117)) == billions(117)


def scores():
    """Published Wh per 1,000 prompts of models that fit on one GPU, with their size."""
    path = Path(REFERENCE or "", "leaderboard_2025-02", "text_generation.csv")
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            size = model_size(config(row["model"]))
            if size and size.parameters < 40e9:
                yield row["model"], size, float(row["total_gpu_energy"]) * 1000


@pytest.mark.skipif(REFERENCE is None, reason="AIES_REFERENCE_DATA names no folder of results")
def test_what_was_published_is_where_the_rule_says():
    """A run of two passes in place of one, and with its loading, is a little more."""
    ratios = {}
    for name, size, published in scores():
        _, more = by_parameters(spec(repetitions=11), 1000, size, H100)
        _, fewer = by_parameters(spec(repetitions=1), 1000, size, H100)
        ratios[name] = published / ((more.central - fewer.central) / 10)
    assert len(ratios) == 24
    within = [name for name, ratio in ratios.items() if 1 / 2 <= ratio <= 2]
    assert set(ratios) - set(within) == {"facebook/opt-125m"}


def test_a_reasoning_row_with_the_full_protocol_takes_days_up_to_weeks():
    seconds, energy = by_parameters(spec(limits=LONG, repetitions=10), 1000, billions(3), H100)
    assert 2 < seconds.central / 86400 < 8
    assert seconds.high / 86400 > 19, "fifty tokens a second, all 8,192 of them"
    assert energy.low < energy.central < energy.high


def test_what_is_less_certain_has_a_wider_range():
    def width(**changes):
        place = changes.pop("place", H100)
        seconds, _ = by_parameters(spec(**changes), 100, billions(70), place)
        return seconds.high / seconds.low

    plain = width()
    assert plain == pytest.approx(9)
    assert width(place=Place(REFERENCE_SPEED, is_known=False)) > plain
    assert width(gpus=3) > plain
    assert width(limits=LONG) > plain
    assert width(task="image_classification", limits=None) > plain
    assert width(stop_at_ci=0.01, repetitions=30) == pytest.approx(90)


def test_a_sample_costs_once_and_the_load_only_once():
    seconds = [by_parameters(spec(), count, billions(7), H100)[0].central for count in (1, 2, 3)]
    assert seconds[2] - seconds[1] == pytest.approx(seconds[1] - seconds[0])
    assert seconds[0] > START_SECONDS + 14


def test_a_mixture_writes_as_fast_as_the_part_a_token_passes_through():
    def central(size):
        return by_parameters(spec(limits=LONG), 100, size, H100)[0].central

    assert central(billions(3)) < central(billions(235, 22)) < central(billions(235)) / 5


def test_only_gpus_that_compute_draw():
    assert by_parameters(spec(gpus=0), 10, billions(7), H100)[1] is None
    assert by_parameters(spec(kind="cpu"), 10, billions(7), H100)[1] is None
    one, three = (by_parameters(spec(gpus=n), 10, billions(7), H100)[1] for n in (1, 3))
    assert one.central < three.central < 3 * one.central


def test_a_gpu_is_known_by_the_words_of_its_name():
    def speed(*names):
        gpus = [Gpu(0, f"GPU-{name}", name, None, simulated=False) for name in names]
        return known_speed(gpus)

    assert speed("NVIDIA H100 80GB HBM3") == REFERENCE_SPEED
    assert speed("NVIDIA H100 PCIe").limit_watts == 350
    assert speed("NVIDIA L40") is None, "it is no L4"
    assert speed("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB").limit_watts == 400
    assert speed("NVIDIA H100 80GB HBM3", "some other") is None
    assert speed() is None
