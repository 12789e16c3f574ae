"""A lock file keeps the rows of a catalog on the commits they had when it was written."""

import dataclasses
import json

import pytest

from benchmark_core.contract import RunSpec
from demo.tiny_models import build_hub
from orchestrator.batch import run_batch
from orchestrator.errors import HostError, UsageError
from tests.support import catalogs
from tests.support.hub_server import knowing_hub
from tests.support.runner import ROOT, batch, table
from tests.support.settings import settings

TEXTS = "AIEnergyScore/text_generation"
ROWS = ("org/one,1,A,text_gen,Off,,", "org/one,1,A,text_gen,On,,", "org/two,1,A,text_gen,Off,,v1")
PINNED = "org/three,1,A,text_gen,Off,," + "c" * 40
HUB = {
    "models/org/one": "1" * 40,
    "models/org/two/revision/v1": "2" * 40,
    f"datasets/{TEXTS}": "d" * 40,
}


@pytest.fixture
def plan(tmp_path, capsys):
    """Plans the catalog against a hub that knows these commits; gives the parsed preview."""
    catalog = catalogs.write(
        tmp_path / "mine.csv", *ROWS, PINNED, header=f"{catalogs.HEADER},Revision"
    )

    def run(*flags, hub=HUB, **changes):
        with knowing_hub(hub) as address:
            made = settings(
                *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
                *("--device", "cpu", "--engine", "process", *flags),
                environ={"HOME": str(tmp_path), "HF_ENDPOINT": address},
            )
            made = dataclasses.replace(made, **changes)
            assert run_batch(made, dry_run=True, as_json=True) == 0
        return json.loads(capsys.readouterr().out)

    return run


def revisions(preview):
    """Of each run, in order: its name up to its hash, its model's and its dataset's revision."""
    specs = [RunSpec.model_validate(run["spec"]) for run in preview["runs"]]
    return [(spec.run_id, spec.model.revision, spec.samples.dataset_revision) for spec in specs]


def lock_of(tmp_path):
    return json.loads((tmp_path / "mine.lock.json").read_text())


def test_without_a_lock_a_plan_asks_no_hub_and_pins_nothing(plan, tmp_path):
    found = revisions(plan(hub={}))
    assert [(model, dataset) for _, model, dataset in found] == [
        (None, None),
        (None, None),
        ("v1", None),
        ("c" * 40, None),
    ]
    assert not (tmp_path / "mine.lock.json").exists()


def test_what_is_locked_holds_for_every_later_plan(plan, tmp_path):
    names = [name for name, _, _ in revisions(plan(hub={}))]
    locked = revisions(plan("--lock"))
    assert locked == [
        (names[0], "1" * 40, "d" * 40),
        (names[1], "1" * 40, "d" * 40),
        (names[2], "2" * 40, "d" * 40),
        (names[3], "c" * 40, "d" * 40),
    ]
    assert lock_of(tmp_path) == {
        "schema_version": 1,
        "models": {"org/one": "1" * 40, "org/two@v1": "2" * 40},
        "datasets": {TEXTS: "d" * 40},
    }
    assert revisions(plan(hub={})) == locked


def test_rows_on_a_server_of_our_own_are_never_pinned_to_a_commit_of_their_model(plan, tmp_path):
    """Their reports tell of no commit, so a run that asks for one could only fail."""
    served = ("--backend", "vllm", "--serve-image", "some/image:1")
    data = f"datasets/{TEXTS}"
    plan("--lock")
    kept = revisions(plan(*served, hub={}))
    (tmp_path / "mine.lock.json").unlink()
    renewed = revisions(plan("--lock", *served, hub={data: HUB[data]}))
    assert [found[1:] for found in kept] == [(None, "d" * 40)] * 2
    assert renewed == kept
    assert lock_of(tmp_path)["models"] == {}


def test_a_lock_of_some_rows_leaves_the_others_as_they_were(plan, tmp_path):
    plan("--lock")
    moved = {"models/org/one": "9" * 40, f"datasets/{TEXTS}": "e" * 40}
    plan("--lock", "--model-name", "org/one", hub=moved)
    assert lock_of(tmp_path)["models"] == {"org/one": "9" * 40, "org/two@v1": "2" * 40}
    assert lock_of(tmp_path)["datasets"] == {TEXTS: "e" * 40}


def test_rows_that_a_lock_does_not_know_are_named(plan):
    plan("--lock", "--model-name", "org/one")
    warnings = [item["what"] for item in plan(hub={})["warnings"]]
    assert "locks no commit of model org/two@v1" in warnings
    plan("--lock")
    assert not [item for item in plan(hub={})["warnings"] if "locks no" in item["what"]]


def test_all_that_has_no_commit_is_told_and_nothing_is_written(plan, tmp_path):
    with pytest.raises(UsageError) as caught:
        plan("--lock", hub={"models/org/one": "1" * 40})
    assert [(problem.where, problem.what) for problem in caught.value.problems] == [
        (f"dataset {TEXTS}", "is not on the hub, or is private (401 or 404)"),
        ("model org/two@v1", "has no such revision"),
    ]
    assert not (tmp_path / "mine.lock.json").exists()


def test_a_hub_that_cannot_be_asked_is_a_trouble_of_the_host(plan, tmp_path):
    with pytest.raises(HostError) as caught:
        plan("--lock", offline=True, hub_cache=tmp_path / "empty")
    assert len(caught.value.problems) == 3
    assert "local cache" in caught.value.problems[0].what


@pytest.mark.parametrize(
    "text", ["{", '{"schema_version": 1, "models": {"org/one": "main"}, "datasets": {}}', "[]"]
)
def test_a_damaged_lock_is_refused_with_the_remedy(plan, tmp_path, text):
    (tmp_path / "mine.lock.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        plan()
    assert "mine.lock.json" in str(caught.value)
    assert "--lock" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(plan, tmp_path):
    (tmp_path / "mine.lock.json").mkdir()
    with pytest.raises(UsageError) as caught:
        plan("--lock")
    assert "mine.lock.json" in str(caught.value)


def test_a_locked_row_is_measured_on_its_commit(tmp_path):
    """With the demo's models in a cache, as a machine without the hub has them."""
    hub = tmp_path / "hub"
    build_hub(hub)
    flags = (
        *("--csv", "catalog.csv", "--prompts-file", str(ROOT / "demo/prompts.jsonl")),
        *("--model-name", "gpt2", "--reasoning-state", "Off", "--num-prompts", "2"),
        *("--engine", "process", "--device", "cpu", "--repetitions", "1", "--output-dir", "out"),
    )
    (tmp_path / "catalog.csv").write_text((ROOT / "demo/catalog.csv").read_text())
    environment = {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = batch(*flags, "--lock", cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    models = json.loads((tmp_path / "catalog.lock.json").read_text())["models"]
    (row,) = table(tmp_path / "out").values()
    assert models == {"demo/tiny-gpt2-reasoner": row["model_commit"]}
    spec = RunSpec.read(tmp_path / "out/individual_runs" / row["run_id"] / "run_spec.json")
    assert spec.model.revision == row["model_commit"]
