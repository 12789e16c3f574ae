"""Model hubs on this machine, with the real hub's paths, status and error codes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, str, bytes]
"""Status, error code (may be empty) and body."""


@contextmanager
def refusing_hub(
    status: int, error_code: str, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a hub that answers every request that way."""
    with _hub(lambda path, token: (status, error_code, b""), headers) as address:
        yield address


@contextmanager
def redirecting_hub(elsewhere: str) -> Iterator[str]:
    """The address of a hub that sends every request on to another one."""

    def answer(path: str, token: str) -> Answer:
        return 307, "", b""

    with _hub(answer, location=elsewhere) as address:
        yield address


@dataclass(frozen=True)
class Request:
    """One that a hub was sent. `token` is what came as a bearer, empty without one."""

    path: str
    token: str


@contextmanager
def knowing_hub(
    commits: Mapping[str, str],
    refused: Mapping[str, tuple[int, str]] | None = None,
    seen: list[Request] | None = None,
) -> Iterator[str]:
    """The address of a hub that knows commits, who may read which model, and has no files.

    The keys of `commits` are paths of its API: `models/org/name`,
    `datasets/org/name/revision/v1`. `refused` are models whose files it does not give, with status
    and error code: everybody may know of a gated one, of a private one nobody. `seen` gets every
    request.
    """
    closed = refused or {}

    def answer(path: str, token: str) -> Answer:
        if seen is not None:
            seen.append(Request(path, token))
        name = path.partition("?")[0].removeprefix("/").removeprefix("api/")
        is_question = name.endswith("/auth-check")
        model = "/".join(name.removeprefix("models/").split("/")[:2])
        is_known = name in commits
        if model in closed and (closed[model][1] != "GatedRepo" or not is_known):
            return *closed[model], b""
        if is_known:
            body = {"id": "/".join(name.split("/")[1:3]), "sha": commits[name]}
            return 200, "", json.dumps(body).encode()
        if f"models/{model}" in _repositories(commits):
            if is_question:
                return 200, "", b"{}"
            return 404, "RevisionNotFound" if "/revision/" in name else "EntryNotFound", b""
        return 404, "RevisionNotFound" if "/revision/" in name else "RepoNotFound", b""

    with _hub(answer) as address:
        yield address


def _repositories(commits: Mapping[str, str]) -> set[str]:
    return {"/".join(name.split("/")[:3]) for name in commits}


@contextmanager
def _hub(
    answer: Callable[[str, str], Answer],
    headers: Mapping[str, str] | None = None,
    location: str | None = None,
) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, error_code, body = answer(self.path, token)
            self.send_response(status)
            if error_code:
                self.send_header("X-Error-Code", error_code)
            for name, text in (headers or {}).items():
                self.send_header(name, text)
            if location is not None:
                self.send_header("Location", location + self.path)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - as above

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
