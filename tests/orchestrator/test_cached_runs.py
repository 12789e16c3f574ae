"""Runs whose files are all there ask the hub no more; in doubt they do."""

import os
from dataclasses import replace

import pytest

from benchmark_core.contract import BackendSpec, ModelSpec, SampleSource
from orchestrator.cached_runs import CachedRuns
from orchestrator.downloads.inventory import Inventory, take_inventory
from orchestrator.downloads.unlike import hub_may_matter
from orchestrator.downloads.wanted import Wanted, wanted_by
from orchestrator.outcome import Outcome
from orchestrator.prefetch import fetch_before
from orchestrator.run_directory import RunDirectory
from orchestrator.run_planner import PlannedRun
from tests.support import builders
from tests.support.file_hub import COMMIT, LARGE, FileHub, serving
from tests.support.settings import settings

FILES = {
    "models/org/model": {
        "config.json": b'{"model_type": "gpt2"}',
        "model.safetensors": os.urandom(2 * LARGE),
        "tokenizer.json": b"{}",
        "tokenizer_config.json": b"{}",
        "README.md": b"",
    },
    "models/org/other": {"tokenizer.json": b"{}", "tokenizer_config.json": b"{}"},
    "datasets/org/data": {"data/train.parquet": b"x", "README.md": b"", ".gitattributes": b""},
}
MODEL = Wanted("model", "org/model", "", weights=True)


class Place:
    def __init__(self, address, folder):
        self.cache = folder / "hub"
        self.settings = settings(
            environ={
                **{"HOME": str(folder), "HF_ENDPOINT": address},
                **{"HF_HUB_CACHE": str(self.cache)},
            }
        )
        self.directory = RunDirectory(folder / "results")
        self.run = planned()
        self.inventory = take_inventory(wanted_by([self.run], self.settings), self.settings)
        fetch_before(self.inventory, self.settings, lambda told: None, lambda: True)

    def has(self, run=None, inventory=None, **changes):
        found = self.inventory if inventory is None else inventory
        cached = CachedRuns(found, replace(self.settings, **changes), self.directory)
        return cached.has(run or self.run)

    @property
    def model(self):
        return self.cache / "models--org--model"


def planned(backend="pytorch", **model):
    spec = builders.spec(
        model=ModelSpec(**{"id": "org/model", "processor": "org/other"} | model),
        samples=SampleSource(dataset_id="org/data"),
        backend=BackendSpec(name=backend),
    )
    return PlannedRun(config=None, spec=spec)


@pytest.fixture
def place(tmp_path):
    with serving(FileHub(FILES)) as hub:
        yield Place(hub.address, tmp_path)


def test_a_run_whose_model_processor_and_dataset_are_whole_asks_no_hub(place):
    assert place.has()


@pytest.mark.parametrize(
    "changes",
    [
        {"trust_remote_code": True},
        {"backend": "optimum"},
        {"backend": "vllm"},
        {"id": "org/never-asked-for"},
        {"revision": "another"},
        {"processor": "org/not-asked-for"},
    ],
)
def test_one_that_reads_or_does_more_asks(place, changes):
    assert not place.has(planned(**changes))


def test_nobody_is_spared_whom_nothing_is_known_of_or_who_could_not_be_tried_again(place):
    assert not place.has(inventory=Inventory())
    assert not place.has(detach=True)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("refs/main", "d" * 40),
        ("refs/main", None),
        (f"trees/{COMMIT}.json", None),
        (f"snapshots/{COMMIT}/model.safetensors", None),
        (f"snapshots/{COMMIT}/model.safetensors", "cut off"),
    ],
)
def test_what_has_changed_in_the_cache_since_is_noticed(place, path, content):
    (place.model / path).unlink()
    if content is not None:
        (place.model / path).write_text(content)
    assert not place.has()


def test_a_switch_of_the_tokenizer_that_the_hub_has_a_say_in_is_noticed(tmp_path):
    told = {"tokenizer_config.json": b'{"fix_mistral_regex": true}'}
    files = {**FILES, "models/org/other": FILES["models/org/other"] | told}
    with serving(FileHub(files)) as hub:
        assert not Place(hub.address, tmp_path).has()


@pytest.mark.parametrize(
    ("from_cache", "reason", "reads"),
    [
        (True, "model_unusable", False),
        (True, "samples_unusable", False),
        (True, "hub_unreachable", False),
        (True, "out_of_memory", True),
        (False, "model_unusable", True),
    ],
)
def test_a_run_that_could_not_be_loaded_from_the_cache_asks_the_next_time(
    place, from_cache, reason, reads
):
    outcome = Outcome(
        **{"run_id": place.run.run_id, "spec_hash": "", "outcome": "failed", "reason": reason},
        **{"error_message": "it broke", "engine": "process", "log_file": ""},
        finished_at=builders.NOW,
    )
    folder = place.directory.folder(place.run.run_id)
    launch = builders.launch(from_cache=from_cache)
    folder.prepare(place.run.spec, launch)
    folder.record(place.run.spec, launch, outcome)
    assert place.has() == reads


USUAL = [
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("model-00001-of-00001.safetensors", "model.safetensors.index.json", "chat_template.jinja"),
    *("README.md", "LICENSE", ".gitattributes", "USE_POLICY.md", "figures/speed.png"),
]


@pytest.mark.parametrize(
    "others",
    [
        (),
        ("pytorch_model.bin", "tf_model.h5", "model-q4.gguf", "training_args.bin"),
        ("original/params.json", "original/tokenizer.model", "metal/model.bin"),
        ("onnx/config.json", "onnx/model.onnx", "1_Pooling/config.json", "modules.json"),
    ],
)
def test_the_usual_repositories_are_loaded_alike(others):
    assert not hub_may_matter(MODEL, [*USUAL, *others])


@pytest.mark.parametrize(
    "other",
    [
        "adapter_config.json",
        "additional_chat_templates/tool.jinja",
        "custom_generate/generate.py",
        "qformer_tokenizer/tokenizer_config.json",
        "bpe.codes",
    ],
)
def test_a_file_that_a_library_looks_for_on_the_hub_makes_a_doubt(other):
    assert hub_may_matter(MODEL, [*USUAL, other])


def test_without_weights_or_a_whole_tokenizer_there_is_a_doubt():
    assert hub_may_matter(MODEL, ["config.json", "tokenizer.json", "own.safetensors"])
    assert hub_may_matter(MODEL, ["config.json", "model.safetensors", "vocab.json"])
    assert hub_may_matter(MODEL, ["config.json", "model.safetensors", "tekken.json"])
    assert not hub_may_matter(MODEL, ["config.json", "model.safetensors"])


def test_pipelines_and_datasets_are_loaded_alike_unless_they_are_programs():
    pipeline = ["model_index.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"]
    assert not hub_may_matter(MODEL, [*pipeline, "tokenizer/vocab.json", "scheduler/odd"])
    data = Wanted("dataset", "org/data", "", weights=False)
    assert not hub_may_matter(data, ["README.md", "data/train.parquet", ".gitattributes"])
    assert hub_may_matter(data, ["README.md", "data/train.parquet", "data.py"])
