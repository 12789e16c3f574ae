"""Where a server with OpenAI's interface answers."""

from dataclasses import dataclass
from urllib.parse import urlsplit

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
        parts = urlsplit(self.root)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def loopback(self) -> bool:
        """Whether only programs of the server's own machine reach it."""
        return self.host in ("localhost", "::1", "0.0.0.0") or self.host.startswith("127.")


def parse_address(url: str) -> ServerAddress:
    """The server that `url` names, with `/v1` at its end or without.

    Raises:
        ValueError: it is no such URL, or holds what may not be written down. The message does not
            repeat the URL.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("holds spaces or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("has no valid host or port") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("does not begin with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password, and it is written into files")
    if parts.query or parts.fragment:
        raise ValueError("holds a query or fragment")
    try:
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise ValueError("has no valid host") from error
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port is None else f"{host}:{port}"
    path = parts.path.rstrip("/").removesuffix(_VERSION).rstrip("/")
    return ServerAddress(f"{parts.scheme}://{place}{path}", parts.hostname)
