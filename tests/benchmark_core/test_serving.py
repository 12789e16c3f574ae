"""The client of a server with OpenAI's interface: its addresses, words, streams and troubles."""

import socket
import time
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from benchmark_core.contract import TokenLimits
from benchmark_core.faults import ServerFault
from benchmark_core.serving import server as server_module
from benchmark_core.serving.address import parse_address
from benchmark_core.serving.dialects import DIALECTS, Unspeakable, recognised
from benchmark_core.serving.event_stream import LONGEST_EVENT_BYTES, StreamError, objects
from benchmark_core.serving.server import CHAT, Answer, RefusedRequest, Server
from tests.support.chat_server import (
    MODEL,
    Handler,
    Reply,
    answering,
    chunk,
    hanging,
    serving,
    usage,
)

TEN = TokenLimits(max_new_tokens=10, min_new_tokens=10)
SILENCE_SECONDS = 0.5


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000"),
        ("http://localhost:8000/v1/", "http://localhost:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://gpu-box:8001", "http://gpu-box:8001"),
        ("http://gpu-box:8001/v1", "http://gpu-box:8001"),
        ("https://models.example/llm/v1", "https://models.example/llm"),
        ("https://models.example/v11", "https://models.example/v11"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_an_address_is_the_same_with_v1_and_without(url: str, root: str) -> None:
    address = parse_address(url)
    assert address.root == root
    assert address.api == f"{root}/v1"


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:8000", "ftp://host", "http://", "http://host:port", "http://h\nost"),
        *("http://..", f"http://{'a' * 64}.example"),
        *("http://me:secret@host", "http://host?key=secret", "http://host/#secret"),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_loopback_is_known() -> None:
    known = [parse_address(f"http://{host}:1").loopback for host in ("localhost", "127.0.0.2")]
    assert known == [True, True]
    assert not parse_address("http://gpu-box:1").loopback


# ------------------------------------------------------------------ words


def test_vllm_is_told_everything_in_its_own_words() -> None:
    dialect = DIALECTS["vllm"]
    assert dialect.limits(TEN) == {
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "max_tokens": 10,
        "min_tokens": 10,
        "return_token_ids": True,
    }
    assert dialect.switches({"enable_thinking": False}) == {
        "chat_template_kwargs": {"enable_thinking": False}
    }
    assert dialect.switches({"reasoning_effort": "high"}) == {
        "chat_template_kwargs": {"reasoning_effort": "high"},
        "reasoning_effort": "high",
    }
    assert dialect.switches({}) == {}
    assert dialect.usage == {"stream_options": {"include_usage": True}}
    assert dialect.fresh("a") == {"cache_salt": "a"}


def test_a_server_without_words_for_it_is_not_asked() -> None:
    dialect = DIALECTS["openai"]
    with pytest.raises(Unspeakable, match="at least 10"):
        dialect.limits(TEN)
    with pytest.raises(Unspeakable, match="enable_thinking"):
        dialect.switches({"enable_thinking": True, "reasoning_effort": "low"})
    assert dialect.switches({"reasoning_effort": "low"}) == {"reasoning_effort": "low"}
    assert "min_tokens" not in dialect.limits(TokenLimits(max_new_tokens=9, min_new_tokens=1))


@pytest.mark.parametrize(
    ("owner", "paths", "name"),
    [
        ("vllm", set(), "vllm"),
        ("demo", {"/load_model", "/v1/models"}, "transformers"),
        ("someone", {"/v1/models"}, "openai"),
    ],
)
def test_a_server_is_recognised_by_what_it_says_of_itself(
    owner: str, paths: set[str], name: str
) -> None:
    assert recognised([{"id": "a", "owned_by": owner}], paths) == name


# ------------------------------------------------------------------ streams


def test_objects_come_whole_however_they_are_cut() -> None:
    text = b': hello\n\ndata: {"a": 1}\r\n\r\nevent: x\ndata:{"b": "\xc3\xa9"}\n\ndata: [DONE]\n\n{'
    for size in (1, 2, 3, 7, 1000):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        assert list(objects(chunks)) == [{"a": 1}, {"b": "é"}]


@pytest.mark.parametrize("event", [b"data: {\n", b"data: 3\n", b"data: " + b"[" * 100_000 + b"\n"])
def test_what_is_no_object_is_refused(event: bytes) -> None:
    with pytest.raises(StreamError) as caught:
        list(objects([event]))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(StreamError, match="longer than"):
        list(objects(b"a" * 2**20 for _ in range(LONGEST_EVENT_BYTES)))


# ------------------------------------------------------------------ answers


def ask(url: str, **more: Any) -> Answer:
    server = Server(parse_address(url), SILENCE_SECONDS)
    try:
        body = {"model": MODEL, "messages": [], "max_tokens": 3, **more}
        return server.answer(CHAT, body)
    finally:
        server.close()


def test_an_answer_has_the_servers_counts() -> None:
    with serving(answering(7, prompt_tokens_details={"cached_tokens": 0})) as (url, requests):
        answer = ask(url)
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert answer.finish_reason == "length"
    assert answer.first_token_at is not None
    assert answer.token_ids == answer.prompt_ids == []
    assert requests[0]["path"] == "/v1/chat/completions"


def stream(*events: Any, end: bytes = b"data: [DONE]\n\n") -> Reply:
    def reply(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        for event in events:
            handler.send_event(event)
        if end:
            handler.send_bytes(end)

    return reply


def test_the_first_token_may_be_one_of_reasoning() -> None:
    thought = {"choices": [{"delta": {"reasoning_content": "hm", "content": None}}]}
    with serving(stream(chunk(""), thought, chunk(finish="stop"), usage(1, 2))) as (url, _):
        answer = ask(url)
    assert answer.first_token_at is not None
    assert answer.finish_reason == "stop"
    with serving(stream(chunk(""), chunk(finish="stop"), usage(1, 2))) as (url, _):
        assert ask(url).first_token_at is None


def test_ids_are_put_together() -> None:
    parts = [{"choices": [{"delta": {"content": "x"}, "token_ids": ids}]} for ids in ([4, 5], [6])]
    prompt = {"choices": [], "prompt_token_ids": [1, 2]}
    with serving(stream(prompt, *parts, chunk(finish="length"), usage(2, 3))) as (url, _):
        answer = ask(url)
    assert (answer.prompt_ids, answer.token_ids) == ([1, 2], [4, 5, 6])


def test_a_model_answers_by_the_first_of_its_names() -> None:
    def reply(handler: Handler, body: dict[str, Any]) -> None:
        stream(chunk(" a", model="short"), chunk(finish="stop"), usage(1, 1))(handler, body)

    with serving(reply) as (url, _):
        server = Server(parse_address(url), SILENCE_SECONDS)
        with pytest.raises(ServerFault, match="for the model 'short'"):
            server.answer(CHAT, {"model": MODEL, "messages": []})
        listed = [{"id": "short", "root": "/weights"}, {"id": MODEL, "root": "/weights"}]
        server._page = lambda url: {"data": listed}  # type: ignore[method-assign]
        assert server.models() == listed
        assert server.answer(CHAT, {"model": MODEL, "messages": []}).completion_tokens == 1
        server.close()


def test_signs_of_life_do_not_keep_an_answer_going(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LONGEST_ANSWER_SECONDS", 0.3)

    def pinging(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        for _ in range(100):
            handler.send_bytes(b": ping\n\n")
            time.sleep(0.05)

    with serving(pinging) as (url, _), pytest.raises(ServerFault, match=r"longer than 0\.3 s"):
        ask(url)


def test_an_answer_is_whole_when_it_says_so_whatever_the_server_does_then() -> None:
    taken, lingered = Event(), []

    def lingering(handler: Handler, body: dict[str, Any]) -> None:
        stream(*WHOLE, usage(1, 1))(handler, body)
        handler.send_bytes(b": ping\n\n")
        lingered.append(taken.wait(30))

    with serving(lingering) as (url, _):
        assert ask(url).completion_tokens == 1
        taken.set()
        while not lingered:
            time.sleep(0.01)
    assert lingered == [True]


def breaking_off(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin_stream()
    handler.send_event(chunk(" one"))
    handler.break_off()


def status(number: int, text: str = "it broke") -> Reply:
    return lambda handler, body: handler.send_json(number, {"detail": text})


WHOLE = (chunk(" one"), chunk(finish="length"))
TROUBLES: dict[str, tuple[Reply, str]] = {
    "500": (status(500), "answers 500: .*it broke"),
    "401": (status(401, "no key"), "answers 401"),
    "hang": (hanging(5), "said nothing for 0.5 s"),
    "broken off": (breaking_off, "broke off"),
    "garbage": (stream(end=b"data: <html>\n\n"), "no JSON"),
    "early end": (stream(chunk(" one"), end=b""), "ended an answer early"),
    "no counts": (stream(*WHOLE), "without its token counts"),
    "broken counts": (stream(*WHOLE, {"usage": {"prompt_tokens": "9"}}), "gives no prompt_tokens"),
    "other model": (stream(chunk(" one", model="org/other")), "for the model 'org/other'"),
    "aborted": (stream(chunk(" one", finish="abort"), usage(1, 1)), "ended an answer with abort"),
    "reused": (
        stream(*WHOLE, usage(9, 1, prompt_tokens_details={"cached_tokens": 8})),
        "reuses what it computed for 8",
    ),
    "no ids": (stream({"choices": [{"delta": {}, "token_ids": [None]}]}), "are no numbers"),
    "no gzip": (
        lambda handler, body: (
            handler.send_response(200),
            handler.send_header("Content-Encoding", "gzip"),
            handler.send_header("Content-Length", "3"),
            handler.end_headers(),
            handler.wfile.write(b"abc"),
        ),
        "DecodingError",
    ),
    "error event": (stream({"error": {"message": "out of\nmemory"}}), "broke off an answer: .*out"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_every_trouble_is_told_and_ends(name: str) -> None:
    reply, said = TROUBLES[name]
    with serving(reply) as (url, _), pytest.raises(ServerFault, match=said) as caught:
        ask(url)
    assert url.removesuffix("/v1") in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.remedy


def test_nobody_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServerFault, match="cannot be reached"):
        ask(url)


def test_a_request_that_is_refused_fails_alone() -> None:
    said = r"\(400\): .*too long"
    with serving(status(400, "too long")) as (url, _), pytest.raises(RefusedRequest, match=said):
        ask(url)


@pytest.mark.parametrize(("busy", "works"), [(1, True), (2, True), (3, False)])
def test_a_busy_server_is_asked_again_a_few_times(
    monkeypatch: pytest.MonkeyPatch, busy: int, works: bool
) -> None:
    monkeypatch.setattr(server_module, "RETRY_SECONDS", 0.0)
    tries = []

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        tries.append(body)
        chosen: Callable[..., None] = status(503) if len(tries) <= busy else answering()
        chosen(handler, body)

    with serving(reply) as (url, _):
        if works:
            assert ask(url).completion_tokens == 3
        else:
            with pytest.raises(ServerFault, match="answers 503"):
                ask(url)
    assert len(tries) == min(busy + 1, 3)


def test_one_connection_serves_all_requests() -> None:
    with serving(answering()) as (url, requests):
        server = Server(parse_address(url), SILENCE_SECONDS)
        for _ in range(5):
            server.answer(CHAT, {"model": MODEL, "messages": [], "max_tokens": 3})
        server.close()
    assert len(requests) == 5
    assert len({request["connection"] for request in requests}) == 1


def test_models_and_version_are_what_the_server_lists() -> None:
    with serving(answering()) as (url, _):
        server = Server(parse_address(url), SILENCE_SECONDS)
        models = server.models()
        assert [model["id"] for model in models] == [MODEL]
        assert server.dialect(models).name == "vllm"
        assert server.version() == "0.11.2"
        server.close()
    with serving(answering(), owned_by="someone") as (url, _):
        server = Server(parse_address(url), SILENCE_SECONDS)
        assert server.dialect(server.models()).name == "openai"
        assert server.version() is None
        server.close()
