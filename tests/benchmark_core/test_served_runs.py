"""Whole runs through a server, one request at a time and several, good and bad."""

import csv
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from benchmark_core.contract import BackendSpec, SampleSource
from benchmark_core.differences import differences
from benchmark_core.report.run_report import RunReport
from benchmark_core.reported_run import run
from tests.support import builders
from tests.support.chat_server import (
    Handler,
    Reply,
    answering,
    chunk,
    hanging,
    rendering,
    serving,
    usage,
)
from tests.support.family_templates import HARMONY
from tests.support.tiny_hub import (  # noqa: F401
    LLAMA,
    altered_copy,
    built_hub,
    make_spec,
    snapshot,
    tiny_hub,
    with_template,
)

PROMPTS = ("What floats?", "Name a cat.", "Why?", "Count to three.", "Who?", "When?")
WARM_UP_REQUESTS = 11
Runs = Callable[..., tuple[RunReport, list[dict[str, Any]]]]


@pytest.fixture
def run_served(tiny_hub: Path, tmp_path: Path) -> Runs:  # noqa: F811
    """Runs six prompts through a server that answers by `reply`; gives the report and requests."""

    def run_one(
        reply: Reply, concurrency: int | None = None, silence: float = 30.0, model: str = LLAMA
    ) -> Any:
        prompts = tmp_path / "prompts.txt"
        prompts.write_text("\n".join(PROMPTS))
        folder = tmp_path / "run"
        folder.mkdir()
        with serving(reply, model=model) as (url, requests):
            spec = make_spec(
                model,
                "Off",
                samples=SampleSource(prompts_sha256=sha256(prompts.read_bytes()).hexdigest()),
                precision="auto",
                repetitions=1,
                backend=BackendSpec(
                    name="vllm",
                    endpoint=url,
                    silence_seconds=silence,
                    concurrency=concurrency,
                ),
            )
            (folder / "run_spec.json").write_text(spec.to_json())
            launch = builders.launch(samples_path=str(prompts))
            (folder / "launch.json").write_text(launch.to_json())
            report = run(folder)
        assert report.outcome == "failed" or differences(spec, report) == []
        return report, requests

    return run_one


@pytest.fixture
def good(tiny_hub: Path) -> Reply:  # noqa: F811
    from transformers import AutoTokenizer

    load: Any = AutoTokenizer.from_pretrained
    return rendering(load(snapshot(tiny_hub, LLAMA)))


def journal(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "run" / "benchmark_results.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_request_at_a_time_is_the_rule(run_served: Runs, good: Reply) -> None:
    report, requests = run_served(good)
    assert report.applied is not None
    assert report.applied.concurrency == 1
    assert report.official is not None
    assert not any(text.startswith("concurrency") for text in report.official.deviations)
    assert all(window.latency_seconds is None for window in report.repetitions[0].windows)
    assert len({request["connection"] for request in requests}) == 1
    assert len(requests) == WARM_UP_REQUESTS + 2 * len(PROMPTS)


@pytest.mark.parametrize("model", ["org/dated", "openai/gpt-oss-20b"])
def test_the_day_of_a_prompt_is_told_unless_the_server_writes_a_format_of_its_own(
    run_served: Runs,
    tiny_hub: Path,  # noqa: F811
    model: str,
) -> None:
    from transformers import AutoTokenizer

    altered_copy(tiny_hub, LLAMA, with_template(HARMONY), model)
    load: Any = AutoTokenizer.from_pretrained
    report, _ = run_served(rendering(load(snapshot(tiny_hub, model))), model=model)
    assert report.applied is not None
    assert (report.applied.template_day is not None) == (model == "org/dated")


def test_several_requests_are_under_way_at_a_time(
    run_served: Runs, good: Reply, tmp_path: Path
) -> None:
    """The server answers only when three of them have come, warm-up and every pass."""
    together = Barrier(3)

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        together.wait(30)
        good(handler, body)

    report, requests = run_served(reply, 3)
    assert report.outcome == "finished", report.failure
    assert report.applied is not None
    assert report.summary is not None
    assert report.official is not None
    assert report.applied.concurrency == 3
    assert "concurrency: asked 1 vs found 3" in report.official.deviations
    assert len(requests) == 3 * WARM_UP_REQUESTS + 2 * len(PROMPTS)
    assert len({request["connection"] for request in requests}) <= 3
    assert len({request["cache_salt"] for request in requests}) == len(requests)
    assert report.summary.tokens.completion == 10 * len(PROMPTS)
    for name in ("prefill", "generate"):
        lines = [line for line in journal(tmp_path) if line["pass"] == name]
        assert sorted(line["sample"] for line in lines) == list("123456")


def test_figures_of_several_at_a_time_are_the_samples_own(
    run_served: Runs, good: Reply, tmp_path: Path
) -> None:
    report, _ = run_served(good, 3)
    assert report.summary is not None
    _, prefill, generate = report.repetitions[0].windows
    seconds = [float(line["seconds"]) for line in journal(tmp_path) if line["pass"] == "generate"]
    assert report.summary.avg_latency_seconds == pytest.approx(sum(seconds) / 6, abs=1e-5)
    assert prefill.latency_seconds is not None
    per_second = report.summary.throughput_tokens_per_second
    assert per_second == pytest.approx(10 * len(PROMPTS) / generate.duration_seconds)
    first = report.summary.avg_time_to_first_token_seconds
    assert first is not None
    assert 0 < first < report.summary.avg_latency_seconds


def dying(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    handler.send_event(chunk(" half"))
    handler.break_off()


def refusing(handler: Handler, body: dict[str, Any]) -> None:
    handler.send_json(500, {"error": "cuda"})


def talking_nonsense(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    handler.send_bytes(b"data: <html>\n\n")


def ending_early(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    handler.send_event(chunk(" half"))
    handler.send_bytes(b"data: [DONE]\n\n")


def another_model(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    handler.send_event(chunk(" a", model="org/other"))
    handler.send_event(usage(1, 1))


BAD: dict[str, tuple[Reply, str, str]] = {
    "dies": (dying, "server_failed", "broke off"),
    "500": (refusing, "server_failed", "answers 500"),
    "hangs": (hanging(3), "server_failed", "said nothing for 1 s"),
    "garbage": (talking_nonsense, "server_failed", "streams what is no answer"),
    "closes early": (ending_early, "server_failed", "ended an answer early"),
    "another model": (another_model, "server_failed", "answers for the model 'org/other'"),
    "another prompt": (answering(3), "reasoning_not_applied", "renders another prompt"),
}


@pytest.mark.parametrize("concurrency", [None, 3])
@pytest.mark.parametrize("name", BAD)
def test_a_server_that_fails_in_the_middle_is_a_failed_run_with_a_message(
    run_served: Runs, good: Reply, tmp_path: Path, name: str, concurrency: int | None
) -> None:
    bad, kind, said = BAD[name]
    answered: list[Any] = []
    whole = WARM_UP_REQUESTS * (concurrency or 1) + 2

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        answered.append(body)
        (good if len(answered) <= whole else bad)(handler, body)

    report, _ = run_served(reply, concurrency, silence=1.0)
    assert report.failure is not None
    assert (report.failure.kind, report.summary, report.applied) == (kind, None, None)
    assert said in report.failure.message
    assert report.failure.remedy
    assert len(journal(tmp_path)) <= 2
    # What was still under way has ended, and nothing was begun after that.
    assert len(answered) <= whole + 2 * (concurrency or 1)


def test_an_answer_that_goes_on_does_not_hold_up_the_end(
    run_served: Runs, good: Reply, tmp_path: Path
) -> None:
    """One of three dies while the others stream as if without end."""
    answered: list[Any] = []

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        answered.append(body)
        number = len(answered) - 3 * WARM_UP_REQUESTS
        if number <= 0:
            good(handler, body)
        elif number == 3:
            dying(handler, body)
        else:
            handler.begin_stream()
            try:
                while True:
                    handler.send_event(chunk(" on"))
            except OSError:
                handler.close_connection = True

    report, _ = run_served(reply, 3)
    assert report.failure is not None
    assert "broke off" in report.failure.message
    assert journal(tmp_path) == []
