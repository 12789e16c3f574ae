"""A program that takes vLLM's flags and serves like it, with the standard library alone.

    python -m tests.support.served_program ORG/NAME --port N [--host H]
        [--served-model-name NAME ...] [--counts FILE] [--fate WHAT] [--token-seconds S] [--worker]

`--counts` is a JSON file with the number of tokens of each prompt; without it `counts.json` in the
hub's cache. Once it answers it prints one line of JSON with its process number, and that of its
worker, a process of its own that does nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.chat_server import ChatServer, Handler, Reply, answering

FATES = (
    *("none", "dies_at_start", "never_well", "dies_later"),
    *("other_model", "other_server", "default_model"),
)
WARM_UP_REQUESTS = 11


def main() -> None:
    options = _parse()
    if options.fate == "dies_at_start":
        print("CUDA error: no kernel image is available", file=sys.stderr, flush=True)
        sys.exit(1)
    if options.fate == "never_well":
        print("loading weights", flush=True)
        time.sleep(600)
    place = options.counts or Path(os.environ["HF_HUB_CACHE"]) / "counts.json"
    names, root = options.names or [options.model], options.model
    if options.fate == "other_model":
        names = ["org/other"]
    elif options.fate == "other_server":
        names = names[:1]
    elif options.fate == "default_model":
        root = "org/default"
    bound = type(
        "Bound",
        (Handler,),
        {
            "reply": staticmethod(_reply(json.loads(place.read_text()), options)),
            "models": [
                {"id": name, "object": "model", "owned_by": "vllm", "root": root} for name in names
            ],
            "requests": [],
        },
    )
    server = ChatServer((options.host, options.port), bound)
    said = {"pid": os.getpid(), "port": server.server_port}
    if options.worker:
        # Ends with this process, whose end closes the pipe.
        worker = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        said["worker"] = worker.pid
    print(json.dumps(said), flush=True)
    server.serve_forever()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--served-model-name", dest="names", nargs="+")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--fate", choices=FATES, default="none")
    parser.add_argument("--token-seconds", type=float, default=0.0)
    parser.add_argument("--worker", action="store_true")
    return parser.parse_args()


def _reply(counts: dict[str, int], options: argparse.Namespace) -> Reply:
    answered: list[None] = []

    def reply(handler: Handler, body: dict[str, Any]) -> None:
        answered.append(None)
        if options.fate == "dies_later" and len(answered) > WARM_UP_REQUESTS + 2:
            os._exit(7)
        prompt = counts[body["messages"][-1]["content"]]
        answering(prompt, options.token_seconds)(handler, body)

    return reply


if __name__ == "__main__":
    main()
