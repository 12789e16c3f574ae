"""One model and the same prompts on PyTorch, on a server and in optimum-benchmark: one table."""

import json
from functools import partial

import pytest

from demo.tiny_models import build_hub
from scoring.submission.gathering import Wanted, gather
from scoring.submission.identity import Identity
from scoring.submission.submitting import Submission, write_bundle
from tests.support.builders import NOW
from tests.support.forgery import codes, forged, members_of, write_members
from tests.support.optimum_environment import optimum, sweep_past_noise  # noqa: F401
from tests.support.runner import HEADER, ROOT, batch, table
from tests.support.task_runs import altered_copy, remove
from tests.support.transformers_server import transformers_server

pytestmark = pytest.mark.timeout(600, func_only=True)

# A base model gets the bare text, so all three give it the same.
BASE, CHAT = "demo/tiny-base", "demo/tiny-llama-reasoner"
BACKENDS = ("pytorch", "vllm", "optimum")
COUNTS = (
    *("total_prompts", "successful_prompts", "failed_prompts"),
    *("total_tokens", "total_prompt_tokens", "total_completion_tokens"),
)
PROMPTS = 8


def sweep(folder, hub, optimum_python, flags, more):
    return batch(
        *("--engine", "process", "--output-dir", "results", "--repetitions", "2"),
        *("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--num-prompts", str(PROMPTS)),
        *(*flags, *more),
        cwd=folder,
        patience_seconds=600,
        HF_HUB_CACHE=str(hub),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
        OPTIMUM_PYTHON=optimum_python,
    )


@pytest.fixture(scope="module")
def place(optimum, tmp_path_factory):  # noqa: F811
    """A directory into which the same rows went three times, each time on another backend."""
    hub, folder = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("place")
    build_hub(hub)
    altered_copy(hub, "demo/tiny-gpt2-reasoner", remove("chat_template.jinja"), BASE)
    rows = (f"{BASE},1,A,text_gen,Off,", f"{CHAT},1,A,text_gen,Off,")
    (folder / "models.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    with transformers_server(hub, folder / "server.log") as url:
        for flags in (
            ("--device", "cpu"),
            ("--backend", "vllm", "--endpoint", url),
            ("--device", "cpu", "--backend", "optimum"),
        ):
            done = sweep_past_noise(partial(sweep, folder, hub, str(optimum), flags))
            assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results"


def run_name(model_id, backend):
    plain = f"{model_id.replace('/', '_')}_Off"
    return plain if backend == "pytorch" else f"{plain}_{backend}"


def report(place, run_id):
    path = place / "individual_runs" / run_id / "benchmark_report.json"
    return json.loads(path.read_text())


def test_one_table_has_every_row_three_times(place):
    rows = table(place)
    assert set(rows) == {run_name(model, backend) for model in (BASE, CHAT) for backend in BACKENDS}
    assert [rows[run_name(BASE, backend)]["backend"] for backend in BACKENDS] == list(BACKENDS)
    for row in rows.values():
        assert (row["outcome"], row["error_message"], row["repetitions"]) == ("finished", "", "2")
        # Nothing here measures a GPU, and none of them says 0.
        assert (row["gpu_energy_wh"], row["wh_per_1000_queries"]) == ("", "")
        assert "gpu_energy_not_measured" in row["verdict_reasons"]


def test_a_base_model_has_the_same_samples_and_tokens_everywhere(place):
    rows = table(place)
    counts = [[rows[run_name(BASE, backend)][count] for count in COUNTS] for backend in BACKENDS]
    assert counts[0] == counts[1] == counts[2]
    prompts, successful, failed, total, prompt, completion = map(int, counts[0])
    assert (prompts, successful, failed) == (PROMPTS, PROMPTS, 0)
    assert completion == PROMPTS * 10
    assert total == prompt + completion
    assert prompt > 0
    assert {rows[run_name(BASE, backend)]["prompt_form"] for backend in BACKENDS} == {"raw"}


def test_of_a_chat_model_only_the_prompt_differs_and_the_report_says_why(place):
    rows = {backend: table(place)[run_name(CHAT, backend)] for backend in BACKENDS}
    for count in (*COUNTS[:3], "total_completion_tokens"):
        assert len({row[count] for row in rows.values()}) == 1, count
    assert rows["pytorch"]["total_prompt_tokens"] == rows["vllm"]["total_prompt_tokens"]
    # optimum-benchmark gives a model the bare text, as the published method did.
    assert int(rows["optimum"]["total_prompt_tokens"]) < int(rows["vllm"]["total_prompt_tokens"])
    assert [rows[backend]["prompt_form"] for backend in BACKENDS] == ["chat", "chat", "raw"]
    assert rows["optimum"]["reasoning_mechanism"] == "raw_text"
    assert "reasoning_not_enforced" in rows["optimum"]["verdict_reasons"]


def test_the_reports_have_the_same_passes_and_phases(place):
    for model in (BASE, CHAT):
        found = [report(place, run_name(model, backend)) for backend in BACKENDS]
        for told in found:
            assert told["applied"]["limits"] == {"max_new_tokens": 10, "min_new_tokens": 10}
            for repetition in told["repetitions"]:
                windows = [
                    (window["name"], window["successful"]) for window in repetition["windows"]
                ]
                assert windows == [
                    (name, PROMPTS) for name in ("preprocess", "prefill", "generate")
                ]
                assert list(repetition["phases"]) == ["preprocess", "prefill", "decode"]
        assert len({one["spec_hash"] for one in found}) == 3


def test_every_folder_has_the_files_of_the_energy_and_none_says_zero(place):
    for model in (BASE, CHAT):
        for backend in BACKENDS:
            folder = place / "individual_runs" / run_name(model, backend)
            summary = json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())
            assert (summary["units"], summary["total"]) == ("Wh", None)
            assert {"preprocess_wh", "prefill_wh", "decode_wh"} <= summary.keys()
            assert not (folder / "GPU_ENERGY_WH.txt").exists()


def test_each_can_be_submitted_and_is_verified_by_its_own_evidence(place, tmp_path):
    for model in (BASE, CHAT):
        for backend in BACKENDS:
            run_id = run_name(model, backend)
            gathered = gather(Wanted(place, (run_id,), not_official=True), Identity())
            assert gathered.problems == []
            path = tmp_path / f"{run_id}.zip"
            assert write_bundle(Submission(path, "Ann", NOW), gathered).failed == []
    members = members_of(tmp_path / f"{run_name(BASE, 'optimum')}.zip")
    place = f"runs/{run_name(BASE, 'optimum')}/optimum/2/benchmark_report.json"
    told = json.loads(members[place])
    told["prefill"]["energy"]["cpu"] *= 1.01
    changed = {**members, place: json.dumps(told).encode()}
    assert codes(write_members(tmp_path / "forged.zip", forged(changed))) == {"delegated_differs"}
