"""Every reason for a flag is given when it holds, and not otherwise."""

import pytest

from benchmark_core.contract import DeviceSpec
from benchmark_core.report import EnergySources, GpuFacts
from benchmark_core.statistics import summarize
from benchmark_core.verdict import judge
from tests.support import builders

CUDA = DeviceSpec(kind="cuda", gpu_count=2)


def reasons(repetitions=None, device=CUDA, watched=2):
    spec = builders.spec(backend=builders.spec().backend.model_copy(update={"simulation": None}))
    repetitions = repetitions or [builders.repetition(), builders.repetition()]
    gpus = [GpuFacts(uuid=f"GPU-{number}", name="H100") for number in range(watched)]
    applied = builders.applied(spec, device=device)
    verdict = judge(spec, applied, summarize(repetitions, 4), repetitions, EnergySources(), gpus)
    assert verdict.verdict == ("flagged" if verdict.reasons else "valid")
    return set(verdict.reasons)


def test_nothing_against_it_is_valid():
    assert reasons() == set()


@pytest.mark.parametrize("watched", [1, 3])
def test_a_meter_on_more_or_fewer_gpus_than_the_model_uses_is_a_reason(watched):
    assert reasons(watched=watched) == {"meter_watches_other_gpus"}


def test_a_model_on_the_cpu_may_be_metered_on_any_gpu():
    assert reasons(device=DeviceSpec(kind="cpu", gpu_count=0), watched=1) == set()


def test_without_a_gpu_meter_the_energy_is_missing_and_nothing_else():
    unmeasured = [builders.repetition(None, None, None)]
    assert reasons(unmeasured, watched=0) == {"gpu_energy_not_measured"}


@pytest.mark.parametrize("decode", [0.0, -0.5])
def test_a_phase_without_positive_energy_is_a_reason_though_the_mean_is_positive(decode):
    repetitions = [builders.repetition(), builders.repetition(decode=decode)]
    assert summarize(repetitions, 4).phases_gpu_wh["decode"] > 0
    assert reasons(repetitions) == {"phase_not_positive"}
