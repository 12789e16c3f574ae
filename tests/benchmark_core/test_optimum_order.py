"""What optimum-benchmark is told of a spec, and what is refused before it is told anything."""

from pathlib import Path

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, ModelSpec, TokenLimits
from benchmark_core.faults import SpecFault
from benchmark_core.optimum.backend import OptimumBenchmark
from benchmark_core.optimum.environment import BESIDE_THE_CODE, optimum_python
from benchmark_core.optimum.objection import objection, refuse_impossible
from benchmark_core.optimum.order import TASKS, Commits, worker_order
from benchmark_core.tasks import registry as tasks
from tests.support import builders
from tests.support.task_runs import task_spec

COMMITS = Commits("a" * 40, "b" * 40)
OPTIMUM = BackendSpec(name="optimum")


def spec_of(task="text_generation", model="org/model", **changes):
    return task_spec(task, model, **({"backend": OPTIMUM, "meters": ("codecarbon",)} | changes))


def order(spec, commits=COMMITS, gpus=(), region="WORLD"):
    return worker_order(spec, commits, Path("/run/samples"), 6, gpus, region)


def test_text_generation_in_the_words_of_optimum_benchmark():
    assert order(spec_of()) == {
        "country": None,
        "backend": {
            "model": "org/model",
            "processor": "org/model",
            "task": "text-generation",
            "library": "transformers",
            "device": "cpu",
            "device_ids": None,
            "device_map": None,
            "torch_dtype": "float16",
            "no_weights": False,
            "model_kwargs": {"revision": "a" * 40, "trust_remote_code": False},
            "processor_kwargs": {"revision": "b" * 40, "trust_remote_code": False},
        },
        "scenario": {
            "dataset_name": "/run/samples",
            "dataset_config": "default",
            "dataset_split": "train",
            "num_samples": 6,
            "input_shapes": {"batch_size": 1},
            "energy": True,
            "latency": True,
            "memory": False,
            "generate_kwargs": {"max_new_tokens": 10, "min_new_tokens": 10},
        },
        "text_columns": ["text"],
        "told_in_words": {
            "model_types": ["longt5", "mt5", "switch_transformers", "t5", "umt5"],
            "task": "text2text-generation",
            "scenario": {"t5_task": "text_generation"},
        },
    }


def test_a_pipeline_has_no_processor_and_its_own_column():
    told = order(spec_of("image_generation"))
    assert told["backend"]["library"] == "diffusers"
    assert told["backend"]["torch_dtype"] == "float32"
    assert told["backend"]["model_kwargs"] == {"revision": "a" * 40}
    assert "processor" not in told["backend"]
    assert told["scenario"]["text_column_name"] == "prompt"
    assert told["scenario"]["call_kwargs"] == {"num_inference_steps": 30}
    assert "generate_kwargs" not in told["scenario"]
    assert told["text_columns"] == []
    assert told["told_in_words"] is None


def test_the_processor_of_another_model_has_a_commit_of_its_own():
    model = ModelSpec(id="org/model", processor="org/other", trust_remote_code=True)
    told = order(spec_of(model=model), Commits("a" * 40, None))["backend"]
    assert told["processor"] == "org/other"
    # Never empty: optimum-benchmark would take those of the model then.
    assert told["processor_kwargs"] == {"trust_remote_code": True}
    assert told["model_kwargs"] == {"revision": "a" * 40, "trust_remote_code": True}


@pytest.mark.parametrize(("gpus", "ids", "spread"), [((3,), "3", None), ((0, 2), "0,2", "auto")])
def test_gpus_go_by_the_numbers_of_the_driver(gpus, ids, spread):
    spec = spec_of(device=DeviceSpec(kind="cuda", gpu_count=len(gpus)))
    told = order(spec, gpus=gpus)["backend"]
    assert (told["device"], told["device_ids"], told["device_map"]) == ("cuda", ids, spread)


def test_the_region_is_the_country_of_codecarbons_files():
    assert order(spec_of(), region="DEU")["country"] == "DEU"


def test_every_task_is_mapped_or_refused():
    for name, task in tasks.TASKS.items():
        refused = objection(name, task.limits(False), None)
        assert (name in TASKS) == (refused is None)
    assert "sounds" in objection("automatic_speech_recognition", None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "automatic_speech_recognition"}, "decodes sounds"),
        (
            {"limits": TokenLimits(max_new_tokens=8192, min_new_tokens=1)},
            "the row reasons",
        ),
        ({"model": ModelSpec(id="org/model", quantization="awq")}, "names a quantization"),
        ({"batch_size": 4}, "batches of 4"),
        ({"device": DeviceSpec(kind="simulated", gpu_count=1)}, "simulated device"),
        ({"meters": ("nvml", "codecarbon")}, "the meters nvml, codecarbon"),
        ({"meters": ()}, "the meters none"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_loaded(changes, said, tmp_path):
    spec = spec_of(**changes)
    with pytest.raises(SpecFault, match=said):
        refuse_impossible(spec)
    with pytest.raises(SpecFault, match=said):
        OptimumBenchmark(spec, builders.launch(), tmp_path)


def test_the_variable_names_the_python_else_it_lies_beside_the_code(tmp_path, monkeypatch):
    assert optimum_python({}) == optimum_python({"OPTIMUM_PYTHON": ""}) == BESIDE_THE_CODE
    assert optimum_python({"OPTIMUM_PYTHON": "/opt/x/python"}) == Path("/opt/x/python")
    unknown = optimum_python({"OPTIMUM_PYTHON": "~nosuchuser/python"})
    assert unknown == Path("~nosuchuser/python").absolute()
    monkeypatch.setenv("OPTIMUM_PYTHON", str(tmp_path / "python"))
    with pytest.raises(SpecFault, match="no Python with optimum-benchmark at") as caught:
        OptimumBenchmark(spec_of(), builders.launch(), tmp_path)
    assert "make optimum" in caught.value.remedy
