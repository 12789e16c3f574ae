"""Rows of a catalog run through a server: a real one, and one that behaves badly."""

import csv
import json
import re

import pytest

from demo.tiny_models import build_hub
from tests.support import file_hub
from tests.support.chat_server import answering, chunk, hanging, rendering, serving
from tests.support.image import PRODUCT_TAG, require_image
from tests.support.runner import ROOT, batch, table
from tests.support.transformers_server import transformers_server

pytestmark = pytest.mark.timeout(600, func_only=True)

ROWS = ("--csv", str(ROOT / "demo/catalog.csv"), "--task", "text_gen", "--num-prompts", "3")
PROMPTS = ("--prompts-file", str(ROOT / "demo/prompts.jsonl"), "--repetitions", "1")
RUN_IDS = [
    *("demo_tiny-llama-reasoner_On", "demo_tiny-llama-reasoner_Off"),
    *("demo_tiny-llama-reasoner_On_High", "demo_tiny-gpt2-reasoner_On"),
    "demo_tiny-gpt2-reasoner_Off",
]
TTFT = "avg_time_to_first_token_seconds"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    build_hub(folder)
    return folder


@pytest.fixture(scope="module")
def server(hub, tmp_path_factory):
    with transformers_server(hub, tmp_path_factory.mktemp("server") / "server.log") as url:
        yield url


def run(place, hub, *flags, **changes):
    return batch(
        *(*ROWS, *PROMPTS, "--engine", "process", "--output-dir", "results", *flags),
        cwd=place,
        HF_HUB_CACHE=str(hub),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
        **changes,
    )


@pytest.fixture(scope="module")
def both(hub, server, tmp_path_factory):
    """The same rows and prompts through the server, and on PyTorch."""
    places = {name: tmp_path_factory.mktemp(name) for name in ("vllm", "pytorch")}
    served = run(places["vllm"], hub, "--backend", "vllm", "--endpoint", server)
    assert served.returncode == 0, served.stdout + served.stderr
    local = run(places["pytorch"], hub, "--device", "cpu")
    assert local.returncode == 0, local.stdout + local.stderr
    return places


def named(place, run_id):
    """The name of a run there: a served one says so."""
    return f"{run_id}_vllm" if place.name.startswith("vllm") else run_id


def report(place, run_id):
    folder = place / "results/individual_runs" / named(place, run_id)
    return json.loads((folder / "benchmark_report.json").read_text())


def lines(place, run_id):
    path = place / "results/individual_runs" / named(place, run_id) / "benchmark_results.csv"
    with path.open(newline="") as stream:
        return [
            [row[name] for name in ("pass", "sample", "prompt_tokens", "completion_tokens")]
            for row in csv.DictReader(stream)
        ]


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_a_served_row_has_the_tokens_of_one_that_runs_here(both, run_id):
    assert lines(both["vllm"], run_id) == lines(both["pytorch"], run_id)
    rows = {name: table(place / "results")[named(place, run_id)] for name, place in both.items()}
    for name in ("total_prompts", "successful_prompts", "total_completion_tokens"):
        assert rows["vllm"][name] == rows["pytorch"][name]
    for name in ("reasoning_requested", "reasoning_effective", "reasoning_enforced"):
        assert rows["vllm"][name] == rows["pytorch"][name]
    assert rows["vllm"]["error_message"] == ""
    assert rows["vllm"]["gpu_energy_wh"] == rows["vllm"]["dtype"] == ""
    assert "gpu_energy_not_measured" in rows["vllm"]["verdict_reasons"]


def test_the_report_says_who_ran_the_model_and_what_is_not_known(both):
    applied = report(both["vllm"], RUN_IDS[0])["applied"]
    assert applied["server"] == "transformers"
    assert (applied["dtype"], applied["device"], applied["model_commit"]) == (None, None, None)
    assert applied["limits"] == {"max_new_tokens": 8192, "min_new_tokens": 1}
    assert report(both["pytorch"], RUN_IDS[0])["applied"]["server"] is None
    official = report(both["vllm"], RUN_IDS[0])["official"]
    assert any("backend" in deviation for deviation in official["deviations"])


def test_the_time_to_the_first_token_is_measured(both):
    for place in both.values():
        (repetition,) = report(place, RUN_IDS[0])["repetitions"]
        _, prefill, generate = repetition["windows"]
        assert prefill["first_token_seconds"] is None
        # Of three answers of more than ten tokens each.
        seconds = generate["first_token_seconds"]
        assert 0 < seconds < generate["duration_seconds"] / 3 / 2
        assert float(table(place / "results")[named(place, RUN_IDS[0])][TTFT]) == seconds


@pytest.mark.docker
def test_a_container_reaches_a_server_of_this_machine(hub, server, tmp_path):
    image = require_image(PRODUCT_TAG)
    hub.chmod(0o755)
    with file_hub.serving(file_hub.of_cache(hub)) as source:
        done = batch(
            *(*ROWS, *PROMPTS, "--model-name", "gpt2", "--reasoning-state", "Off"),
            *("--image", image, "--backend", "vllm", "--endpoint", server),
            *("--output-dir", "results"),
            cwd=tmp_path,
            HF_HUB_CACHE=str(hub),
            HF_ENDPOINT=source.address,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = table(tmp_path / "results").values()
    assert row["total_completion_tokens"] == "30"


def test_what_is_not_served_is_named_before_anything_starts(hub, server, tmp_path):
    (tmp_path / "other.csv").write_text(
        (ROOT / "demo/catalog.csv").read_text().replace("tiny-gpt2-reasoner", "tiny-nobody")
    )
    done = run(tmp_path, hub, "--backend", "vllm", "--endpoint", server, "--csv", "other.csv")
    assert done.returncode == 3
    assert "not demo/tiny-nobody" in done.stderr
    assert "demo/tiny-llama-reasoner" in done.stderr
    assert not (tmp_path / "results").exists()


def test_no_server_is_told_before_anything_starts(hub, tmp_path):
    done = run(tmp_path, hub, "--backend", "vllm", "--endpoint", "http://127.0.0.1:9/v1")
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr


# ------------------------------------------------------------------ servers that behave badly

LLAMA = "demo/tiny-llama-reasoner"
OFF = "demo_tiny-llama-reasoner_Off_vllm"
WARM_UP_REQUESTS = 11


@pytest.fixture(scope="module")
def tokenizer(hub):
    from transformers import AutoTokenizer

    (snapshot,) = (hub / "models--demo--tiny-llama-reasoner" / "snapshots").iterdir()
    return AutoTokenizer.from_pretrained(snapshot)


@pytest.fixture
def sweep_off(hub, tmp_path):
    """Sweeps the Off row of the tiny llama through a server; gives its row and the whole output."""

    def run_row(reply, *flags):
        with serving(reply, model=LLAMA) as (url, requests):
            done = run(
                tmp_path,
                hub,
                *("--backend", "vllm", "--endpoint", url, "--request-timeout", "1"),
                *("--model-name", "llama", "--reasoning-state", "Off", *flags),
            )
        return table(tmp_path / "results")[OFF], done, requests

    return run_row


def test_a_server_of_an_unknown_kind_runs_what_it_has_words_for(hub, tokenizer, tmp_path):
    """Of an On row only the effort, which the tiny model's template does not take from it."""
    flags = ("--backend", "vllm", "--model-name", "gpt2")
    with serving(rendering(tokenizer), owned_by="someone", model="demo/tiny-gpt2-reasoner") as (
        url,
        _,
    ):
        done = run(tmp_path, hub, *flags, "--endpoint", url)
    rows = table(tmp_path / "results")
    assert done.returncode == 1
    assert (
        "cannot be told at least 10 new tokens"
        in rows["demo_tiny-gpt2-reasoner_Off_vllm"]["error_message"]
    )
    said = rows["demo_tiny-gpt2-reasoner_On_vllm"]["error_message"]
    assert "cannot be told enable_thinking of the chat template" in said


def test_a_request_has_vllms_own_words(sweep_off, tokenizer):
    row, done, requests = sweep_off(rendering(tokenizer))
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(row["total_completion_tokens"]) == 30
    last = requests[-1]
    assert last["path"] == "/v1/chat/completions"
    assert (last["min_tokens"], last["max_tokens"], last["temperature"]) == (10, 10, 0.0)
    assert last["chat_template_kwargs"] == {"enable_thinking": False}
    assert len({request["cache_salt"] for request in requests}) == len(requests)
    # A warm-up, then one token and ten for each of three prompts.
    assert [request["max_tokens"] for request in requests] == [
        *(10, *[2] * (WARM_UP_REQUESTS - 1)),
        *([1] * 3 + [10] * 3),
    ]


def test_several_requests_at_a_time_stand_in_the_table(sweep_off, tokenizer):
    row, done, requests = sweep_off(rendering(tokenizer), "--concurrency", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (row["concurrency"], row["official"]) == ("3", "no")
    assert "concurrency: asked 1 vs found 3" in row["official_deviations"]
    assert len(requests) == 3 * WARM_UP_REQUESTS + 6


def dying(handler, body):
    handler.begin_stream()
    handler.send_event(chunk(" half"))
    handler.break_off()


BAD = {
    "dies": (dying, "server_failed: .*(broke off|ended an answer early)"),
    "500": (lambda handler, body: handler.send_json(500, {"error": "cuda"}), "answers 500"),
    "hangs": (hanging(5), "said nothing for 1 s"),
    "another prompt": (answering(3), "reasoning_not_applied: .*renders another"),
    "another model": (
        lambda handler, body: (
            handler.begin_stream(),
            handler.send_event(chunk(" a", model="org/other")),
        ),
        "answers for the model 'org/other'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_server_that_fails_is_a_failed_row_with_a_message(sweep_off, tokenizer, name):
    """In the middle of the measured passes, when all was well before."""
    bad, said = BAD[name]
    answered = []

    def reply(handler, body):
        answered.append(body)
        (rendering(tokenizer) if len(answered) <= WARM_UP_REQUESTS + 2 else bad)(handler, body)

    row, done, _ = sweep_off(reply)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(said, row["error_message"]), row["error_message"]
    assert row["total_completion_tokens"] == row["gpu_energy_wh"] == ""


def test_answers_of_another_length_fail_their_samples_and_the_run(sweep_off, tokenizer):
    def short(handler, body):
        rendering(tokenizer)(handler, body | {"max_tokens": min(body["max_tokens"], 4)})

    row, done, _ = sweep_off(short)
    assert done.returncode == 1
    assert "4 new tokens; and at least 10" in row["error_message"]
