"""The command `submit`: what it takes, what it refuses, and that it writes whole files or none."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta

import pytest

from benchmark_core.contract import RUN_ENTRIES, BackendSpec
from scoring.bundles import terms
from scoring.bundles.run_members import FILES, FOLDERS
from scoring.errors import ScoringError
from scoring.submission.gathering import Wanted, gather
from scoring.submission.identity import Identity
from scoring.submission.run_files import OF_THE_PLACE
from scoring.submission.submitting import Submission, write_bundle
from tests.support.builders import NOW
from tests.support.forgery import members_of
from tests.support.recorded_run import Shape, record_run
from tests.support.runner import ROOT
from tests.support.scoring_command import scoring

NOBODY = Identity()
SMALL = {"samples": 20, "repetitions": 3}


def submit(*arguments, **changes):
    return scoring("submit", *arguments, **changes)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """An official run, and two that are not."""
    results = tmp_path_factory.mktemp("recorded") / "results"
    record_run(results)
    record_run(results, Shape(run_id="org_small_Off", model="org/small", **SMALL))
    record_run(results, Shape(run_id="org_other_Off", model="org/other", **SMALL))
    return results


@pytest.fixture
def results(recorded, tmp_path):
    return shutil.copytree(recorded, tmp_path / "results")


def problems(results, *run_ids, identity=NOBODY, **changes):
    return gather(Wanted(results, run_ids, **changes), identity).problems


def test_without_the_terms_they_are_shown_and_nothing_is_written(results, tmp_path):
    out = tmp_path / "out.zip"
    done = submit(results, "--run", "org_model_Off", "--out", out)
    assert done.returncode == 2
    assert all(point in done.stderr for point in terms.POINTS.values())
    assert not out.exists()


NAMES = {"blank": "   ", "no UTF-8": b"Ann \xff", "control": "Ann\x1b[31m", "long": "A" * 201}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_accepts_nothing(results, tmp_path, name):
    flags = ("--run", "org_model_Off", "--out", tmp_path / "out.zip", "--accept-terms")
    done = subprocess.run(
        [sys.executable, "-m", "scoring", "submit", results, *flags, NAMES[name]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "--accept-terms" in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-01-02T03:04:05", "2026-01-02T03:04+02:00"]
)
def test_terms_are_accepted_at_a_moment_of_utc(tmp_path, moment):
    with pytest.raises(ScoringError, match="accepted_at"):
        Submission(tmp_path / "out.zip", "Ann", moment).check()


def test_nothing_that_is_there_is_lost(results, tmp_path):
    out, key = tmp_path / "out.zip", tmp_path / "out.zip.key.json"
    flags = ("--out", out, "--accept-terms", "Ann", "--redact", "outputs", "--not-official")
    for there in (out, key):
        there.write_text("what was there")
        # Before anything is read, so the run that is none is not told.
        done = submit(tmp_path, "--run", "nobody", *flags)
        assert (done.returncode, f"{there}: is there already" in done.stderr) == (2, True)
        assert there.read_text() == "what was there"
        there.unlink()
    # The bundle cannot be put in its place, so the key that was there stays.
    (out / "inside").mkdir(parents=True)
    key.write_text("what was there")
    done = submit(results, "--run", "org_small_Off", *flags, "--replace")
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True), done.stderr
    assert key.read_text() == "what was there"
    key.unlink()
    done = submit(results, "--run", "org_small_Off", *flags, "--replace")
    assert done.returncode == 2
    assert not key.exists()
    (out / "inside").rmdir()
    out.rmdir()
    assert submit(results, "--run", "org_small_Off", *flags).returncode == 0
    earlier = key.read_bytes()
    assert submit(results, "--run", "org_small_Off", *flags, "--replace").returncode == 0
    assert key.read_bytes() != earlier
    assert sorted(one.name for one in tmp_path.iterdir()) == [out.name, key.name, "results"]


def test_an_official_run_is_bundled_whole(results, tmp_path):
    out = tmp_path / "out.zip"
    flags = ("--run", "org_model_Off", "--out", out, "--accept-terms", "Ann  Example")
    done = submit(results, *flags)
    assert done.returncode == 0, done.stderr
    assert "1 run, 11 files, verified" in done.stdout
    members = members_of(out)
    manifest = json.loads(members["manifest.json"])
    assert manifest["terms"]["name"] == "Ann Example"
    assert manifest["terms"]["points"] == list(terms.POINTS)
    wording = hashlib.sha256(terms.text().encode()).hexdigest()
    assert manifest["terms"]["wording_sha256"] == wording
    assert datetime.fromisoformat(manifest["terms"]["accepted_at"]).utcoffset() == timedelta(0)
    assert manifest["rehearsal"] is False
    folder = results / "individual_runs" / "org_model_Off"
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        assert members[f"runs/org_model_Off/{name}"] == path.read_bytes()
    (log,) = (name for name in members if name.startswith("logs/org_model"))
    assert members[log] == (results / log).read_bytes()
    header, line = members["master_results.csv"].splitlines()
    assert {header, line} < set((results / "master_results.csv").read_bytes().splitlines())
    with zipfile.ZipFile(out) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.zip", "results"]


def test_every_entry_of_a_run_folder_is_evidence_or_of_its_place():
    assert {*FILES, *FOLDERS, *OF_THE_PLACE} == set(RUN_ENTRIES)


def test_what_is_not_official_is_refused_unless_told(results):
    (problem,) = problems(results, "org_small_Off")
    assert "did not keep to the official protocol (samples: asked 1000 vs found 20" in problem
    assert problems(results, "org_small_Off", not_official=True) == []
    report = results / "individual_runs" / "org_small_Off" / "benchmark_report.json"
    text = report.read_text()
    report.write_text(text.replace('"verdict": "valid"', '"verdict": "flagged"'))
    assert "its verdict is not valid" in problems(results, "org_small_Off")[0]
    report.write_text(text.replace('"rehearsal": false', '"rehearsal": true'))
    assert "it is a rehearsal" in problems(results, "org_small_Off")[0]


def test_all_problems_are_told_at_once(results):
    runs = results / "individual_runs"
    (runs / "org_small_Off" / "launch.json").unlink()
    outcome = runs / "org_other_Off" / "outcome.json"
    outcome.write_text(outcome.read_text().replace('"finished"', '"failed"'))
    told = problems(results, "org_small_Off", "org_other_Off", "nobody", "../up")
    assert [line.split(":")[0] for line in told] == [
        *("org_small_Off", "org_other_Off", "nobody", "../up")
    ]
    assert "launch.json is missing" in told[0]
    assert "its outcome is failed, and only finished runs can be submitted" in told[1]
    outcome.write_text("{")
    assert "cannot be read" in problems(results, "org_other_Off")[0]


def test_links_are_refused_and_other_files_stay_out(results, tmp_path):
    folder = results / "individual_runs" / "org_model_Off"
    (folder / "notes.txt").write_text("mine")
    (folder / "process.json").write_text("{}")
    gathered = gather(Wanted(results, ("org_model_Off",)), NOBODY)
    assert gathered.problems == []
    assert any("left out: notes.txt" in notice for notice in gathered.notices)
    assert not any("notes" in one.name or "process" in one.name for one in gathered.contents)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "emissions.csv").write_text("secret")
    shutil.rmtree(folder / "emissions")
    (folder / "emissions").symlink_to(tmp_path / "elsewhere")
    assert problems(results, "org_model_Off") == ["org_model_Off: emissions is no plain file"]
    (folder / "emissions").unlink()
    trace = folder / "power_trace.csv"
    trace.rename(tmp_path / "trace.csv")
    trace.symlink_to(tmp_path / "trace.csv")
    assert problems(results, "org_model_Off") == ["org_model_Off: power_trace.csv is no plain file"]


def test_a_run_that_would_not_be_verified_is_not_written(results, tmp_path):
    report = results / "individual_runs" / "org_model_Off" / "benchmark_report.json"
    document = json.loads(report.read_text())
    document["summary"]["wh_per_1000_queries"] /= 2
    report.write_text(json.dumps(document))
    out = tmp_path / "out.zip"
    out.write_text("what was there")
    flags = ("--out", out, "--accept-terms", "Ann", "--replace")
    done = submit(results, "--run", "org_model_Off", *flags)
    assert done.returncode == 2
    assert "summary_differs: " in done.stderr
    assert "row_differs: " in done.stderr
    assert out.read_text() == "what was there"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.zip", "results"]


def test_the_same_runs_name_and_time_give_the_same_bytes(results, tmp_path):
    made = []
    for name in ("one.zip", "two.zip"):
        gathered = gather(
            Wanted(results, ("org_small_Off", "org_other_Off"), not_official=True), NOBODY
        )
        found = write_bundle(Submission(tmp_path / name, "Ann", NOW), gathered)
        assert found.failed == []
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


ODD = {
    "slower": ({"seconds_per_sample": 0.1}, "valid", set()),
    "no power": ({"has_power": False}, "flagged", set()),
    "no counter": ({"has_counter": False}, "flagged", set()),
    "a hole": (
        {"hole": (5.0, 6.5)},
        "flagged",
        {"GPU energy of generate 1, preprocess 2, prefill 2"},
    ),
    "very short": ({"seconds_per_sample": 0.001}, "valid", set()),
}


@pytest.mark.parametrize("name", ODD)
def test_honest_runs_of_odd_meters_are_verified(tmp_path, name):
    shape, verdict, not_checked = ODD[name]
    folder = record_run(tmp_path, Shape(**{**SMALL, "samples": 60} | shape))
    report = json.loads((folder / "benchmark_report.json").read_text())
    assert report["verdict"]["verdict"] == verdict
    gathered = gather(Wanted(tmp_path, ("org_model_Off",), not_official=True), NOBODY)
    found = write_bundle(Submission(tmp_path / "out.zip", "Ann", NOW), gathered)
    assert found.failed == []
    assert {one.what for one in found.not_checked} == {"who made the bundle", "stars"} | not_checked


def test_earlier_attempts_are_bundled_by_how_they_ended(results, tmp_path):
    folder = results / "individual_runs" / "org_model_Off"
    earlier = folder / "attempts" / "1"
    earlier.mkdir(parents=True)
    outcome = (folder / "outcome.json").read_text()
    (earlier / "outcome.json").write_text(outcome)
    (earlier / "power_trace.csv").write_text("a large one")
    gathered = gather(Wanted(results, ("org_model_Off",)), NOBODY)
    names = [one.name for one in gathered.contents if "attempts" in one.name]
    assert names == ["runs/org_model_Off/attempts/1/outcome.json"]


def test_an_out_that_cannot_be_written_is_told(results, tmp_path):
    done = submit(
        *(results, "--run", "org_model_Off", "--accept-terms", "Ann"),
        *("--out", tmp_path / "no" / "such" / "out.zip"),
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------ who and where

TOKENS = {
    "hf_" + "a1B2" * 8: "a token of the hub",
    "sk-proj-" + "a1B2" * 8: "a secret key (sk-...)",
    "AKIA" + "A1B2" * 4: "an AWS key",
    "aws_secret_access_key = " + "a/b+" * 10: "an AWS secret",
    "api_org_" + "aBcD" * 8: "a token of the hub",
    "ghp_" + "a1B2" * 9: "a token of GitHub",
    "ghr_" + "a1B2" * 9: "a token of GitHub",
    "glpat-" + "a1B2" * 5: "a token of GitLab",
    "AIza" + "a1B2-" * 7: "a key of Google",
    "xoxb-" + "1234-" * 4 + "a1B2": "a token of Slack",
    "xoxp-" + "1234-" * 4 + "a1B2": "a token of Slack",
    "-----BEGIN OPENSSH PRIVATE KEY-----": "a private key",
    "https://ann:pass@host/": "a password in an address",
    "node7-h100": "a machine's host name",
    "NODE7-H100": "a machine's host name",
    "node7-h100.cluster.example": "a machine's host name",
    "ann.example": "a user's name",
    "/data/ann.example/x": "a user's home folder",
}
ANN = Identity.of({"node7-h100.cluster.example"}, {"ann.example"}, {"/data/ann.example"})


@pytest.mark.parametrize("text", TOKENS)
def test_what_names_the_user_or_is_a_secret_is_found_and_never_shown(results, text):
    (log,) = (results / "logs").glob("org_model_*.log")
    # Over the edge of a block, too.
    log.write_text("first\n" + "x" * (2**20 - 12) + f"\nsee {text} there\n")
    told = problems(results, "org_model_Off", identity=ANN)
    assert any(f"{log.name}, line 3: holds {TOKENS[text]};" in line for line in told)
    assert all(text not in line for line in told)
    assert all(text.split()[-1] not in line for line in told)


@pytest.mark.parametrize(
    "text", ["node7-h1000", "ann.example2", "hf_transfer", "task-a1B2a1B2a1B2"]
)
def test_words_that_only_look_alike_are_no_hindrance(results, text):
    (log,) = (results / "logs").glob("org_model_*.log")
    log.write_text(f"see {text} there\n")
    assert problems(results, "org_model_Off", identity=ANN) == []


def test_the_check_knows_this_machine():
    assert Identity.here().hosts
    nobody = Identity.of({"localhost", "127.0.0.1", "H100"}, {"root", "ubuntu"}, {"/root"})
    assert nobody == Identity()


RECORDS = {
    "job.json": ({"owner": {"host": "login1.cluster.example"}}, "on LOGIN1 now"),
    "lease.json": ({"node": "gpu-node-17"}, "on gpu-node-17 now"),
    "attempts/1/lease.json": ({"node": "gpu-node-16"}, "on gpu-node-16 now"),
    "process.json": ({"owner_host": "workstation-4"}, "on workstation-4 now"),
    "job.json ": ({"output_dir": "/shared/home/bookworm/results"}, "by bookworm"),
    "../../sweep.json": ({"host": "login2", "command": ["--x=/home/carla/x"]}, "at /home/carla/y"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_bundle_made_elsewhere_does_not_name_where_the_run_was(results, name):
    folder = results / "individual_runs" / "org_model_Off"
    record, said = RECORDS[name]
    (log,) = (results / "logs").glob("org_model_*.log")
    log.write_text(f"first\n{said}\n")
    assert problems(results, "org_model_Off") == []
    path = folder / name.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    told = problems(results, "org_model_Off")
    assert told
    assert all(f"{log.name}, line 2: holds a " in line for line in told)
    path.write_text("{ damaged")
    assert problems(results, "org_model_Off") == []


def test_the_name_of_a_file_names_nobody_either(results):
    emissions = results / "individual_runs" / "org_model_Off" / "emissions"
    (emissions / "by_node7-h100.csv").write_text("1\n")
    (problem,) = problems(results, "org_model_Off", identity=ANN)
    assert "by_node7-h100.csv, its name: holds a machine's host name" in problem


def test_the_address_of_a_server_is_sealed_or_refused(tmp_path):
    changes = {"backend": BackendSpec(name="vllm", endpoint="http://gpu-7.example:8000/v1")}
    record_run(tmp_path, Shape(**SMALL, changes=changes))
    told = problems(tmp_path, "org_model_Off", not_official=True)
    assert any("run_spec.json, line" in line and "--redact model-config" in line for line in told)
    sealed = frozenset({"model-config"})
    assert problems(tmp_path, "org_model_Off", not_official=True, redact=sealed) == []
