"""A model hub on this machine that has files, with the real hub's paths, headers and ranges."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote

COMMIT = "c" * 40
API = re.compile(r"/api/(?P<kind>model|dataset)s/(?P<id>[^/]+/[^/]+)(?P<rest>/.*)?")
FILE = re.compile(
    r"/(?P<dataset>datasets/)?(?P<id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)"
)


@dataclass
class FileHub:
    """`repositories` maps `models/org/name` to files, `commits` where it is not `COMMIT`.

    `gated` ones are known, and not given.
    The first `breaks` downloads of large files break off in the middle; where `holds` is set, they
    set `held` and stop there until it is cleared. `seen` gets every path that was asked for, with
    its method; `ranges` the ranges; `tokens` what came as a bearer.
    """

    repositories: dict[str, dict[str, bytes]]
    commits: dict[str, str] = field(default_factory=dict)
    gated: frozenset[str] = frozenset()
    breaks: int = 0
    holds: bool = False
    address: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    held: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)

    def commit(self, repository: str) -> str:
        return self.commits.get(repository, COMMIT)

    @property
    def downloads(self) -> list[str]:
        return [
            unquote(path) for method, path in self.seen if method == "GET" and "/resolve/" in path
        ]


LARGE = 100_000


def of_cache(cache: Path) -> FileHub:
    """A hub that has what lies in a cache, and is of the same commits."""
    hub = FileHub({}, commits={})
    for snapshot in cache.glob("*--*--*/snapshots/*"):
        kind, organisation, name = snapshot.parents[1].name.split("--", 2)
        repository = f"{kind}/{organisation}/{name}"
        hub.commits[repository] = snapshot.name
        hub.repositories[repository] = {
            path.relative_to(snapshot).as_posix(): path.read_bytes()
            for path in snapshot.rglob("*")
            if path.is_file()
        }
    return hub


@contextmanager
def serving(hub: FileHub) -> Iterator[FileHub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            hub.seen.append((self.command, path))
            hub.tokens.add(self.headers.get("Authorization", "").removeprefix("Bearer "))
            if match := API.fullmatch(path):
                self._describe(f"{match['kind']}s/{match['id']}", match["rest"] or "", query)
            elif match := FILE.fullmatch(path):
                kind = "datasets" if match["dataset"] else "models"
                self._give(f"{kind}/{match['id']}", unquote(match["name"]))
            else:
                self._refuse(404, "EntryNotFound")

        do_HEAD = do_GET  # noqa: N815 - as the server calls it

        def _describe(self, repository: str, rest: str, query: str) -> None:
            files = hub.repositories.get(repository)
            if files is None:
                self._refuse(404, "RepoNotFound")
            elif rest == "/auth-check":
                if repository in hub.gated:
                    self._refuse(403, "GatedRepo")
                else:
                    self._send_json({})
            elif rest.startswith("/tree/"):
                folder = unquote(rest).removeprefix("/tree/").partition("/")[2]
                if entries := _tree(files, folder, "recursive=true" in query.lower()):
                    self._send_json(entries)
                else:
                    self._refuse(404, "EntryNotFound")
            else:
                siblings = [_sibling(name, content) for name, content in files.items()]
                identity = repository.partition("/")[2]
                self._send_json(
                    {"id": identity, "sha": hub.commit(repository), "siblings": siblings}
                )

        def _give(self, repository: str, name: str) -> None:
            content = hub.repositories.get(repository, {}).get(name)
            if repository in hub.gated:
                self._refuse(403, "GatedRepo")
            elif content is None:
                self._refuse(404, "EntryNotFound")
            else:
                self._send_file(content, hub.commit(repository))

        def _send_file(self, content: bytes, commit: str) -> None:
            asked, first = self.headers.get("Range"), 0
            if asked and self.command == "GET":
                hub.ranges.append(asked)
                first = int(asked.removeprefix("bytes=").partition("-")[0])
            part = content[first:]
            self.send_response(206 if asked else 200)
            if asked:
                end = len(content) - 1
                self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
            self.send_header("ETag", f'"{blob(content)}"')
            self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if len(part) >= LARGE and (hub.breaks > 0 or hub.holds):
                self.wfile.write(part[: len(part) // 2])
                self.wfile.flush()
                if hub.holds:
                    hub.held.set()
                    hub.over.wait()
                hub.breaks -= 1
                self.close_connection = True
                return
            self.wfile.write(part)

        def _send_json(self, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever stops a download breaks the connection."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def blob(content: bytes) -> str:
    """As the hub names contents: large ones by their SHA-256."""
    if len(content) >= LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sibling(name: str, content: bytes) -> dict[str, object]:
    small = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
    if len(content) < LARGE:
        return small | {"blobId": blob(content)}
    lfs = {"sha256": blob(content), "size": len(content), "pointerSize": 100}
    return small | {"lfs": lfs}


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, object]]:
    """What lies in a folder; only with `recursive` also what lies deeper."""
    start = f"{folder}/" if folder else ""
    inside = {name: content for name, content in files.items() if name.startswith(start)}
    if recursive:
        return [_entry(name, content) for name, content in inside.items()]
    folders = {start + name[len(start) :].partition("/")[0] for name in inside} - set(inside)
    entries = [
        _entry(name, content) for name, content in inside.items() if "/" not in name[len(start) :]
    ]
    return entries + [
        {"type": "directory", "path": name, "oid": "0" * 40} for name in sorted(folders)
    ]


def _entry(name: str, content: bytes) -> dict[str, object]:
    entry = {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
    if len(content) < LARGE:
        return entry | {"oid": blob(content)}
    return entry | {"lfs": {"oid": blob(content), "size": len(content), "pointerSize": 100}}
