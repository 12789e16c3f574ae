"""Runs with private content in every place: however they are redacted, nothing of it is left."""

import json
import tracemalloc

import pytest

from scoring.submission.gathering import Wanted, gather
from scoring.submission.identity import Identity
from scoring.submission.redaction import LONGEST_LOG_BYTES
from tests.support.forgery import members_of
from tests.support.private_run import (
    MODEL_CONFIG,
    OUTPUTS,
    PLACE,
    PROMPTS,
    RUN,
    record_private_run,
)
from tests.support.scoring_command import scoring

MOST_BYTES_HELD = 16 * 2**20
"""A third of the files below."""
SECOND = f"{RUN}_again"
HIDDEN = {
    "prompts": PROMPTS,
    "outputs": OUTPUTS,
    # What a model was told and what it said would name it, too.
    "model-config": (*MODEL_CONFIG, *OUTPUTS, "/no_think", "<|role|>", "8" * 64),
    "prompts,outputs,model-config": (*PROMPTS, *OUTPUTS, *MODEL_CONFIG),
}


def submitted(results, out, categories, *run_ids):
    runs = [word for run_id in run_ids for word in ("--run", run_id)]
    flags = ("--out", out, "--accept-terms", "Ann", "--not-official", "--redact", categories)
    done = scoring("submit", results, *runs, *flags)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    verified = scoring("verify", out)
    assert verified.returncode == 0, verified.stdout
    return verified.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = tmp_path_factory.mktemp("private") / "results"
    record_private_run(results)
    record_private_run(results, SECOND)
    return results


@pytest.mark.parametrize("categories", HIDDEN)
def test_each_way_to_redact_verifies_and_leaves_nothing(results, tmp_path, categories):
    out = tmp_path / "b.zip"
    told = submitted(results, out, categories, RUN)
    members = members_of(out)
    everything = b"\n".join((*(name.encode() for name in members), *members.values()))
    left = [secret for secret in (*HIDDEN[categories], *PLACE) if secret.encode() in everything]
    assert left == []
    if "outputs" not in categories and "model-config" not in categories:
        assert b"forty-two" in everything
    if categories != "outputs":
        # The hash of a spec would let its values be guessed, the hash of the samples among them.
        outcome = json.loads((results / "individual_runs" / RUN / "outcome.json").read_text())
        assert outcome["spec_hash"].encode() not in everything
        assert "not checked" in told
        assert "spec hash" in told
    # Values are sealed where they stand: a "1" and a "40" of the server's are counts elsewhere.
    table = members["master_results.csv"].decode().splitlines()
    row = dict(zip(*(line.split(",") for line in table), strict=True))
    assert (row["dtype"], row["total_prompts"], row["gpu_count"]) == ("float16", "40", "1")
    untouched = results / "individual_runs" / RUN / "GPU_ENERGY_SUMMARY.json"
    (summary,) = (name for name in members if name.endswith(untouched.name))
    assert members[summary] == untouched.read_bytes()


def test_runs_of_one_model_are_seen_to_be_of_one_and_a_value_has_one_salt(results, tmp_path):
    out = tmp_path / "b.zip"
    submitted(results, out, "model-config", RUN, SECOND)
    members = members_of(out)
    header, *lines = members["master_results.csv"].decode().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    assert len({row["run_id"] for row in rows}) == 2
    assert len({row["model_name"] for row in rows}) == 1
    assert len({row["runs_beside"] for row in rows}) == 1
    items = json.loads((tmp_path / "b.zip.key.json").read_text())["items"].values()
    values = [item["value"] for item in items]
    assert len(values) == len(set(values))
    assert len({item["salt"] for item in items}) == len(values)


def test_large_files_are_redacted_piece_by_piece(tmp_path):
    results = tmp_path / "results"
    folder = record_private_run(results)
    samples = folder / "benchmark_results.csv"
    last = samples.read_bytes().splitlines(keepends=True)[-1]
    with samples.open("ab") as stream:
        stream.write(last * 60_000)
    log = next((results / "logs").glob(f"{RUN}*"))
    with log.open("ab") as stream:
        for _ in range(32):
            stream.write(b"one line of many\n" * 2**16)
    assert peak_bytes(results, "prompts") < MOST_BYTES_HELD
    with log.open("r+b") as stream:
        stream.truncate(1000)
    assert peak_bytes(results, "outputs") < MOST_BYTES_HELD


def test_a_log_that_is_too_long_to_be_sealed_is_told(tmp_path):
    results = tmp_path / "results"
    record_private_run(results)
    with next((results / "logs").glob(f"{RUN}*")).open("r+b") as stream:
        stream.truncate(LONGEST_LOG_BYTES + 1)
    wanted = Wanted(results, (RUN,), not_official=True, redact=frozenset({"outputs"}))
    (problem,) = gather(wanted, Identity()).problems
    assert "can be sealed" in problem


def peak_bytes(results, category):
    wanted = Wanted(results, (RUN,), not_official=True, redact=frozenset({category}))
    tracemalloc.start()
    try:
        assert gather(wanted, Identity()).problems == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
