"""Whether a bundle says who ran the benchmark, and where: it holds no such thing, nor a secret."""

import getpass
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scoring.bundles.archive import Content

NOBODYS_USERS: Final = frozenset({"root", "user", "nobody"})
NOBODYS_HOSTS: Final = frozenset({"localhost"})
NOBODYS_HOMES: Final = frozenset({"/", "/root", "/home/user", "/nonexistent"})
"""Names that many machines share, those inside the image among them."""

LONGEST_MATCH: Final = 512
"""In bytes; so much of a block is looked at again with the next one."""
MOST_PLACES: Final = 20
"""Of one file; a log may have the same name in each of its lines."""

SECRETS: Final[dict[str, bytes]] = {
    "a token of the hub": rb"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{16,100}",
    "a secret key (sk-...)": rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,200}",
    "an AWS key": rb"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "an AWS secret": (
        rb"(?i:aws_secret_access_key|aws_session_token)[\"' ]{0,3}[=:][\"' ]{0,3}\S{8}"
    ),
    "a token of GitHub": rb"(?<![A-Za-z0-9_])(?:gh[opsu]_|github_pat_)[A-Za-z0-9_]{16,255}",
    "a private key": rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----",
    "a password in an address": rb"://[^/\s:@\"']{1,64}:[^/\s:@\"']{1,128}@",
    "a bearer token": (
        rb"(?i:authorization)[\"']?: {0,3}[\"']?(?i:bearer) {1,3}[A-Za-z0-9._~+/-]{8,400}"
    ),
}


@dataclass(frozen=True)
class Identity:
    """Who is at work here. What is empty is not looked for."""

    host: str
    user: str
    home: str

    @classmethod
    def here(cls) -> "Identity":
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = ""
        try:
            home = str(Path.home())
        except RuntimeError:
            home = ""
        return cls(socket.gethostname(), user, home)

    def patterns(self) -> dict[str, bytes]:
        """What would give this identity away, each as a whole word."""
        hosts = {self.host, self.host.partition(".")[0]} - NOBODYS_HOSTS
        named = {
            "this machine's host name": hosts,
            "this user's name": {self.user} - NOBODYS_USERS,
            "this user's home folder": {self.home} - NOBODYS_HOMES,
        }
        found = {name: sorted(texts - {""}) for name, texts in named.items()}
        return {name: _words(texts) for name, texts in found.items() if texts}


@dataclass(frozen=True)
class Disclosure:
    """What stands in a line of a member. The text itself is never kept."""

    what: str
    member: str
    line: int


def disclosures(contents: Sequence[Content], identity: Identity) -> Iterator[Disclosure]:
    """Everything in these members that names the machine or its user, or is a secret.

    Raises:
        OSError: a file cannot be read.
    """
    patterns = identity.patterns() | SECRETS
    names = list(patterns)
    groups = b"|".join(b"(" + pattern + b")" for pattern in patterns.values())
    every = re.compile(groups)
    for content in contents:
        found = dict.fromkeys(_found(content, every))
        for group, line in list(found)[:MOST_PLACES]:
            yield Disclosure(names[group], content.name, line)


def _words(texts: Sequence[str]) -> bytes:
    # A "/" after a home folder ends it; "/home/ann" is not in "/home/anna".
    words = b"|".join(re.escape(text.encode()) for text in texts)
    return rb"(?<![A-Za-z0-9_.-])(?:" + words + rb")(?![A-Za-z0-9_-])"


def _found(content: Content, every: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """The number of the pattern and the line, for each match."""
    kept, line = b"", 1
    for block in content.blocks():
        text = kept + block
        for match in every.finditer(text):
            group = match.lastindex or 1
            yield group - 1, line + text.count(b"\n", 0, match.start())
        cut = max(0, len(text) - LONGEST_MATCH)
        line += text.count(b"\n", 0, cut)
        kept = text[cut:]
