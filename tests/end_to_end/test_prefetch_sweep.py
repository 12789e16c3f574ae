"""A sweep that begins with an empty cache, is stopped while it downloads, and starts again."""

import signal

import pytest

from demo.tiny_models import build_hub
from tests.support.file_hub import FileHub, of_cache, serving
from tests.support.runner import ROOT, batch, start, table, wait_for

LLAMA = "models/demo/tiny-llama-reasoner"
OFF = "demo_tiny-llama-reasoner_Off"
ROW = (
    *("--csv", str(ROOT / "demo/catalog.csv"), "--task", "text_gen", "--model-name", "llama"),
    *("--reasoning-state", "Off", "--prompts-file", str(ROOT / "demo/prompts.jsonl")),
    *("--num-prompts", "2", "--repetitions", "1", "--engine", "process", "--device", "cpu"),
    *("--output-dir", "results"),
)


@pytest.fixture
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build_hub(folder)
    whole = of_cache(folder)
    with serving(FileHub({LLAMA: whole.repositories[LLAMA]}, whole.commits)) as hub:
        yield hub


def test_ctrl_c_while_it_downloads_loses_nothing_and_the_next_start_measures(hub, tmp_path):
    cache = tmp_path / "hub"
    variables = {
        **{"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(cache)},
        **{"HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"},
    }
    hub.holds = True
    runner = start(*ROW, cwd=tmp_path, **variables)
    # Half of the weights came; of the rest, only what is whole by then need not come twice.
    wait_for(lambda: hub.held.is_set() and list(cache.rglob("config.json")))
    runner.send_signal(signal.SIGINT)
    output, _ = runner.communicate(timeout=60)
    assert runner.returncode == 130, output
    assert "starting" not in output
    assert list(cache.rglob("*.incomplete")) == []
    hub.holds = False
    hub.over.set()
    done = batch(*ROW, cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "downloaded model demo/tiny-llama-reasoner" in done.stdout
    assert table(tmp_path / "results")[OFF]["total_completion_tokens"] == "20"
    names = [path.rpartition("/")[2] for path in hub.downloads]
    assert names.count("model.safetensors") == 2
    assert names.count("config.json") == 1
