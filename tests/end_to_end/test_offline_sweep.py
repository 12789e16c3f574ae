"""Without a network: what is in the cache is measured, what is not fails its row and says so."""

import pytest

from tests.support.hub_server import knowing_hub
from tests.support.runner import ROOT, batch, table
from tests.support.tiny_hub import GPT2, built_hub  # noqa: F401

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
FLAGS = (
    *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--num-prompts", "2"),
    *("--engine", "process", "--device", "cpu", "--repetitions", "1"),
)


@pytest.fixture(scope="module")
def sweep(built_hub, tmp_path_factory):  # noqa: F811
    """Offline by the `.env` file alone; a hub that would answer, and what it was sent."""
    folder = tmp_path_factory.mktemp("offline sweep")
    rows = "".join(f"{name},1,A,text_gen,Off,\n" for name in ("demo/absent", GPT2))
    (folder / "models.csv").write_text(HEADER + rows)
    (folder / ".env").write_text(f"HF_HUB_OFFLINE=true\nHF_HUB_CACHE={built_hub}\n")
    seen = []
    commits = {"models/demo/absent": "1" * 40, f"models/{GPT2}": "2" * 40}
    with knowing_hub(commits, seen=seen) as address:
        done = batch(*FLAGS, cwd=folder, HF_ENDPOINT=address, OMP_NUM_THREADS="1")
    return done, folder, seen


def test_nobody_is_asked(sweep):
    done, _, seen = sweep
    assert done.returncode == 1, done.stdout + done.stderr
    assert seen == []


def test_what_is_cached_is_measured(sweep):
    _, folder, _ = sweep
    row = table(folder / "batch_results")["demo_tiny-gpt2-reasoner_Off"]
    assert (row["outcome"], row["error_message"]) == ("finished", "")
    assert row["total_completion_tokens"] == "20"


def test_what_is_not_cached_is_warned_of_and_fails_its_row_with_the_remedy(sweep):
    done, folder, _ = sweep
    assert "warning: models.csv, line 2: model demo/absent is not in the cache" in done.stdout
    row = table(folder / "batch_results")["demo_absent_Off"]
    assert row["outcome"] == "failed"
    assert row["error_message"].startswith("hub_unreachable: model demo/absent")
    assert "is not in the local cache" in row["error_message"]
    assert "HF_HUB_OFFLINE=1" in row["error_message"]
