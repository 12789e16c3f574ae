"""Rows of a catalog run by optimum-benchmark itself, beside the same rows on PyTorch."""

import json
from functools import partial
from pathlib import Path

import pytest

from demo.own_samples import build_samples
from demo.tiny_zoo import build_zoo
from tests.support.image import PRODUCT_TAG, require_image
from tests.support.optimum_environment import optimum, sweep_past_noise  # noqa: F401
from tests.support.runner import HEADER, batch, table, wait_for
from tests.support.task_runs import altered_copy, remove

pytestmark = pytest.mark.timeout(300, func_only=True)

BASE, DAMAGED, DRAWS = "demo/tiny-base", "demo/tiny-damaged", "demo/tiny-drawer"
TOKEN = "hf_planted_token_of_the_test"
COMPARED = {
    "demo_tiny-base_Off": f"{BASE},1,A,text_gen,Off,",
    "demo_tiny-distilbert-classifier_text_classification": (
        "demo/tiny-distilbert-classifier,1,,text_classification,,"
    ),
    "demo_tiny-t5_summarization": "demo/tiny-t5,1,,summarization,,",
}
OTHERS = {
    "demo_tiny-llama-reasoner_Off": "demo/tiny-llama-reasoner,1,A,text_gen,Off,",
    "demo_tiny-vit_image_classification": "demo/tiny-vit,1,,image_classification,,",
    "demo_tiny-blip_image_captioning": "demo/tiny-blip,1,,image_captioning,,",
    "demo_tiny-drawer_image_generation": f"{DRAWS},1,,image_gen,,",
    "demo_tiny-damaged_Off": f"{DAMAGED},1,A,text_gen,Off,",
}
LEFT_OUT = (
    "demo/tiny-llama-reasoner,1,A,text_gen,On,",
    "demo/tiny-whisper,1,,asr,,",
)


def old_tokenizer(files):
    """As diffusers' checkpoints of transformers 4 have it: two files in place of one."""
    folder = files / "tokenizer"
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    lines = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]))


def cut_weights(files):
    path = files / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    build_zoo(folder)
    altered_copy(folder, "demo/tiny-gpt2-reasoner", remove("chat_template.jinja"), BASE)
    altered_copy(folder, "demo/tiny-gpt2-reasoner", cut_weights, DAMAGED)
    altered_copy(folder, "demo/tiny-stable-diffusion", old_tokenizer, DRAWS)
    return folder


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    dict(build_samples(folder))
    return folder


def run(place, hub, samples, rows, *flags, **changes):
    (place / "models.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return batch(
        *("--engine", "process", "--device", "cpu", "--output-dir", "results"),
        *("--dataset-dir", str(samples), *flags),
        cwd=place,
        patience_seconds=600,
        HF_HUB_CACHE=str(hub),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
        **changes,
    )


def compared(place, hub, samples, rows, asked, variables, more):
    return run(place, hub, samples, rows, *asked, *more, **variables)


@pytest.fixture(scope="module")
def places(optimum, hub, samples, tmp_path_factory):  # noqa: F811
    """The compared rows on both backends, the first one twice; all others on optimum."""
    made = {name: tmp_path_factory.mktemp(name) for name in ("optimum", "pytorch", "others")}
    by_optimum = {"OPTIMUM_PYTHON": str(optimum), "HF_TOKEN": TOKEN}
    again, *once = COMPARED.values()
    for place, flags, variables in (
        (made["optimum"], ("--backend", "optimum"), by_optimum),
        (made["pytorch"], (), {}),
    ):
        for rows, repetitions in (([again], "2"), (once, "1")):
            asked = (*flags, "--repetitions", repetitions)
            done = sweep_past_noise(partial(compared, place, hub, samples, rows, asked, variables))
            assert done.returncode == 0, done.stdout + done.stderr
    asked = ("--backend", "optimum", "--repetitions", "1")
    rows = (*OTHERS.values(), *LEFT_OUT)
    done = sweep_past_noise(
        partial(compared, made["others"], hub, samples, rows, asked, by_optimum)
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (made["others"] / "said").write_text(done.stdout + done.stderr)
    return made


def named(place, run_id):
    """The name of a run there: one of optimum-benchmark says so."""
    return run_id if place.name.startswith("pytorch") else f"{run_id}_optimum"


def folder_of(place, run_id):
    return place / "results" / "individual_runs" / named(place, run_id)


def row_of(place, run_id):
    return table(place / "results")[named(place, run_id)]


def report(place, run_id):
    return json.loads((folder_of(place, run_id) / "benchmark_report.json").read_text())


@pytest.mark.parametrize("run_id", COMPARED)
def test_a_row_has_the_samples_and_tokens_of_one_on_pytorch(places, run_id):
    rows = {name: row_of(places[name], run_id) for name in ("optimum", "pytorch")}
    for name in (
        *("total_prompts", "successful_prompts", "failed_prompts", "total_tokens"),
        *("total_prompt_tokens", "total_completion_tokens", "dtype", "error_message"),
    ):
        assert rows["optimum"][name] == rows["pytorch"][name], name
    reports = {name: report(places[name], run_id) for name in ("optimum", "pytorch")}
    for ours, theirs in zip(*(of["repetitions"] for of in reports.values()), strict=True):
        kept = ("name", "tokens", "successful", "failed")
        assert [{name: window[name] for name in kept} for window in ours["windows"]] == [
            {name: window[name] for name in kept} for window in theirs["windows"]
        ]
        assert list(ours["phases"]) == list(theirs["phases"])
    for name in (
        "kind",
        "limits",
        "prompt_form",
        "prompts_cut",
        "model_commit",
        "processor_commit",
    ):
        assert reports["optimum"]["applied"][name] == reports["pytorch"]["applied"][name], name
    assert reports["optimum"]["reasoning"] is None or (
        reports["optimum"]["reasoning"]["effective"] == reports["pytorch"]["reasoning"]["effective"]
    )


@pytest.mark.parametrize("run_id", COMPARED)
def test_the_energy_is_that_of_the_kept_report(places, run_id):
    folder = folder_of(places["optimum"], run_id)
    for number, repetition in enumerate(report(places["optimum"], run_id)["repetitions"], start=1):
        kept = json.loads((folder / "optimum" / str(number) / "benchmark_report.json").read_text())
        for name, phase in repetition["phases"].items():
            told = kept["preprocess_dataset" if name == "preprocess" else name]
            assert phase["cpu_joules"] == pytest.approx(told["energy"]["cpu"] * 3.6e6, rel=1e-6)
            assert phase["ram_joules"] == pytest.approx(told["energy"]["ram"] * 3.6e6, rel=1e-6)
            assert phase["duration_seconds"] == pytest.approx(told["latency"]["total"], rel=1e-6)
            assert phase["gpu_joules"] is None
            assert phase["cpu_joules"] > 0
    summary = json.loads((folder / "GPU_ENERGY_SUMMARY.json").read_text())
    assert summary["total"] is None
    assert not (folder / "GPU_ENERGY_WH.txt").exists()


def test_every_repetition_prepares_its_inputs_anew_and_keeps_its_files(places):
    folder = folder_of(places["optimum"], "demo_tiny-base_Off") / "optimum"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]
    for place in folder.iterdir():
        names = {path.name for path in place.iterdir()}
        assert names >= {"order.json", "findings.json", "worker.log", "generate_codecarbon.json"}
        assert not any(name.startswith("cache") for name in names)
        log = (place / "worker.log").read_text()
        assert "Running tokenizer on dataset" in log
        # The offline tracker: nobody is asked where this machine is.
        assert "geographical location" not in log


def test_a_report_names_what_ran_the_model(places):
    found = report(places["optimum"], "demo_tiny-base_Off")
    packages = found["environment"]["packages"]
    assert packages["optimum-benchmark"] == "0.6.0"
    assert packages["transformers"] == "4.57.6"
    other = report(places["pytorch"], "demo_tiny-base_Off")["environment"]["packages"]
    assert other["transformers"] != packages["transformers"]
    method = found["energy_sources"]["cpu"]["method"]
    assert method.startswith(f"optimum-benchmark 0.6.0, CodeCarbon {packages['codecarbon']}")
    assert any(text.startswith("backend:") for text in found["official"]["deviations"])
    assert found["ledger"] is None
    assert found["trace"] is None
    assert found["verdict"]["reasons"] == ["gpu_energy_not_measured"] or (
        set(found["verdict"]["reasons"]) == {"gpu_energy_not_measured", "other_runs_on_host"}
    )


def test_a_chat_model_gets_the_bare_text_and_the_report_says_so(places):
    found = report(places["others"], "demo_tiny-llama-reasoner_Off")
    assert found["applied"]["prompt_form"] == "raw"
    assert found["reasoning"]["effective"] == "unforced"
    assert found["reasoning"]["mechanism"] == "raw_text"
    assert found["reasoning"]["enforced"] is False
    assert "reasoning_not_enforced" in found["verdict"]["reasons"]
    assert found["summary"]["tokens"]["completion"] == 6 * 10


@pytest.mark.parametrize(
    ("run_id", "kind", "new_tokens", "phases"),
    [
        ("demo_tiny-vit_image_classification", "forward", 0, ["preprocess", "forward"]),
        (
            "demo_tiny-blip_image_captioning",
            "generate",
            600,
            ["preprocess", "prefill", "decode"],
        ),
        ("demo_tiny-drawer_image_generation", "call", 0, ["preprocess", "call"]),
    ],
)
def test_pictures_are_read_and_drawn(places, run_id, kind, new_tokens, phases):
    found = report(places["others"], run_id)
    assert found["outcome"] == "finished", found["failure"]
    assert found["applied"]["kind"] == kind
    assert found["applied"]["dtype"] == "float32"
    assert found["applied"]["steps"] == (30 if kind == "call" else None)
    assert found["applied"]["model_commit"] is not None
    assert found["summary"]["total_prompts"] == 6
    assert found["summary"]["tokens"] == {
        "prompt": None,
        "completion": new_tokens,
        "reasoning": None,
    }
    assert list(found["repetitions"][0]["phases"]) == phases


def test_a_model_that_does_not_load_is_a_failed_row_with_the_reason(places):
    row = row_of(places["others"], "demo_tiny-damaged_Off")
    assert "optimum-benchmark ended with" in row["error_message"]
    assert "SafetensorError" in row["error_message"]
    assert "optimum/1/worker.log" in row["error_message"]


def test_rows_that_it_cannot_run_are_left_out_with_the_reason(places):
    said = (places["others"] / "said").read_text()
    assert "demo/tiny-llama-reasoner: optimum-benchmark generates a fixed number" in said
    assert "demo/tiny-whisper: optimum-benchmark decodes sounds" in said
    names = {named(places["others"], run_id) for run_id in OTHERS}
    assert set(table(places["others"] / "results")) == names


@pytest.mark.docker
def test_the_image_brings_an_environment_of_its_own(hub, samples, tmp_path):
    image = require_image(PRODUCT_TAG)
    for folder in (hub, samples):
        folder.chmod(0o755)
    row = COMPARED["demo_tiny-distilbert-classifier_text_classification"]
    done = run(
        *(tmp_path, hub, samples, [row], "--backend", "optimum", "--repetitions", "1"),
        *("--engine", "docker", "--image", image),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (tmp_path / "results/individual_runs").iterdir()
    measured = json.loads((found / "benchmark_report.json").read_text())
    packages = measured["environment"]["packages"]
    assert (packages["optimum-benchmark"], packages["transformers"]) == ("0.6.0", "4.57.6")
    assert measured["summary"]["successful_prompts"] == 6


def test_no_file_holds_the_token(places):
    for place in (places["optimum"], places["others"]):
        for path in place.rglob("*"):
            assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


HANGING = """#!/bin/sh
case "$*" in *metadata*) exit 0 ;; esac
echo $$ > {pid}
exec sleep 600
"""


def stand_in(place, text):
    """What OPTIMUM_PYTHON may name: it has optimum-benchmark, by its own account."""
    path = place / "python"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_worker_that_hangs_is_stopped_with_its_run(hub, samples, tmp_path):
    pid_file = tmp_path / "pid"
    done = run(
        *(tmp_path, hub, samples, [COMPARED["demo_tiny-base_Off"]]),
        *("--backend", "optimum", "--timeout", "20"),
        OPTIMUM_PYTHON=stand_in(tmp_path, HANGING.format(pid=pid_file)),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (row,) = table(tmp_path / "results").values()
    assert row["error_message"].startswith("timeout")
    command_line = Path("/proc", pid_file.read_text().strip(), "cmdline")
    # What is dead has none, also while its number still waits to be collected.
    wait_for(lambda: not command_line.exists() or not command_line.read_bytes())


def test_without_its_python_nothing_starts(hub, samples, tmp_path):
    nowhere = str(tmp_path / "nowhere")
    for python, said in (
        (nowhere, "there is no such Python"),
        (stand_in(tmp_path, "#!/bin/sh\nexit 1\n"), "does not have optimum-benchmark"),
    ):
        done = run(
            *(tmp_path, hub, samples, [COMPARED["demo_tiny-base_Off"]]),
            *("--backend", "optimum"),
            OPTIMUM_PYTHON=python,
        )
        assert done.returncode == 3
        assert said in done.stderr
        assert "make optimum" in done.stderr
        assert not (tmp_path / "results").exists()
