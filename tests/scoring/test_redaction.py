"""Redacted bundles: nothing of the content is left, figures still verify, items open one by one."""

import json
import re
import stat

import pytest

from benchmark_core.energy_files import write_energy_files
from benchmark_core.report.run_report import RunReport
from scoring.submission.gathering import Wanted, gather
from scoring.submission.identity import Identity
from scoring.submission.submitting import Submission, write_bundle
from scoring.verification.bundle import verify_bundle
from tests.support.builders import NOW
from tests.support.forgery import codes, forged, members_of, write_members
from tests.support.recorded_run import Shape, rebuild, record_run
from tests.support.scoring_command import scoring

MODEL = "secretive/Unreleased-9B"
RUN = "secretive_Unreleased-9B_Off"
PROMPT = 'Be "brief",\nalways.'
OTHER = "secretive_Unreleased-70B_Off"
ERROR = "the model said: forty-two"


def opened(*arguments):
    return scoring("open", *arguments)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One run whose folder has something in every place that can be redacted."""
    results = tmp_path_factory.mktemp("redacted") / "results"
    folder = record_run(
        results, Shape(run_id=RUN, model=MODEL, samples=40, repetitions=3, seconds_per_sample=0.1)
    )
    report = folder / "benchmark_report.json"
    document = json.loads(report.read_text())
    document["reasoning"] |= {
        "system_message": PROMPT,
        "example_prompt": "Say it.",
        "family": "Fam1",
    }
    document["runs_beside"] = [OTHER, "org_x_Off"]
    document["verdict"] = {"verdict": "flagged", "reasons": ["other_runs_on_host"]}
    report.write_text(json.dumps(document))
    write_energy_files(folder, RunReport.model_validate(document))
    launch = json.loads((folder / "launch.json").read_text()) | {
        "runs_beside": [OTHER, "org_x_Off"]
    }
    (folder / "launch.json").write_text(json.dumps(launch))
    earlier = folder / "attempts" / "1"
    earlier.mkdir(parents=True)
    outcome = json.loads((folder / "outcome.json").read_text())
    outcome |= {"outcome": "failed", "error_message": ERROR, "log_tail": [f"{ERROR} again", "x"]}
    (earlier / "outcome.json").write_text(json.dumps(outcome))
    (folder / "power_trace.svg").write_text(f"<svg>{MODEL}</svg>")
    rebuild(results)
    return results


def bundle(results, out, *categories):
    wanted = Wanted(results, (RUN,), not_official=True, redact=frozenset(categories))
    gathered = gather(wanted, Identity())
    if not gathered.problems:
        submission = Submission(out, "Ann", NOW, redact=wanted.redact)
        assert write_bundle(submission, gathered).failed == []
    return gathered


ALL = ("prompts", "outputs", "model-config")


def test_nothing_of_what_is_redacted_is_left_and_the_figures_verify(results, tmp_path):
    out = tmp_path / "b.zip"
    assert bundle(results, out, *ALL).problems == []
    found = verify_bundle(out)
    assert found.failed == []
    assert {one.what for one in found.not_checked} >= {
        *("spec hash, and settings applied as asked", "deviations from the protocol")
    }
    assert not any("svg" in name for name in members_of(out))
    everything = out.name.encode() + b"".join(
        name.encode() + text for name, text in members_of(out).items()
    )
    for secret in (
        MODEL,
        RUN,
        OTHER,
        "Unreleased",
        "Fam1",
        "always",
        "Say it",
        "forty-two",
        "1" * 40,
    ):
        assert secret.encode() not in everything, secret
    # Energy, hardware and what else has to be disclosed stays in the open.
    for shown in (b"float16", b"NVIDIA H100", b"wh_per_1000_queries"):
        assert shown in everything


def test_each_item_opens_by_itself(results, tmp_path):
    out = tmp_path / "b.zip"
    bundle(results, out, *ALL)
    key = tmp_path / "b.zip.key.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    items = opened(out, "--key", key).stdout.splitlines()
    assert "run_spec.json:model.id" in items
    assert "log" in items
    assert "attempts/1/outcome.json:log_tail.0" in items
    one = tmp_path / "one.json"
    item = "run_spec.json:model.id"
    done = opened(out, "--key", key, "--item", item, "--out", one)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == [MODEL]
    assert MODEL in one.read_text()
    assert "always" not in one.read_text()
    assert opened(out, "--key", one, "--item", item).returncode == 0
    # The key file itself is never replaced by a single key.
    whole = key.read_bytes()
    for place in (key, one):
        again = opened(out, "--key", key, "--item", item, "--out", place)
        assert (again.returncode, "is there already" in again.stderr) == (2, True)
    assert key.read_bytes() == whole
    refused = opened(out, "--key", one, "--item", "log")
    assert (refused.returncode, "is not in the key file" in refused.stderr) == (2, True)
    document = json.loads(one.read_text())
    (only,) = document["items"].values()
    only["value"] = "other/model"
    one.write_text(json.dumps(document))
    assert opened(out, "--key", one, "--item", item).returncode == 1
    one.write_text("{}")
    assert opened(out, "--key", one, "--item", item).returncode == 2


def test_the_same_value_has_another_seal_in_another_bundle(results, tmp_path):
    seals = []
    for name in ("one.zip", "two.zip"):
        bundle(results, tmp_path / name, "prompts")
        manifest = json.loads(members_of(tmp_path / name)["manifest.json"])
        assert manifest["redacted"] == ["prompts"]
        seals.append(manifest["seals"]["benchmark_report.json:reasoning.system_message"])
    assert re.fullmatch(r"sha256-[0-9a-f]{64}", seals[0])
    assert seals[0] != seals[1]


def test_one_category_leaves_the_others_in_the_open(results, tmp_path):
    out = tmp_path / "b.zip"
    bundle(results, out, "outputs")
    members = members_of(out)
    everything = b"".join(members.values())
    assert b"forty-two" not in everything
    assert MODEL.encode() in everything
    (log,) = (text for name, text in members.items() if name.startswith("logs/"))
    assert re.fullmatch(rb"sha256-[0-9a-f]{64}\n", log)
    assert verify_bundle(out).failed == []


def test_what_still_shows_a_sealed_value_is_refused(results, tmp_path):
    (log,) = (results / "logs").iterdir()
    text = log.read_text()
    log.write_text(f"prompt: {PROMPT}\n")
    try:
        (problem,) = bundle(results, tmp_path / "b.zip", "prompts").problems
        assert "log: still shows benchmark_report.json:reasoning.system_message" in problem
        assert not (tmp_path / "b.zip").exists()
        assert bundle(results, tmp_path / "b.zip", "prompts", "outputs").problems == []
        emissions = results / "individual_runs" / RUN / "emissions" / "notes.csv"
        emissions.write_text("Unreleased-9B")
        (problem,) = bundle(results, tmp_path / "c.zip", *ALL).problems
        assert "notes.csv: still shows run_spec.json:model.id" in problem
        emissions.unlink()
    finally:
        log.write_text(text)


def test_figures_of_a_redacted_bundle_cannot_be_changed(results, tmp_path):
    out = tmp_path / "b.zip"
    bundle(results, out, *ALL)
    members = members_of(out)
    (name,) = (name for name in members if name.endswith("benchmark_report.json"))
    report = json.loads(members[name])
    report["summary"]["wh_per_1000_queries"] /= 2
    changed = {**members, name: json.dumps(report).encode()}
    path = write_members(tmp_path / "forged.zip", forged(changed))
    assert codes(path) == {"summary_differs", "row_differs"}


def test_files_whose_content_is_not_known_are_not_redacted(results, tmp_path):
    folder = results / "individual_runs" / RUN / "optimum" / "1"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("{}")
    try:
        (problem,) = bundle(results, tmp_path / "b.zip", "prompts").problems
        assert "does not know what stands in the files of optimum-benchmark" in problem
    finally:
        (folder / "report.json").unlink()
        folder.rmdir()
        folder.parent.rmdir()
