"""A server with OpenAI's interface that answers as a test tells it to, well or badly.

What real servers do is tested with a real one; this one breaks off, hangs, and talks nonsense.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

MODEL = "org/model"
Reply = Callable[["Handler", dict[str, Any]], None]


class ChatServer(ThreadingHTTPServer):
    """Says nothing of clients that left early, as real servers do; other errors stay loud."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """`send_*` are what a reply is made of."""

    reply: Reply
    models: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    streams = False
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        pages: dict[str, Any] = {
            "/v1/models": {"object": "list", "data": self.models},
            "/health": {"status": "ok"},
        }
        if any(model.get("owned_by") == "vllm" for model in self.models):
            pages["/version"] = {"version": "0.11.2"}
        page = pages.get(self.path)
        self.send_json(200 if page else 404, page or {"detail": "Not Found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append({"path": self.path, "connection": self.client_address, **body})
        self.streams = False
        type(self).reply(self, body)
        if self.streams and not self.close_connection:
            self.wfile.write(b"0\r\n\r\n")

    def send_json(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.streams = True

    def send_event(self, content: Any) -> None:
        self.send_bytes(f"data: {json.dumps(content)}\n\n".encode())

    def send_bytes(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def break_off(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a line."""


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def usage(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return {"id": "1", "choices": [], "usage": counts}


def answering(prompt: int = 5, token_seconds: float = 0.0, **more: Any) -> Reply:
    """As many tokens as are asked for."""

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        tokens = body["max_tokens"]
        handler.begin_stream()
        for number in range(tokens):
            time.sleep(token_seconds)
            handler.send_event(chunk(f" {number}"))
        handler.send_event(chunk(finish="length"))
        handler.send_event(usage(prompt, tokens, **more))
        handler.send_bytes(b"data: [DONE]\n\n")

    return reply


def rendering(tokenizer: Any) -> Reply:
    """As vLLM would answer with that tokenizer."""

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        prompt = tokenizer.apply_chat_template(
            body["messages"],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            **body.get("chat_template_kwargs", {}),
        )
        answering(len(prompt["input_ids"]))(handler, body)

    return reply


def hanging(seconds: float) -> Reply:
    def reply(handler: Handler, body: dict[str, Any]) -> None:
        handler.begin_stream()
        handler.send_event(chunk(" one"))
        time.sleep(seconds)
        handler.close_connection = True

    return reply


@contextmanager
def serving(
    reply: Reply, owned_by: str = "vllm", model: str = MODEL
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its address, ending in /v1, and the requests as they come."""
    requests: list[dict[str, Any]] = []
    models = [{"id": model, "object": "model", "owned_by": owned_by}]
    handler = type(
        "Bound", (Handler,), {"reply": staticmethod(reply), "models": models, "requests": requests}
    )
    server = ChatServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
