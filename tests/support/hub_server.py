"""Model hubs on this machine, with the real hub's paths, status and error codes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[int, str, bytes]
"""Status, error code (may be empty) and body."""


@contextmanager
def refusing_hub(status: int, error_code: str) -> Iterator[str]:
    """The address of a hub that answers every request that way."""
    with _hub(lambda path: (status, error_code, b"")) as address:
        yield address


@contextmanager
def knowing_hub(commits: Mapping[str, str]) -> Iterator[str]:
    """The address of a hub that knows commits and nothing else.

    The keys are paths of its API: `models/org/name`, `datasets/org/name/revision/v1`.
    """

    def answer(path: str) -> Answer:
        name = path.partition("?")[0].removeprefix("/api/")
        if name in commits:
            body = {"id": "/".join(name.split("/")[1:3]), "sha": commits[name]}
            return 200, "", json.dumps(body).encode()
        return 404, "RevisionNotFound" if "/revision/" in name else "RepoNotFound", b""

    with _hub(answer) as address:
        yield address


@contextmanager
def _hub(answer: Callable[[str], Answer]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, error_code, body = answer(self.path)
            self.send_response(status)
            if error_code:
                self.send_header("X-Error-Code", error_code)
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
