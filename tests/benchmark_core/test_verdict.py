"""Every reason against a run is given when it holds, and not otherwise."""

import ast
from pathlib import Path

import pytest

from benchmark_core import verdict
from benchmark_core.contract import BackendSpec, DeviceSpec, SampleSource
from benchmark_core.evidence import Evidence
from benchmark_core.report.energy import EnergySource, EnergySources
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.report.judgement import Verdict
from benchmark_core.report.ledger import Ledger
from benchmark_core.report.rest import ThermalGate
from benchmark_core.report.token_counts import TokenCounts
from benchmark_core.report.trace_facts import GpuConditions, TraceFacts
from benchmark_core.statistics import summarize
from benchmark_core.verdict import (
    CHECKS,
    IMPORT_SEVERITY,
    SEVERITY,
    judge,
    of_fault,
    of_import,
)
from tests.support import builders

ROOT = Path(__file__).parents[2]
CUDA = DeviceSpec(kind="cuda", gpu_count=2)
COUNTER = EnergySource(meter="nvml", kind="measured", method="energy counter")
INTEGRATED = COUNTER.model_copy(update={"integrated": True})
DCGM = COUNTER.model_copy(update={"meter": "dcgm"})
ON_CPU = DeviceSpec(kind="cpu", gpu_count=0)
SERVED = builders.spec(backend=BackendSpec(name="vllm", endpoint="http://server"))
# Reasons that never come without others.
IMPLIED = {"meters_contradict": ("meters_disagree",)}
# Reasons that speak against a finished run or fail one, depending on when they are noticed.
EITHER = {"meter_watches_other_gpus", "counter_reset"}
CONDITIONS = GpuConditions(
    uuid="GPU-0",
    first_celsius=50.0,
    last_celsius=60.0,
    highest_celsius=61.0,
    highest_watts=690.0,
    power_limits_watts=(700.0,),
    throttled={"sw_power_cap": 0.9, "hw_thermal": 0.01},
    foreign_before=0,
    foreign_during=0,
    foreign_after=0,
)
TRACE = TraceFacts(
    samples=1000,
    rate_hertz=10.0,
    longest_gap_seconds=1.0,
    integrated_joules=1050.0,
    counter_joules=1000.0,
    disagreement=0.05,
    gpus=(CONDITIONS, CONDITIONS),
)
LEDGER = Ledger(
    entries=(),
    total_seconds=10.0,
    total_joules=1000.0,
    between_joules=10.0,
    residual_joules=5.5,
    residual_share=0.0055,
)


def evidence(*, repetitions=None, of_applied=None, of_summary=None, watched=2, **changes):
    """Of a run with nothing against it but what is changed, and close to every limit."""
    spec = builders.spec(backend=BackendSpec(name="pytorch"))
    repetitions = repetitions or [builders.repetition(), builders.repetition()]
    fields = {
        "spec": spec,
        "applied": builders.applied(spec, **({"device": CUDA} | (of_applied or {}))),
        "summary": summarize(repetitions, 4).model_copy(update=of_summary or {}),
        "repetitions": repetitions,
        "sources": EnergySources(gpu=COUNTER),
        "gpus": [GpuFacts(uuid=f"GPU-{number}", name="H100") for number in range(watched)],
        "ledger": LEDGER,
        "trace": TRACE,
        "gate": ThermalGate(waited_seconds=1.0, settled=True, at_rest={}),
        "runs_beside": (),
    }
    return Evidence(**(fields | changes))


def conditions(**changes):
    """Something that one of the two GPUs went through."""
    changed = CONDITIONS.model_copy(update=changes)
    return evidence(trace=TRACE.model_copy(update={"gpus": (CONDITIONS, changed)}))


def trace(**changes):
    return evidence(trace=TRACE.model_copy(update=changes))


def ledger(residual):
    return evidence(ledger=LEDGER.model_copy(update={"residual_joules": residual}))


def doubtful(doubt):
    """A run of 202 scored joules whose first window may be off by `doubt`."""
    first, *others = builders.repetition().windows
    reading = first.reading.model_copy(update={"gpu_doubt_joules": doubt})
    windows = (first.model_copy(update={"reading": reading}), *others)
    return evidence(
        repetitions=[
            builders.repetition().model_copy(update={"windows": windows}),
            builders.repetition(),
        ]
    )


def other_tokens():
    one = builders.repetition()
    *others, last = one.windows
    tokens = last.tokens.model_copy(update={"completion": 41})
    windows = (*others, last.model_copy(update={"tokens": tokens}))
    return evidence(repetitions=[one, one.model_copy(update={"windows": windows})])


def reasoned(effective, reasoning, completion=1000, enforced=True):
    """A run of `completion` generated tokens, of which `reasoning` were told apart as such."""
    tokens = TokenCounts(prompt=20, completion=completion, reasoning=reasoning)
    facts = builders.facts(builders.spec(), effective=effective, enforced=enforced)
    return evidence(of_summary={"tokens": tokens}, reasoning=facts)


BY_ITSELF = EnergySource(meter="codecarbon", kind="measured", method="optimum-benchmark")
SIMULATED_PART = EnergySource(meter="simulated", kind="simulated", method="made up")
TEN_SAMPLES = builders.spec(samples=SampleSource(synthetic=True, count=10))
TEN_SAMPLES = TEN_SAMPLES.model_copy(update={"backend": evidence().spec.backend})

CASES = [
    ("gpu_energy_not_measured", evidence(repetitions=[builders.repetition(prefill=None)])),
    (
        "gpu_energy_not_measured",
        evidence(
            repetitions=[builders.repetition(None, None, None)],
            watched=0,
            trace=None,
            ledger=None,
            gate=None,
            sources=EnergySources(),
        ),
    ),
    ("gpu_energy_integrated_from_power", evidence(sources=EnergySources(gpu=INTEGRATED))),
    ("meter_watches_other_gpus", evidence(watched=1)),
    ("meter_watches_other_gpus", evidence(watched=3)),
    ("meter_watches_other_gpus", evidence(of_applied={"gpu_uuids": ("GPU-0", "GPU-7")})),
    ("model_not_on_gpu", evidence(of_applied={"device": ON_CPU})),
    (
        "model_not_on_gpu",
        evidence(of_applied={"device": ON_CPU}, sources=EnergySources(gpu=DCGM)),
    ),
    (
        "server_not_identified",
        evidence(of_applied={"device": None, "server": "vllm"}, spec=SERVED),
    ),
    (
        "gpu_not_watched",
        evidence(sources=EnergySources(gpu=BY_ITSELF), trace=None, gate=None, ledger=None),
    ),
    (
        "gpu_not_watched",
        evidence(of_applied={"device": ON_CPU}, sources=EnergySources(gpu=BY_ITSELF)),
    ),
    (
        "phase_not_positive",
        evidence(repetitions=[builders.repetition(), builders.repetition(decode=0.0)]),
    ),
    (
        "phase_not_positive",
        evidence(repetitions=[builders.repetition(), builders.repetition(preprocess=-0.5)]),
    ),
    ("edges_uncertain", doubtful(2.03)),
    ("ledger_does_not_balance", ledger(5.51)),
    ("ledger_does_not_balance", ledger(-5.51)),
    ("counter_reset", trace(counter_resets=1)),
    ("meters_disagree", trace(disagreement=0.051)),
    ("meters_disagree", trace(disagreement=-0.25)),
    ("meters_contradict", trace(disagreement=0.251)),
    ("meters_contradict", trace(disagreement=-0.251)),
    ("trace_incomplete", trace(longest_gap_seconds=1.01)),
    ("trace_incomplete", trace(rate_hertz=9.9)),
    ("trace_incomplete", evidence(trace=None)),
    ("foreign_process_before", conditions(foreign_before=1)),
    ("foreign_process_during", conditions(foreign_during=1)),
    ("foreign_process_after", conditions(foreign_after=2)),
    ("other_runs_on_host", evidence(runs_beside=("another",))),
    ("power_limit_changed", conditions(power_limits_watts=(700.0, 500.0))),
    ("throttled", conditions(throttled={"hw_slowdown": 0.011})),
    ("throttled", conditions(throttled={"hw_thermal": 0.011})),
    ("throttled", conditions(throttled={"sw_thermal": 0.011})),
    ("throttled", conditions(throttled={"hw_power_brake": 0.011})),
    ("temperature_drift", conditions(last_celsius=60.1)),
    ("temperature_drift", conditions(last_celsius=39.9)),
    (
        "not_at_rest",
        evidence(gate=ThermalGate(waited_seconds=300.0, settled=False, at_rest={})),
    ),
    ("rehearsal", evidence(sources=EnergySources(gpu=COUNTER, cpu=SIMULATED_PART))),
    ("rehearsal", evidence(gpus=[GpuFacts(uuid="GPU-0", name="SIMULATED H100")] * 2)),
    ("rehearsal", evidence(spec=builders.spec())),
    ("rehearsal", evidence(spec=builders.spec(backend=BackendSpec(name="simulated")))),
    ("samples_failed", evidence(of_summary={"failed_prompts": 1})),
    ("fewer_samples_than_asked", evidence(spec=TEN_SAMPLES)),
    ("tokens_differ_between_repetitions", other_tokens()),
    ("reasoning_not_enforced", reasoned("on", 10, completion=10, enforced=False)),
    ("reasoning_not_enforced", reasoned("none", 0, enforced=False)),
    ("reasoning_not_enforced", reasoned("unforced", None, enforced=False)),
    ("reasoning_contradicts_state", reasoned("on", 19)),
    ("reasoning_contradicts_state", reasoned("on", 0)),
    ("reasoning_contradicts_state", reasoned("off", 1)),
    ("reasoning_contradicts_state", reasoned("none", 1)),
    ("reasoning_truncated", evidence(of_summary={"truncated_prompts": 1})),
]


@pytest.mark.parametrize(("reason", "against"), CASES, ids=[reason for reason, _ in CASES])
def test_a_reason_is_given_alone_with_its_severity(reason, against):
    found = judge(against)
    assert found.reasons == (*IMPLIED.get(reason, ()), reason)
    assert found.verdict == SEVERITY[reason]


def test_every_check_has_a_case_and_every_reason_a_severity():
    assert {reason for reason, _ in CASES} == set(CHECKS)
    assert list(CHECKS) == list(SEVERITY)[: len(CHECKS)]


@pytest.mark.parametrize(
    "good",
    [
        evidence(),
        evidence(of_applied={"gpu_uuids": ("GPU-1", "GPU-0")}),
        evidence(
            of_applied={"device": None, "server": "vllm", "gpu_uuids": ("GPU-0", "GPU-1")},
            spec=SERVED,
        ),
        evidence(
            of_applied={"device": None, "server": "vllm"},
            spec=SERVED,
            sources=EnergySources(gpu=DCGM),
            trace=None,
        ),
        evidence(of_applied={"device": DeviceSpec(kind="simulated", gpu_count=2)}),
        conditions(foreign_before=None, foreign_during=None, foreign_after=None),
        evidence(ledger=None, gate=None),
        ledger(None),
        doubtful(2.01),
        trace(disagreement=-0.05),
        conditions(first_celsius=None),
        conditions(throttled={"sw_power_cap": 1.0, "sync_boost": 0.5}),
        evidence(
            trace=None,
            sources=EnergySources(gpu=DCGM),
        ),
        reasoned("on", 20),
        reasoned("on", 1000),
        reasoned("on", None),
        reasoned("on", 0, completion=0),
        reasoned("off", 0),
        reasoned("off", None),
        reasoned("none", 0),
        reasoned("unforced", 0),
        reasoned("unforced", 1000),
        reasoned(None, 1000),
        reasoned("on", 500, enforced=None),
        evidence(of_summary={"truncated_prompts": 0}),
        evidence(of_summary={"tokens": TokenCounts(prompt=20, completion=40, reasoning=40)}),
    ],
)
def test_nothing_against_it_is_valid(good):
    found = judge(good)
    assert (found.verdict, found.reasons) == ("valid", ())


def test_an_invalid_reason_outweighs_flags():
    found = judge(
        evidence(repetitions=[builders.repetition(decode=-1.0)], of_summary={"failed_prompts": 1})
    )
    assert found.reasons == ("phase_not_positive", "samples_failed")
    assert found.verdict == "invalid"


def test_a_failed_meter_is_invalid_with_its_reason():
    for reason in (set(SEVERITY) - set(CHECKS)) | EITHER:
        found = of_fault(reason)
        assert (found.verdict, found.reasons) == ("invalid", (reason,))
    assert of_fault("nobody knows").reasons == ("meter_failed",)


def test_an_imported_run_is_never_valid():
    assert of_import([]) == Verdict(verdict="flagged", reasons=("imported",))
    twice = of_import(["samples_failed", "implausible_power", "samples_failed"])
    assert twice.reasons == ("imported", "samples_failed", "implausible_power")
    assert twice.verdict == "invalid"
    assert not set(IMPORT_SEVERITY) & set(SEVERITY)
    with pytest.raises(KeyError):
        of_import(["nobody knows"])


def test_every_reason_that_a_meter_gives_is_known():
    given = {
        argument.value
        for path in (ROOT / "benchmark_core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MeterFault"
        for argument in (*node.args[2:], *(k.value for k in node.keywords if k.arg == "reason"))
        if isinstance(argument, ast.Constant)
    }
    assert given <= set(SEVERITY)
    assert given & set(CHECKS) == EITHER
    assert all(SEVERITY[reason] == "invalid" for reason in given)
    assert verdict.of_fault("meter_failed").verdict == "invalid"
