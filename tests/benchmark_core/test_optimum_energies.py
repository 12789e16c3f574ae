"""The report of optimum-benchmark in our windows and phases, as data."""

import json

import pytest

from benchmark_core.documents import ContractError
from benchmark_core.optimum.energies import Counts, kind_of, read_repetition

COUNTS = Counts(samples=4, prompt=50, new_tokens=10)


def phase(kwh, seconds, gpu=0.0, unit="kWh"):
    return {
        "memory": None,
        "latency": {"unit": "s", "values": [seconds], "total": seconds, "stdev_": 0},
        "throughput": {"unit": "tokens/s", "value": 3.0},
        "energy": {"unit": unit, "cpu": kwh, "ram": 2 * kwh, "gpu": gpu, "total": 3 * kwh + gpu},
        "efficiency": {"unit": "tokens/kWh", "value": 1.0},
    }


GENERATED = {
    "load_dataset": phase(50.0, 50.0, 50.0),
    "preprocess_dataset": phase(1e-6, 0.5, 1e-7),
    "load_model": phase(70.0, 70.0, 70.0),
    "prefill": phase(2e-6, 1.0, 4e-6),
    "decode": phase(8e-6, 4.0, 6e-6),
}


def read(report, gpus_tracked=True):
    return read_repetition(json.dumps(report).encode(), COUNTS, gpus_tracked)


def test_kilowatt_hours_become_joules_and_decode_a_whole_pass():
    repetition = read(GENERATED)
    assert kind_of(repetition) == "generate"
    names = [window.name for window in repetition.windows]
    assert names == ["preprocess", "prefill", "generate"]
    generate = repetition.windows[2]
    assert generate.duration_seconds == 5.0
    assert generate.reading.cpu_joules == pytest.approx(10e-6 * 3.6e6)
    assert generate.reading.gpu_joules == pytest.approx(10e-6 * 3.6e6)
    phases = repetition.phases
    assert list(phases) == ["preprocess", "prefill", "decode"]
    assert phases["decode"].gpu_joules == pytest.approx(6e-6 * 3.6e6)
    assert phases["decode"].duration_seconds == pytest.approx(4.0)
    assert phases["prefill"].ram_joules == pytest.approx(4e-6 * 3.6e6)


def test_tokens_are_those_of_all_samples():
    tokens = [window.tokens for window in read(GENERATED).windows]
    assert [one.prompt for one in tokens] == [0, 50, 50]
    assert [one.completion for one in tokens] == [0, 4, 40]


def test_loading_is_never_counted():
    without = {name: part for name, part in GENERATED.items() if not name.startswith("load")}
    assert read(without) == read(GENERATED)


def test_the_old_name_of_preprocessing_is_known():
    old = {
        "preprocess" if name == "preprocess_dataset" else name: GENERATED[name]
        for name in GENERATED
    }
    assert read(old) == read(GENERATED)


@pytest.mark.parametrize("name", ["forward", "call"])
def test_the_other_kinds_have_one_pass(name):
    report = {"preprocess_dataset": phase(1e-6, 1.0), name: phase(2e-6, 2.0, 3e-6)}
    repetition = read(report)
    assert kind_of(repetition) == name
    assert list(repetition.phases) == ["preprocess", name]
    assert repetition.windows[-1].tokens.completion == 0
    assert repetition.phases[name].gpu_joules == pytest.approx(3e-6 * 3.6e6)


def test_without_a_tracked_gpu_its_energy_is_not_measured():
    for window in read(GENERATED, gpus_tracked=False).windows:
        assert window.reading.gpu_joules is None


def test_zero_means_that_nothing_was_measured():
    report = GENERATED | {"preprocess_dataset": phase(0.0, 0.01)}
    reading = read(report).windows[0].reading
    assert (reading.gpu_joules, reading.cpu_joules, reading.ram_joules) == (None, None, None)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({}, "has no preprocess_dataset"),
        ({"preprocess_dataset": phase(1.0, 1.0)}, "neither prefill and decode"),
        (GENERATED | {"decode": phase(1.0, 1.0, unit="Wh")}, "decode.energy.unit"),
        (GENERATED | {"decode": {"energy": None, "latency": None}}, "decode.energy"),
        (GENERATED | {"decode": phase(float("nan"), 1.0)}, "decode.energy.cpu"),
        ([1], "is not valid"),
    ],
)
def test_what_is_no_such_report_is_refused(report, said):
    with pytest.raises(ContractError, match=said):
        read(report)
