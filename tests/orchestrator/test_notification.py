"""The end of a sweep is posted to a real server, which takes it, refuses it, hangs or is away."""

import getpass
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator import notification
from orchestrator.errors import HostError, Problem
from orchestrator.notification import MOST_FAILED, find_notification_problem, notifying
from orchestrator.outcome import Outcome
from orchestrator.run_directory import RunDirectory
from tests.support import builders
from tests.support.runner import batch, write_catalog
from tests.support.settings import settings

SECRET = "T0pSecretKey"


class Handler(BaseHTTPRequestHandler):
    status = 204
    received: list[dict]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append({"path": self.path, "headers": dict(self.headers), "body": body})
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def listening(status: int = 204) -> Iterator[tuple[str, list[dict]]]:
    received: list[dict] = []
    handler = type("Told", (Handler,), {"status": status, "received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?key={SECRET}", received
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def stalling(drip: bool) -> Iterator[str]:
    """A server that takes a connection and says nothing, or one byte of a header after another."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            client, _ = door.accept()
            with client:
                client.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not over.wait(0.02):
                    if drip:
                        client.sendall(b"x")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/?key={SECRET}"
        finally:
            over.set()
            thread.join()


class Notices:
    """Of the display only what is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def notice(self, text: str) -> None:
        self.texts.append(text)


def ended(directory, run_id, name="finished", joules=7200.0):
    spec = builders.spec(run_id=run_id)
    folder = directory.folder(run_id)
    folder.prepare(spec, builders.launch())
    report = builders.report(spec, ledger=builders.ledger(joules))
    folder.report_path.write_text(report.to_json())
    outcome = Outcome(
        run_id=run_id, spec_hash=spec.spec_hash(), outcome=name, engine="process",
        finished_at=builders.NOW, log_file="x.log",
    )  # fmt: skip
    folder.record(spec, builders.launch(), outcome)


def told(url, directory, run_ids, fault=None):
    display = Notices()
    with notifying(settings("--notify-url", url), directory, run_ids, display):
        if fault:
            raise fault
    return display.texts


@pytest.fixture
def directory(tmp_path):
    made = RunDirectory(tmp_path / "results")
    made.create()
    return made


def test_a_sweep_is_told_with_counts_and_energy_and_nothing_of_the_machine(tmp_path):
    write_catalog(tmp_path / "models.csv", ["one", "two"])
    (tmp_path / "s.yaml").write_text(
        "default: {seconds_per_sample: 0.05, load_seconds: 0.3}\n"
        "runs: {sim_two_Off: {fault: crash}}\n"
    )
    flags = ("--backend", "simulated", "--engine", "process", "--num-prompts", "2")
    flags += ("--repetitions", "2", "--simulation", "s.yaml", "--output-dir", "results")
    with listening() as (url, received):
        done = batch(*flags, "--notify-url", url, cwd=tmp_path, HF_TOKEN="hf_token_0123456789")
    assert done.returncode == 1, done.stderr
    (request,) = received
    assert request["path"] == f"/hook?key={SECRET}"
    assert request["headers"]["Content-Type"] == "application/json"
    message = json.loads(request["body"])
    assert message["counts"] == {
        "finished": 1,
        "failed": 1,
        "interrupted": 0,
        "not_started": 0,
        "unreadable": 0,
    }
    assert (message["output_dir"], message["ended"]) == ("results", "complete")
    assert message["failed_run_ids"] == ["sim_two_Off"]
    assert message["simulated_gpu_energy_wh"] > 0 and message["untold_attempts"] == 1
    assert message["spent_gpu_energy_wh"] is None
    sent = request["body"].decode() + str(request["headers"])
    for secret in (socket.gethostname(), getpass.getuser(), str(tmp_path), "hf_token", SECRET):
        assert secret not in sent
    assert SECRET not in done.stdout + done.stderr


def test_what_is_not_of_the_plan_is_left_out_and_the_failed_are_bounded(directory):
    ended(directory, "a")
    ended(directory, "b", joules=3600.0)
    ended(directory, "another")
    failed = [f"f{number:03d}" for number in range(MOST_FAILED + 7)]
    for run_id in failed:
        ended(directory, run_id, name="failed")
    with listening() as (url, received):
        assert told(url, directory, ["a", "b", "never", *failed]) == []
    message = json.loads(received[0]["body"])
    assert (message["spent_gpu_energy_wh"], message["untold_attempts"]) == (3.0, len(failed))
    assert len(message["failed_run_ids"]) == MOST_FAILED
    assert message["failed_run_ids_left_out"] == 7
    assert (message["ended"], message["counts"]["not_started"]) == ("interrupted", 1)


def test_a_sweep_that_the_host_ended_is_told_and_one_that_never_began_is_not(directory):
    ended(directory, "a")
    with listening() as (url, received):
        with pytest.raises(HostError):
            told(url, directory, ["a"], HostError(Problem("disk", "is full", "Free it.")))
        with pytest.raises(KeyboardInterrupt):
            told(url, directory, ["a"], KeyboardInterrupt())
    assert [json.loads(one["body"])["ended"] for one in received] == ["error"]


@pytest.mark.parametrize("status", [500, 404, 302, 307])
def test_a_server_that_does_not_take_it_is_a_notice(directory, status):
    with listening(status) as (url, received):
        (notice,) = told(url, directory, [])
    assert len(received) == 1, "it is asked once, and led nowhere else"
    assert f"it answered {status}" in notice and SECRET not in notice


def test_a_server_that_is_away_is_a_notice(directory):
    (notice,) = told(f"http://127.0.0.1:9/?key={SECRET}", directory, [])
    assert "ConnectError" in notice and SECRET not in notice


@pytest.mark.parametrize("drip", [False, True])
def test_a_server_that_never_ends_its_answer_holds_up_nothing_for_long(
    directory, monkeypatch, drip
):
    monkeypatch.setattr(notification, "SILENCE_SECONDS", 5.0 if drip else 0.2)
    monkeypatch.setattr(notification, "WHOLE_SECONDS", 0.4 if drip else 60.0)
    with stalling(drip) as url:
        (notice,) = told(url, directory, [])
        assert ("no answer in time" if drip else "ReadTimeout") in notice
    assert SECRET not in notice


@pytest.mark.parametrize(
    "url",
    [
        "https://host/path",
        "http://host:8080",
        "https://hooks.host/a/b?key=x&y=%20",
        "http://[::1]/",
    ],
)
def test_addresses_that_are_taken(url):
    assert find_notification_problem(url) is None


@pytest.mark.parametrize(
    "url",
    ["ftp://host", "file:///etc/passwd", "hooks.org/path", "http:///", "https://u:p@host/", "https://h/#x",
     "https://h/?a b", "https://h/?a\n", "https://h/?a#b", "https://h/?", "https://h:port/"],
)  # fmt: skip
def test_addresses_that_are_refused_before_anything_starts(url):
    problem = find_notification_problem(url)
    assert problem is not None and problem.where == "--notify-url"
    assert url not in str(problem)
