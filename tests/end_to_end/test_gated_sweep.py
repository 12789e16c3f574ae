"""A model that the hub refuses fails its own row, soon and with a reason; the others go on."""

import json

import pytest

from tests.support.hub_server import knowing_hub
from tests.support.runner import ROOT, batch, table
from tests.support.tiny_hub import GPT2, built_hub, snapshot  # noqa: F401

HEADER = "Models to Add,Priority (1=hi),Class,Task,Reasoning State,Chat Template\n"
REFUSED = {"org/gated": (403, "GatedRepo")}


@pytest.fixture(scope="module")
def sweep(built_hub, tmp_path_factory):  # noqa: F811
    """The finished sweep and its folder."""
    folder = tmp_path_factory.mktemp("gated sweep")
    rows = "".join(f"{name},1,A,text_gen,Off,\n" for name in ("org/gated", GPT2))
    (folder / "models.csv").write_text(HEADER + rows)
    commits = {f"models/{GPT2}": snapshot(built_hub, GPT2).name, "models/org/gated": "1" * 40}
    with knowing_hub(commits, REFUSED) as address:
        done = batch(
            *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--num-prompts", "2"),
            *("--engine", "process", "--device", "cpu", "--repetitions", "1"),
            cwd=folder,
            HF_ENDPOINT=address,
            HF_HUB_CACHE=str(built_hub),
            HOME=str(folder),
            OMP_NUM_THREADS="1",
        )
    return done, folder


def test_refused_rows_are_warned_of_and_fail_alone(sweep):
    done, folder = sweep
    assert done.returncode == 1, done.stdout + done.stderr
    assert "warning: models.csv, line 2: model org/gated is gated" in done.stdout
    rows = table(folder / "batch_results")
    assert {run_id: row["outcome"] for run_id, row in rows.items()} == {
        "org_gated_Off": "failed",
        "demo_tiny-gpt2-reasoner_Off": "finished",
    }
    gated = rows["org_gated_Off"]["error_message"]
    assert gated.startswith("model_unusable: model org/gated is gated: the hub refused access")
    assert "Accept its terms" in gated


def test_a_refused_row_ends_before_anything_is_measured(sweep):
    _, folder = sweep
    run = folder / "batch_results/individual_runs/org_gated_Off"
    report = json.loads((run / "benchmark_report.json").read_text())
    assert report["repetitions"] == []
    assert not (run / "benchmark_results.csv").exists()
