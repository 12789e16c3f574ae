"""Where a server with OpenAI's interface answers."""

from dataclasses import dataclass

from benchmark_core.web_address import checked_parts, is_loopback

FORM = "http://HOST:8000/v1"
_VERSION = "/v1"


@dataclass(frozen=True)
class ServerAddress:
    """The root of a server, without `/v1` and without a slash at its end: `http://gpu-box:8001`.

    It carries no secret, because it is written into files.
    """

    root: str
    host: str

    @property
    def api(self) -> str:
        """What stands before `/chat/completions`."""
        return self.root + _VERSION

    @property
    def port(self) -> int:
        parts = checked_parts(self.root)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def loopback(self) -> bool:
        """Whether only programs of the server's own machine reach it."""
        return is_loopback(self.host)


def parse_address(url: str) -> ServerAddress:
    """The server that `url` names, with `/v1` at its end or without.

    Raises:
        ValueError: it is no such URL, or holds what may not be written down. The message does not
            repeat the URL.
    """
    parts = checked_parts(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    place = host if parts.port is None else f"{host}:{parts.port}"
    path = parts.path.rstrip("/").removesuffix(_VERSION).rstrip("/")
    return ServerAddress(f"{parts.scheme}://{place}{path}", name)
