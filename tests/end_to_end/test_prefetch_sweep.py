"""Sweeps that begin with an empty cache: what they download, and what they ask for afterwards."""

import io
import json
import signal

import pyarrow
import pytest
from pyarrow import parquet

from demo.tiny_models import build_hub
from tests.support.file_hub import FileHub, of_cache, serving
from tests.support.runner import ROOT, batch, start, table, wait_for

LLAMA = "models/demo/tiny-llama-reasoner"
TEXTS = "datasets/AIEnergyScore/text_generation"
OFF = "demo_tiny-llama-reasoner_Off"
ROW = (
    *("--csv", str(ROOT / "demo/catalog.csv"), "--task", "text_gen", "--model-name", "llama"),
    *("--reasoning-state", "Off", "--num-prompts", "2", "--repetitions", "1"),
    *("--engine", "process", "--device", "cpu", "--output-dir", "results"),
)
OWN = (*ROW, "--prompts-file", str(ROOT / "demo/prompts.jsonl"))


@pytest.fixture
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build_hub(folder)
    whole = of_cache(folder)
    texts = {"README.md": b"---\n---\n", "data/train-00000-of-00001.parquet": prompts(20)}
    repositories = {LLAMA: whole.repositories[LLAMA], TEXTS: texts}
    with serving(FileHub(repositories, whole.commits)) as hub:
        yield hub


def prompts(count):
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": [f"Say {n}." for n in range(count)]}), stream)
    return stream.getvalue()


def variables(hub, place):
    return {
        **{"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"},
        **{"HF_HUB_CACHE": str(place / "hub"), "HF_DATASETS_CACHE": str(place / "tables")},
    }


def ending(runner):
    output, _ = runner.communicate(timeout=120)
    assert runner.returncode == 0, output
    return output


def launched_from_cache(folder):
    return json.loads((folder / "launch.json").read_text())["from_cache"]


def test_ctrl_c_while_it_downloads_loses_nothing_and_the_next_start_measures(hub, tmp_path):
    cache = tmp_path / "hub"
    hub.holds = True
    runner = start(*OWN, cwd=tmp_path, **variables(hub, tmp_path))
    # Half of the weights came; of the rest, only what is whole by then need not come twice.
    wait_for(lambda: hub.held.is_set() and list(cache.rglob("config.json")))
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert "starting" not in output
    assert list(cache.rglob("*.incomplete")) == []
    hub.holds = False
    hub.over.set()
    done = batch(*OWN, cwd=tmp_path, **variables(hub, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "downloaded model demo/tiny-llama-reasoner" in done.stdout
    assert table(tmp_path / "results")[OFF]["total_completion_tokens"] == "20"
    names = [path.rpartition("/")[2] for path in hub.downloads]
    assert names.count("model.safetensors") == 2
    assert names.count("config.json") == 1


def test_what_was_fetched_beforehand_is_run_without_a_question_to_the_hub(hub, tmp_path):
    """The first load of the dataset too, whose tables nobody has made yet."""
    runner = start(*ROW, cwd=tmp_path, **variables(hub, tmp_path))
    results = tmp_path / "results"
    wait_for(lambda: list(results.glob("individual_runs/*/launch.json")))
    asked = len(hub.seen)
    ending(runner)
    assert hub.seen[asked:] == []
    row = table(results)[OFF]
    assert (row["outcome"], row["attempts"]) == ("finished", "1")
    assert row["total_completion_tokens"] == "20"
    assert row["model_commit"] == hub.commit(LLAMA)
    assert row["dataset_commit"] == hub.commit(TEXTS)
    assert launched_from_cache(results / "individual_runs" / OFF)
    # Whoever downloads for itself asks, and measures the same samples.
    online = (*ROW, "--prefetch", "off", "--output-dir", "online")
    done = batch(*online, cwd=tmp_path, **variables(hub, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(hub.seen) > asked
    assert not launched_from_cache(tmp_path / "online/individual_runs" / OFF)
    again = table(tmp_path / "online")[OFF]
    same = ("model_commit", "dataset_commit", "total_prompt_tokens", "total_completion_tokens")
    assert {name: again[name] for name in same} == {name: row[name] for name in same}


def test_a_file_that_nobody_foresaw_costs_a_try_and_not_the_run(hub, tmp_path):
    files = hub.repositories[LLAMA]
    config = json.loads(files["config.json"]) | {"transformers_weights": "own.safetensors"}
    files["own.safetensors"] = files["model.safetensors"]
    files["config.json"] = json.dumps(config).encode()
    settings = variables(hub, tmp_path)
    output = ending(start(*OWN, "--retries", "0", cwd=tmp_path, **settings))
    assert "tried again now" in output
    row = table(tmp_path / "results")[OFF]
    assert (row["outcome"], row["attempts"]) == ("finished", "2")
    folder = tmp_path / "results/individual_runs" / OFF
    assert launched_from_cache(folder / "attempts/1")
    assert not launched_from_cache(folder)
