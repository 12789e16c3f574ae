"""Every deviation from the official protocol is listed, and nothing else is."""

import pytest

from benchmark_core.contract import (
    BackendSpec,
    DeviceSpec,
    ModelSpec,
    SampleSource,
    TokenLimits,
)
from benchmark_core.evidence import Evidence
from benchmark_core.official import CODES, examine
from benchmark_core.reasoning.states import parse_state
from benchmark_core.report.energy import EnergySource, EnergySources
from benchmark_core.report.gpu_facts import GpuFacts
from benchmark_core.statistics import summarize
from benchmark_core.tasks import registry as tasks
from tests.support import builders

SXM = GpuFacts(
    uuid="GPU-0",
    name="NVIDIA H100 80GB HBM3",
    memory_bytes=85_520_809_984,
    power_limit_watts=700.0,
    default_power_limit_watts=700.0,
)
PCIE = SXM.model_copy(
    update={
        "name": "NVIDIA H100 PCIe",
        "power_limit_watts": 350.0,
        "default_power_limit_watts": 350.0,
    }
)
COUNTER = EnergySource(meter="nvml", kind="measured", method="energy counter")
OF_SPEC = {
    "samples": SampleSource(dataset_id="AIEnergyScore/text_generation", count=1000),
    "repetitions": 10,
    "backend": BackendSpec(name="pytorch"),
    "device": DeviceSpec(kind="cuda", gpu_count=1),
    "meters": ("nvml",),
}
OF_APPLIED = {"model_commit": "a" * 40, "dataset_commit": "b" * 40}


def deviations(
    *,
    of_spec=None,
    of_applied=None,
    of_summary=None,
    count=10,
    gpus=(SXM,),
    source=COUNTER,
):
    spec = builders.spec(**(OF_SPEC | (of_spec or {})))
    applied = builders.applied(spec, **(OF_APPLIED | (of_applied or {})))
    summary = summarize([builders.repetition()], 1000).model_copy(update=of_summary or {})
    repetitions = [builders.repetition()] * count
    evidence = Evidence(spec, applied, summary, repetitions, EnergySources(gpu=source), gpus)
    found = examine(evidence)
    assert found.official == (not found.deviations)
    assert not any("," in deviation or ";" in deviation for deviation in found.deviations)
    return found.deviations


@pytest.mark.parametrize("gpu", [SXM, PCIE])
def test_the_protocol_kept_on_an_h100_is_official(gpu):
    assert deviations(gpus=[gpu]) == ()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"name": "NVIDIA H200"}, "hardware: asked H100 vs found NVIDIA H200"),
        (
            {"memory_bytes": 100_497_620_992},
            "hardware: asked 80 GB of memory vs found 100.5 GB",
        ),
        (
            {"memory_bytes": None},
            "hardware: asked 80 GB of memory vs found memory of unknown size",
        ),
        (
            {"power_limit_watts": 500.0},
            "hardware: asked a limit of 700 W vs found 500 W",
        ),
        (
            {"power_limit_watts": None},
            "hardware: asked a limit of 700 W vs found unknown",
        ),
    ],
)
def test_other_hardware(changes, found):
    assert deviations(gpus=[SXM.model_copy(update=changes)]) == (found,)


def test_a_card_set_to_another_limit_than_its_own_default():
    changes = {"power_limit_watts": 700.0, "default_power_limit_watts": 650.0}
    assert deviations(gpus=[SXM.model_copy(update=changes)]) == (
        "hardware: asked a limit of 650 W vs found 700 W",
    )


def test_a_card_whose_default_is_not_known():
    assert deviations(gpus=[SXM.model_copy(update={"default_power_limit_watts": None})]) == (
        "hardware: asked the card's default power limit vs found a default that is not known",
    )


def test_no_gpu_at_all():
    assert deviations(gpus=[]) == ("hardware: asked H100 80 GB vs found no metered GPU",)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"batch_size": 8}, "batch_size: asked 1 vs found 8"),
        ({"concurrency": 8}, "concurrency: asked 1 vs found 8"),
        ({"limits": None}, "token_limits: asked 10/10 new tokens vs found no limit"),
        ({"dtype": "float32"}, "precision: asked float16 vs found float32"),
        ({"model_commit": None}, "model_revision: asked a commit vs found unknown"),
        ({"dataset_commit": None}, "dataset_revision: asked a commit vs found unknown"),
        (
            {"device": DeviceSpec(kind="cpu", gpu_count=1)},
            "device: asked cuda vs found cpu",
        ),
        (
            {"device": DeviceSpec(kind="cuda", gpu_count=2)},
            "gpu_count: asked 1 vs found 2",
        ),
        (
            {"limits": TokenLimits(max_new_tokens=64, min_new_tokens=1)},
            "token_limits: asked 10/10 new tokens vs found 64/1 new tokens",
        ),
    ],
)
def test_other_settings(changes, found):
    assert deviations(of_applied=changes) == (found,)


FORWARD = {"kind": "forward", "limits": None, "dtype": "float32"}
CALL = {"kind": "call", "limits": None, "dtype": "float32", "steps": 30}


def of_task(name):
    task = tasks.get(name)
    return {
        "task": name,
        "reasoning": None,
        "model": ModelSpec(id="org/model"),
        "samples": SampleSource(dataset_id=task.dataset_id, count=1000),
        "precision": task.precision,
        "limits": task.limits(reasons=False),
        "steps": task.steps,
    }


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=lambda task: task.name)
def test_each_task_run_by_the_protocol_is_official_whatever_its_kind(task):
    of_kind = {
        "generate": {"kind": "generate", "dtype": task.precision},
        "forward": FORWARD,
        "call": CALL,
    }
    for kind in task.kinds:
        assert deviations(of_spec=of_task(task.name), of_applied=of_kind[kind]) == ()


@pytest.mark.parametrize(
    ("name", "applied", "found"),
    [
        ("image_generation", CALL | {"steps": 4}, "steps: asked 30 vs found 4"),
        ("image_generation", CALL | {"steps": None}, "steps: asked 30 vs found none"),
        ("image_generation", CALL | {"dtype": "float16"}, "precision: asked float32 vs found"),
        (
            "summarization",
            FORWARD | {"limits": TokenLimits(max_new_tokens=10, min_new_tokens=10)},
            "token_limits: asked no limit vs found 10/10 new tokens",
        ),
        (
            "summarization",
            FORWARD | {"kind": "generate"},
            "token_limits: asked 10/10 new tokens vs found no limit",
        ),
        (
            "image_captioning",
            {
                "kind": "generate",
                "dtype": "float32",
                "limits": TokenLimits(max_new_tokens=10, min_new_tokens=10),
            },
            "token_limits: asked 100/100 new tokens vs found 10/10 new tokens",
        ),
    ],
)
def test_steps_and_limits_are_those_of_the_kind(name, applied, found):
    (deviation,) = deviations(of_spec=of_task(name), of_applied=applied)
    assert deviation.startswith(found)


def test_steps_where_nothing_is_drawn_are_a_deviation():
    assert deviations(of_applied={"steps": 4}) == ("steps: asked none vs found 4",)
    drawn = of_task("image_generation")
    found = deviations(of_spec=drawn, of_applied=CALL | {"kind": "forward"})
    assert found == ("steps: asked none vs found 30",)


@pytest.mark.parametrize("count", [0, 2])
def test_a_task_without_classes_has_one_gpu(count):
    found = deviations(
        of_spec=of_task("image_generation") | {"model": ModelSpec(id="a/b", model_class="C")},
        of_applied=CALL | {"device": DeviceSpec(kind="cuda", gpu_count=count)},
    )
    assert found == (f"gpu_count: asked 1 vs found {count}",)


TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)
LONG = TokenLimits(max_new_tokens=8192, min_new_tokens=1)
LIMITS = [
    ("Qwen/Qwen3-0.6B", "On", LONG),
    ("Qwen/Qwen3-0.6B", "Off", TEN),
    ("openai/gpt-oss-20b", "On (Low)", LONG),
    ("openai/gpt-oss-20b", "Off (N/A)", TEN),
    ("deepseek-ai/DeepSeek-R1", "On", LONG),
    ("deepseek-ai/DeepSeek-R1", "Off", TEN),
    ("mistralai/Magistral-Small-2507", "On", LONG),
    ("google/gemma-3-1b-it", "On", TEN),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", "On", TEN),
    ("google/gemma-3-4b-pt", "On", TEN),
    ("org/model", "On", LONG),
    ("org/model", "On (High)", LONG),
    ("org/model", "Off", TEN),
    ("org/model", None, TEN),
]


@pytest.mark.parametrize(("model", "state", "limits"), LIMITS)
def test_the_limits_follow_the_state_and_what_the_model_can(model, state, limits):
    of_spec = {"model": ModelSpec(id=model), "reasoning": state and parse_state(state)}
    assert deviations(of_spec=of_spec, of_applied={"limits": limits}) == ()
    asked, found = ("10/10", "8192/1") if limits == TEN else ("8192/1", "10/10")
    other = LONG if limits == TEN else TEN
    assert deviations(of_spec=of_spec, of_applied={"limits": other}) == (
        f"token_limits: asked {asked} new tokens vs found {found} new tokens",
    )


def test_a_checkpoint_keeps_its_own_quantization_and_another_tokenizer_is_allowed():
    kept = {"quantization": "mxfp4", "dtype": "bfloat16", "processor": "other/tokenizer"}
    assert deviations(of_applied=kept) == ()


@pytest.mark.parametrize(
    ("model_class", "count", "asked"),
    [("A", 2, "1"), ("B", 4, "1"), (None, 2, "1"), ("C", 0, "at least 1")],
)
def test_a_class_has_its_number_of_gpus(model_class, count, asked):
    found = deviations(
        of_spec={"model": ModelSpec(id="org/model", model_class=model_class)},
        of_applied={"device": DeviceSpec(kind="cuda", gpu_count=count)},
    )
    assert found == (f"gpu_count: asked {asked} vs found {count}",)


@pytest.mark.parametrize("count", [1, 8])
def test_class_c_may_have_any_number(count):
    found = deviations(
        of_spec={"model": ModelSpec(id="org/model", model_class="C")},
        of_applied={"device": DeviceSpec(kind="cuda", gpu_count=count)},
    )
    assert found == ()


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            SampleSource(dataset_id="org/own", count=1000),
            "dataset org/own",
        ),
        (SampleSource(prompts_sha256="c" * 64), "a prompts file"),
        (SampleSource(synthetic=True), "made-up samples"),
    ],
)
def test_other_samples(source, shown):
    found = deviations(of_spec={"samples": source})
    assert found == (f"samples: asked dataset AIEnergyScore/text_generation vs found {shown}",)


def test_fewer_and_failed_samples():
    found = deviations(of_summary={"total_prompts": 50, "failed_prompts": 2})
    assert found == (
        "samples: asked 1000 vs found 50",
        "failed_samples: asked 0 vs found 2",
    )


@pytest.mark.parametrize(
    ("asked", "count", "found"),
    [
        (3, 3, ("repetitions: asked 10 vs found 3",)),
        (
            10,
            4,
            (
                "repetitions: asked 10 vs found 4",
                "repetitions: asked all 10 vs found an early stop after 4",
            ),
        ),
        (20, 10, ("repetitions: asked all 20 vs found an early stop after 10",)),
    ],
)
def test_other_repetitions(asked, count, found):
    assert deviations(of_spec={"repetitions": asked}, count=count) == found


def test_another_backend():
    found = deviations(of_spec={"backend": BackendSpec(name="vllm", endpoint="http://host")})
    assert found == ("backend: asked pytorch vs found vllm",)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (None, "no GPU energy"),
        (
            EnergySource(meter="nvml", kind="measured", method="power, summed up", integrated=True),
            "nvml (power summed up)",
        ),
    ],
)
def test_energy_that_is_not_the_counters(source, shown):
    assert deviations(source=source) == (
        f"gpu_energy: asked the GPU's energy counter vs found {shown}",
    )


def test_energy_that_was_not_measured():
    assert deviations(of_summary={"gpu_energy_wh": None}) == (
        "gpu_energy: asked the GPU's energy counter vs found no GPU energy",
    )


def test_energy_that_is_simulated():
    watts = EnergySource(meter="simulated", kind="simulated", method="350 W times duration")
    assert deviations(source=watts) == (
        "gpu_energy: asked the GPU's energy counter vs found simulated (350 W times duration)",
        "simulated: asked nothing simulated vs found a simulated part",
    )


def test_a_simulated_driver():
    simulated = SXM.model_copy(update={"name": f"SIMULATED {SXM.name}"})
    assert deviations(gpus=[simulated]) == (
        "simulated: asked nothing simulated vs found a simulated part",
    )


def test_everything_at_once_is_all_listed_under_the_known_codes():
    found = deviations(
        of_spec={"samples": SampleSource(synthetic=True), "backend": BackendSpec(name="vllm")},
        of_applied={
            "device": DeviceSpec(kind="cpu", gpu_count=0),
            "batch_size": 2,
            "concurrency": 3,
            "dtype": "float32",
            "limits": None,
            "steps": 4,
            "model_commit": None,
            "dataset_commit": None,
        },
        of_summary={"failed_prompts": 1},
        count=1,
        gpus=[SXM.model_copy(update={"name": "SIMULATED A100"})],
        source=None,
    )
    assert {deviation.partition(":")[0] for deviation in found} == set(CODES)
