"""Addresses of programs that answer over HTTP, as users write them. They end up in files."""

from urllib.parse import SplitResult, urlsplit


def checked_parts(url: str) -> SplitResult:
    """The parts of an http or https URL with a host; `port` can be read of it.

    Raises:
        ValueError: it is no such URL, or holds what may not be written down. The message does not
            repeat the URL.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("holds spaces or control characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError as error:
        raise ValueError("has no valid host or port") from error
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password, and it is written into files")
    if parts.query or parts.fragment:
        raise ValueError("holds a query or fragment")
    if parts.scheme not in ("http", "https") or not host or not url.isascii():
        raise ValueError("does not begin with http:// or https:// and a host")
    return parts


def is_loopback(host: str) -> bool:
    """Whether only programs that share the network of the host's own machine reach it."""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")
