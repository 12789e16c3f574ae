"""What becomes of the worker's files, with a stand-in that leaves files made beforehand."""

import copy
import json
import os
import shutil
import subprocess
import sys

import pytest

from benchmark_core.contract import BackendSpec, DeviceSpec, Launch, ModelSpec, SampleSource
from benchmark_core.differences import differences
from benchmark_core.faults import ModelFault, SampleFault
from benchmark_core.optimum.backend import OptimumBenchmark
from benchmark_core.report.run_report import RunReport
from benchmark_core.sample_folder import samples_sha256
from tests.support import builders, simulated_driver
from tests.support.image import ROOT
from tests.support.simulated_driver import uuid
from tests.support.task_runs import task_spec
from tests.support.tiny_hub import GPT2, built_hub, snapshot  # noqa: F401

FINDINGS = {
    "model": {
        "name": GPT2,
        "commit": None,
        "dtype": "float16",
        "device": "cpu",
        "gpu_uuids": [],
        "attention": "sdpa",
        "quantization": None,
        "ran_own_code": False,
        "seed": 42,
    },
    "processor": {"name": GPT2, "template_sha256": "c" * 64},
    "ran": {
        "task": "text-generation",
        "samples": 0,
        "batch_size": 1,
        "max_new_tokens": 10,
        "min_new_tokens": 10,
        "steps": None,
    },
    "prompts": {"tokens": 50, "cut": 1},
    "tracker": {"cpu_mode": "constant", "cpu_tdp_watts": 8, "tracks_ram": True, "gpus": 0},
    "packages": {"optimum-benchmark": "0.6.0", "codecarbon": "3.3.2", "transformers": "4.57.6"},
    "python_version": "3.11.0",
}


def phase(gpu):
    energy = {"unit": "kWh", "cpu": 2e-6, "ram": 1e-6, "gpu": gpu, "total": 3e-6 + gpu}
    return {"energy": energy, "latency": {"unit": "s", "total": 1.0}}


REPORT = {
    "preprocess_dataset": phase(1e-6),
    "prefill": phase(2e-6),
    "decode": phase(3e-6),
}


@pytest.fixture
def stand_in(tmp_path):
    """A Python that leaves these files in its folder, numbered copies where there are some."""

    def make(findings=FINDINGS, report=REPORT, second=None):
        store = tmp_path / "store"
        store.mkdir()
        for name, content in (
            ("findings.json", findings),
            ("benchmark_report.json", report),
            ("second.json", second or findings),
        ):
            if content is not None:
                text = content if isinstance(content, str) else json.dumps(content)
                (store / name).write_text(text)
        python = store / "python"
        python.write_text(
            f'#!/bin/sh\ncp "{store}"/benchmark_report.json "{store}"/findings.json . 2> out\n'
            f'case "$PWD" in */2) cp "{store}/second.json" findings.json ;; esac\nexit 0\n'
        )
        python.chmod(0o755)
        return str(python)

    return make


def spec_of(**changes):
    fields = {"backend": BackendSpec(name="optimum"), "meters": ("codecarbon",), "repetitions": 1}
    model = changes.pop("model", GPT2)
    return task_spec("text_generation", model, **(fields | changes))


def measured(python, monkeypatch, tmp_path, **changes):
    monkeypatch.setenv("OPTIMUM_PYTHON", python)
    return OptimumBenchmark(spec_of(**changes), builders.launch(), tmp_path).measure_once(1)


def altered(**changes):
    found = copy.deepcopy(FINDINGS)
    for part, fields in changes.items():
        found[part] = found[part] | fields
    return found


def test_what_was_found_is_told_as_it_was(stand_in, monkeypatch, tmp_path):
    found = measured(stand_in(), monkeypatch, tmp_path).found
    assert (found.loaded.model_id, found.loaded.kind, found.loaded.dtype) == (
        GPT2,
        "generate",
        "float16",
    )
    assert found.loaded.device == DeviceSpec(kind="cpu", gpu_count=0)
    assert (found.conditions.prompt_form, found.conditions.prompts_cut) == ("raw", 1)
    assert found.conditions.limits.max_new_tokens == 10
    assert found.reasoning.effective == "unforced"
    assert found.sources.gpu is None
    assert found.sources.cpu.kind == found.sources.ram.kind == "estimated"
    assert found.sources.cpu.method == (
        "optimum-benchmark 0.6.0, CodeCarbon 3.3.2, half of the TDP estimate of 8 W"
    )
    assert found.programs.packages["transformers"] == "4.57.6"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"findings": None}, "a result of optimum-benchmark cannot be read: No such file"),
        ({"report": None}, "a result of optimum-benchmark cannot be read: No such file"),
        ({"findings": "{"}, "a result of optimum-benchmark is not valid: "),
        ({"findings": altered(model={"more": 1})}, "is not valid: model.more"),
        ({"report": {}}, "a result of optimum-benchmark has no preprocess_dataset"),
        (
            {"findings": altered(model={"device": "cuda", "gpu_uuids": ["GPU-1"]})},
            "put it on cuda with 1 GPU\\(s\\), the run asks for cpu with 0",
        ),
    ],
)
def test_a_worker_without_a_good_result_fails_the_run(files, said, stand_in, monkeypatch, tmp_path):
    with pytest.raises(ModelFault, match=said) as caught:
        measured(stand_in(**files), monkeypatch, tmp_path)
    assert caught.value.remedy


def test_other_samples_than_asked_fail_the_run(stand_in, monkeypatch, tmp_path):
    python = stand_in(altered(ran={"samples": 3}))
    with pytest.raises(SampleFault, match="ran 3 samples of 0"):
        measured(python, monkeypatch, tmp_path)


# ------------------------------------------------------------------ whole runs


@pytest.fixture
def whole_run(tmp_path, built_hub):  # noqa: F811
    """A run in a process of its own, as an engine starts it."""

    def run(python, environment=None, gpu_uuids=(), **changes):
        folder, prompts = tmp_path / "run", tmp_path / "prompts.jsonl"
        folder.mkdir()
        prompts.write_text('{"text": "one"}\n{"text": " "}\n{"text": "two"}\n')
        source = SampleSource(prompts_sha256=samples_sha256(prompts))
        spec = spec_of(samples=source, **changes)
        launch = Launch(
            engine="none",
            launched_at=builders.NOW,
            samples_path=str(prompts),
            gpu_uuids=gpu_uuids,
        )
        (folder / "run_spec.json").write_text(spec.to_json())
        (folder / "launch.json").write_text(launch.to_json())
        subprocess.run(
            [sys.executable, "-m", "benchmark_core", "run", str(folder)],
            cwd=ROOT,
            env=(environment or dict(os.environ))
            | {
                "OPTIMUM_PYTHON": python,
                "HF_HUB_CACHE": str(built_hub),
                "HF_HUB_OFFLINE": "1",
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            check=False,
        )
        return spec, RunReport.read(folder / "benchmark_report.json"), folder

    return run


@pytest.fixture
def commit(built_hub):  # noqa: F811
    return snapshot(built_hub, GPT2).name


def test_repetitions_that_differ_fail_the_run(stand_in, whole_run, commit):
    first = altered(ran={"samples": 2}, model={"commit": commit})
    second = copy.deepcopy(first)
    second["model"]["attention"] = "eager"
    _, report, folder = whole_run(stand_in(first, second=second), repetitions=2)
    assert report.outcome == "failed"
    assert report.failure.kind == "model_unusable"
    assert report.failure.message == "repetition 2 ran otherwise than the first: loaded changed"
    assert not (folder / "optimum" / "samples").exists()


def test_a_model_that_is_not_there_is_told_before_a_worker_starts(stand_in, whole_run):
    _, report, folder = whole_run(stand_in(), model=ModelSpec(id="demo/nobody"))
    assert report.failure.message.startswith("model demo/nobody is not in the local cache")
    assert not (folder / "optimum").exists()


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@pytest.mark.parametrize("tracked", [1, 0])
def test_gpus_are_those_of_the_launch_by_the_drivers_number(
    tracked, stand_in, whole_run, commit, driver
):
    findings = altered(
        ran={"samples": 2},
        model={"commit": commit, "device": "cuda", "gpu_uuids": [uuid(2)]},
        tracker={"gpus": tracked},
    )
    spec, report, folder = whole_run(
        stand_in(findings),
        simulated_driver.environment(driver, gpus=4),
        gpu_uuids=(uuid(2),),
        device=DeviceSpec(kind="cuda", gpu_count=1),
    )
    assert report.outcome == "finished", report.failure
    assert differences(spec, report) == []
    order = json.loads((folder / "optimum" / "1" / "order.json").read_text())["backend"]
    assert (order["device"], order["device_ids"], order["device_map"]) == ("cuda", "2", None)
    assert [gpu.uuid for gpu in report.environment.gpus] == [uuid(2)]
    assert report.applied.gpu_uuids == (uuid(2),)
    # Of two prompts: the third is empty, and left out for every backend.
    assert report.summary.total_prompts == 2
    if not tracked:
        assert report.summary.gpu_energy_wh is None
        assert report.energy_sources.gpu is None
        assert "gpu_energy_not_measured" in report.verdict.reasons
        return
    assert report.summary.gpu_energy_wh.mean == pytest.approx(6e-3)
    assert float((folder / "GPU_ENERGY_WH.txt").read_text()) == pytest.approx(6e-3)
    source = report.energy_sources.gpu
    assert (source.meter, source.kind) == ("codecarbon", "measured")
    assert report.verdict.reasons == ("gpu_not_watched", "rehearsal", "reasoning_not_enforced")
    assert any(text.startswith("gpu_energy:") for text in report.official.deviations)
