"""Before the night, every model of the plan that this user may not read is named, with its rows."""

import json
import socket
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread

import pytest

from orchestrator.batch import run_batch
from tests.support import catalogs
from tests.support.hub_server import knowing_hub, redirecting_hub, refusing_hub
from tests.support.runner import NO_HUB
from tests.support.settings import settings
from tests.support.token_search import TOKEN

ROWS = (
    "org/open,1,A,text_gen,Off,,",
    "org/gated,1,A,text_gen,Off,,",
    "org/private,1,A,text_gen,Off,,",
    "org/gated,1,A,text_gen,On,,",
    "org/open,1,A,text_gen,On,,org/gated-tokenizer",
)
HUB = {f"models/org/{name}": "1" * 40 for name in ("open", "gated", "private", "gated-tokenizer")}
REFUSED = {
    "org/gated": (403, "GatedRepo"),
    "org/gated-tokenizer": (401, "GatedRepo"),
    "org/private": (401, "RepoNotFound"),
}


@pytest.fixture
def plan(tmp_path, capsys):
    """Plans the catalog with that hub; gives what is warned of models and the hub."""
    catalog = catalogs.write(tmp_path / "mine.csv", *ROWS, header=f"{catalogs.HEADER},Processor")

    def run(address, *flags, environ=None, as_json=True):
        flags = flags or ("--device", "cpu")
        made = settings(
            *("--csv", str(catalog), "--output-dir", str(tmp_path / "results")),
            *("--engine", "process", "--prefetch", "off", *flags),
            environ={"HOME": str(tmp_path), "HF_ENDPOINT": address, "HF_TOKEN": TOKEN}
            | (environ or {}),
        )
        assert run_batch(made, dry_run=True, as_json=as_json) == 0
        shown = capsys.readouterr().out
        assert TOKEN not in shown
        if not as_json:
            return [line for line in shown.splitlines() if "model" in line.split(": ")[0:3][-1]]
        warnings = json.loads(shown)["warnings"]
        return [
            (item["where"].removeprefix(f"{catalog}, "), item["what"], item["remedy"])
            for item in warnings
            if item["what"].startswith("model ") or item["where"] == "model hub"
        ]

    return run


def test_every_refused_model_is_named_once_with_its_rows_and_the_remedy(plan):
    with knowing_hub(HUB, REFUSED) as address:
        gated, tokenizer, private = plan(address)
        lines = plan(address, as_json=False)
    assert gated[:2] == (
        "lines 3, 5",
        "model org/gated is gated: the hub refused access (401 or 403)",
    )
    assert "Accept its terms" in gated[2]
    assert tokenizer[0] == "line 6"
    assert tokenizer[1].startswith("model org/gated-tokenizer is gated")
    assert private[:2] == (
        "line 4",
        "model org/private is not on the hub, or is private (401 or 404)",
    )
    assert "Check the spelling" in private[2]
    assert sum("org/gated is gated" in line for line in lines) == 1


def test_a_model_that_is_not_there_is_named(plan):
    known = {name: commit for name, commit in HUB.items() if not name.endswith("private")}
    with knowing_hub(known) as address:
        ((where, what, _),) = plan(address)
    assert (where, what.split(" is ")[0]) == ("line 4", "model org/private")


def test_every_model_is_asked_for_once_and_the_token_goes_to_that_hub_alone(plan):
    seen = []
    with knowing_hub(HUB, seen=seen) as address:
        assert plan(address) == []
    assert sorted(request.path for request in seen) == sorted(
        f"/api/{name}/auth-check" for name in HUB
    )
    assert {request.token for request in seen} == {TOKEN}


def test_a_hub_that_sends_the_question_elsewhere_does_not_send_the_token_along(plan):
    seen = []
    with knowing_hub(HUB, seen=seen) as elsewhere, redirecting_hub(elsewhere) as address:
        assert plan(address) == []
    assert {request.token for request in seen} == {""}
    assert len(seen) == len(HUB)


def test_without_a_token_none_is_sent(plan):
    seen = []
    with knowing_hub(HUB, seen=seen) as address:
        plan(address, environ={"HF_TOKEN": ""})
    assert {request.token for request in seen} == {""}


@pytest.mark.parametrize(
    ("status", "code", "told", "remedy"),
    [
        (401, "", "the hub does not accept the token (401)", "hf auth login"),
        (503, "", "the hub answered 503", "later"),
        (429, "", "the hub answered 429", "later"),
        # As a mirror answers that does not know the question.
        (404, "", "the hub answered 404", "later"),
    ],
)
def test_a_trouble_of_the_hub_is_told_once(plan, status, code, told, remedy):
    message = {"X-Error-Message": "Invalid credentials in Authorization header"}
    with refusing_hub(status, code, message if status == 401 else {}) as address:
        ((where, what, how),) = plan(address)
    assert where == "model hub"
    assert what.startswith("whether the 4 models of the plan may be read could not be checked")
    assert told in what
    assert remedy in how


def test_a_hub_that_cannot_be_reached_is_told_once(plan):
    ((where, what, remedy),) = plan(NO_HUB)
    assert (where, "it cannot be reached" in what) == ("model hub", True)
    assert "HF_ENDPOINT" in remedy


def test_a_hub_that_never_answers_is_not_waited_for_by_every_model(plan, monkeypatch):
    monkeypatch.setattr("orchestrator.hub_inquiry.SECONDS_FOR_AN_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ((where, what, _),) = plan(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (where, "it cannot be reached" in what) == ("model hub", True)


def test_a_slow_hub_is_given_up(plan, monkeypatch):
    monkeypatch.setattr("orchestrator.hub_inquiry.SECONDS_FOR_ALL", -1.0)
    seen = []
    with knowing_hub(HUB, seen=seen) as address:
        ((where, what, _),) = plan(address)
    assert seen == []
    assert (where, "slow to answer" in what) == ("model hub", True)


def test_offline_nobody_is_asked_and_what_the_cache_lacks_is_named(plan, tmp_path):
    (tmp_path / "hub/models--org--open/snapshots/1").mkdir(parents=True)
    (tmp_path / "hub/models--org--private/snapshots").mkdir(parents=True)
    seen = []
    with knowing_hub(HUB, seen=seen) as address:
        found = plan(
            address, environ={"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")}
        )
    assert seen == []
    assert [(where, what.split()[1]) for where, what, _ in found] == [
        ("lines 3, 5", "org/gated"),
        ("line 6", "org/gated-tokenizer"),
        ("line 4", "org/private"),
    ]
    assert all("not in the cache" in what and "hf download" in how for _, what, how in found)


def test_where_no_model_is_fetched_nobody_is_asked(plan):
    seen = []
    with knowing_hub(HUB, REFUSED, seen) as address:
        assert plan(address, "--backend", "simulated") == []
    assert seen == []


@pytest.mark.parametrize(
    "server", [("--endpoint", NO_HUB), ("--serve-image", "acme/vllm:1")], ids=["other", "own"]
)
def test_a_served_model_is_asked_for_because_its_run_fetches_the_tokenizer(plan, server):
    with knowing_hub(HUB, REFUSED) as address:
        found = plan(address, "--backend", "vllm", *server)
    assert [what.split()[1] for _, what, _ in found] == [
        *("org/gated", "org/gated-tokenizer", "org/private"),
    ]


@pytest.mark.parametrize("address", ["http://[::1", "http://a b", "nonsense", "http://a:99999"])
def test_an_address_that_is_none_is_told_once(plan, address):
    ((where, what, remedy),) = plan(address)
    assert where == "model hub"
    assert "it cannot be " in what
    assert "HF_ENDPOINT" in remedy


def test_a_hub_that_sends_the_question_round_in_circles_is_told_once(plan):
    with redirecting_hub("") as address:
        ((where, what, _),) = plan(address)
    assert (where, "it cannot be reached" in what) == ("model hub", True)


@contextmanager
def sending(first, then, pause_seconds):
    """The address of a hub that begins every answer with `first`, and goes on without end."""
    over = Event()

    class Talker(BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                self.request.recv(65536)
                self.request.sendall(first)
                while not over.wait(pause_seconds):
                    self.request.sendall(then)

    with ThreadingTCPServer(("127.0.0.1", 0), Talker) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def test_of_an_answer_without_end_only_the_beginning_is_read(plan):
    refused = b"HTTP/1.1 403 Forbidden\r\nX-Error-Code: GatedRepo\r\n\r\n"
    with sending(refused, b"x" * 65536, 0) as address:
        found = plan(address)
    assert len(found) == len(HUB)
    assert all("is gated" in what for _, what, _ in found)


def test_an_answer_that_comes_in_drops_is_not_waited_for(plan, monkeypatch):
    """Each drop comes in time, so only the time for all bounds it."""
    monkeypatch.setattr("orchestrator.hub_inquiry.SECONDS_FOR_ALL", 1.0)
    with sending(b"HTTP/1.1 200 OK\r\n", b"X-Drop: 1\r\n", 0.2) as address:
        ((where, what, _),) = plan(address)
    assert (where, "slow to answer" in what) == ("model hub", True)
