"""What the catalog asks is what real models get: a sweep over planted families, row by row.

The demo's models lie in a hub cache under the ids of real families, so that the table of families
speaks of them; their templates obey, ignore or lack the switch.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest

from demo.tiny_models import ASSISTANT, OFF_CHAIN, ON_CHAIN, THINK, build_hub
from tests.support.runner import HEADER, ROOT, batch, table
from tests.support.tiny_hub import GPT2, LLAMA, snapshot

OBEYING = "Qwen/Qwen3-0.6B"
IGNORING = "Qwen/Qwen3-1.7B"
ALWAYS_ON = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"
WITHOUT = "google/gemma-3-1b-it"
FLAGGED = "nvidia/Llama-3_3-Nemotron-Super-49B-v1_5"

_HEAD = "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content }}"
DEAF_TEMPLATE = _HEAD + "{% endfor %}{{ '" + ASSISTANT + "' }}"
OPENING_TEMPLATE = _HEAD + "{% endfor %}{{ '" + ASSISTANT + THINK + "' }}"
FLAG_TEMPLATE = (
    "{% set off = messages[0].content == '/no_think' %}"
    "{% for message in messages if message.role == 'user' %}{{ '<|user|>' + message.content }}"
    "{% endfor %}{{ '" + ASSISTANT + "' }}{% if off %}{{ '<think></think>' }}{% endif %}"
)
ROWS = (
    (OBEYING, "On"),
    (OBEYING, "Off"),
    (IGNORING, "On"),
    (ALWAYS_ON, "Off"),
    (WITHOUT, "On"),
    (FLAGGED, "Off"),
)
PROMPTS = 2


def plant(hub: Path, model_id: str, of: str, template: str | None = None) -> None:
    """A copy of a tiny model under the id of a real one, with another chat template."""
    homes = [hub / f"models--{name.replace('/', '--')}" for name in (of, model_id)]
    shutil.copytree(*homes)
    if template is not None:
        (snapshot(hub, model_id) / "chat_template.jinja").write_text(template)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    place = tmp_path_factory.mktemp("reasoning")
    hub = place / "hub"
    build_hub(hub)
    plant(hub, OBEYING, LLAMA)
    plant(hub, IGNORING, LLAMA, DEAF_TEMPLATE)
    plant(hub, ALWAYS_ON, GPT2, OPENING_TEMPLATE)
    plant(hub, WITHOUT, LLAMA, DEAF_TEMPLATE)
    plant(hub, FLAGGED, LLAMA, FLAG_TEMPLATE)
    catalog = place / "catalog.csv"
    catalog.write_text(HEADER + "".join(f"{name},1,A,text_gen,{state},\n" for name, state in ROWS))
    found = batch(
        *("--csv", "catalog.csv", "--prompts-file", str(ROOT / "demo/prompts.jsonl")),
        *("--num-prompts", str(PROMPTS), "--repetitions", "1", "--meters", "codecarbon"),
        *("--engine", "process", "--device", "cpu", "--output-dir", "results"),
        cwd=place,
        HF_HUB_CACHE=str(hub),
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
    )
    return place / "results", found


def row(sweep, model_id, state):
    results, _ = sweep
    return table(results)[run_id(model_id, state)]


def run_id(model_id, state):
    return f"{model_id.replace('/', '_')}_{state}"


def report(sweep, model_id, state):
    path = sweep[0] / "individual_runs" / run_id(model_id, state) / "benchmark_report.json"
    return json.loads(path.read_text())


def test_on_and_off_of_one_model_get_other_prompts_and_other_numbers_of_tokens(sweep):
    on, off = (report(sweep, OBEYING, state)["reasoning"] for state in ("On", "Off"))
    assert on["example_prompt"] != off["example_prompt"]
    assert off["example_prompt"] == on["example_prompt"] + "<think></think>"
    assert on["prompts_sha256"]["run"] == on["prompts_sha256"]["on"] == off["prompts_sha256"]["on"]
    assert (
        off["prompts_sha256"]["run"] == off["prompts_sha256"]["off"] != on["prompts_sha256"]["on"]
    )
    assert (on["kwargs"], off["kwargs"]) == ({"enable_thinking": True}, {"enable_thinking": False})
    assert {one["family"] for one in (on, off)} == {"Qwen3 hybrid"}


@pytest.mark.parametrize(
    ("model_id", "state", "told", "tokens", "limits"),
    [
        (OBEYING, "On", ("on", "yes", "template_switch"), (8, len(ON_CHAIN)), ("8192", "1")),
        (OBEYING, "Off", ("off", "yes", "template_switch"), (0, len(OFF_CHAIN)), ("10", "10")),
        (ALWAYS_ON, "Off", ("on", "no", "always_on"), (7, 10), ("10", "10")),
        (WITHOUT, "On", ("none", "no", "none"), (8, 10), ("10", "10")),
        (FLAGGED, "Off", ("off", "yes", "system_message"), (0, len(OFF_CHAIN)), ("10", "10")),
    ],
)
def test_the_table_tells_what_was_asked_what_came_and_whether_it_was_told(
    sweep, model_id, state, told, tokens, limits
):
    cells = row(sweep, model_id, state)
    assert cells["error_message"] == ""
    assert cells["reasoning_requested"] == cells["reasoning_state"] == state
    columns = ("reasoning_effective", "reasoning_enforced", "reasoning_mechanism")
    assert tuple(cells[name] for name in columns) == told
    reasoning, generated = (PROMPTS * count for count in tokens)
    assert int(cells["total_completion_tokens"]) == generated
    assert int(cells["reasoning_tokens"]) == reasoning
    assert int(cells["answer_tokens"]) == generated - reasoning
    assert (cells["max_new_tokens"], cells["min_new_tokens"]) == limits


def test_a_template_that_ignores_the_switch_is_refused_before_anything_is_measured(sweep):
    results, found = sweep
    assert found.returncode == 1
    cells = row(sweep, IGNORING, "On")
    assert cells["outcome"] == "failed"
    assert cells["error_message"].startswith(f"reasoning_not_applied: {IGNORING}")
    assert "same prompt for On and Off" in cells["error_message"]
    assert cells["reasoning_requested"] == "On"
    for column in ("reasoning_effective", "total_completion_tokens", "cpu_energy_wh"):
        assert cells[column] == ""
    assert not (
        results / "individual_runs" / run_id(IGNORING, "On") / "benchmark_results.csv"
    ).exists()


@pytest.mark.parametrize(
    ("model_id", "state", "reasons"),
    [
        (OBEYING, "On", set()),
        (OBEYING, "Off", set()),
        (ALWAYS_ON, "Off", {"reasoning_not_enforced"}),
        # The planted model reasons although its family cannot: the tokens give it away.
        (WITHOUT, "On", {"reasoning_not_enforced", "reasoning_contradicts_state"}),
        (FLAGGED, "Off", set()),
    ],
)
def test_rows_that_are_not_what_they_are_called_are_flagged(sweep, model_id, state, reasons):
    cells = row(sweep, model_id, state)
    found = set(cells["verdict_reasons"].split("; "))
    assert {reason for reason in found if reason.startswith("reasoning")} == reasons


def test_every_output_is_told_apart_in_a_file_of_its_own(sweep):
    results, _ = sweep
    path = results / "individual_runs" / run_id(OBEYING, "On") / "reasoning_tokens.csv"
    with path.open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["sample"] for line in lines] == ["1", "2"]
    assert {line["reasoning_tokens"] for line in lines} == {"8"}
    assert {line["answer_tokens"] for line in lines} == {str(len(ON_CHAIN) - 8)}


def test_the_sweep_warns_of_each_doubtful_row_by_its_line(sweep):
    _, found = sweep
    said = found.stdout + found.stderr
    assert "line 5" in said
    assert f"{ALWAYS_ON} cannot stop reasoning" in said
    assert f"{WITHOUT} cannot reason" in said
