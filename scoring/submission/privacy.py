"""Whether a bundle says who ran the benchmark, and where: it holds no such thing, nor a secret."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from scoring.bundles.archive import Content
from scoring.submission.identity import Identity

LONGEST_MATCH: Final = 512
"""In bytes; so much of a block is looked at again with the next one."""
MOST_PLACES: Final = 20
"""Of one file; a log may have the same name in each of its lines."""

SECRETS: Final[dict[str, tuple[tuple[bytes, ...], bytes]]] = {
    "a token of the hub": (
        (b"hf_", b"api_org_"),
        rb"(?<![A-Za-z0-9_])(?:hf|api_org)_[A-Za-z0-9]{16,100}",
    ),
    "a secret key (sk-...)": ((b"sk-",), rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,200}"),
    "an AWS key": (
        (b"akia", b"asia"),
        rb"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    ),
    "an AWS secret": (
        (b"aws_secret_access_key", b"aws_session_token"),
        rb"(?i:aws_secret_access_key|aws_session_token)[\"' ]{0,3}[=:][\"' ]{0,3}\S{8}",
    ),
    "a token of GitHub": (
        (b"gho_", b"ghp_", b"ghr_", b"ghs_", b"ghu_", b"github_pat_"),
        rb"(?<![A-Za-z0-9_])(?:gh[oprsu]_|github_pat_)[A-Za-z0-9_]{16,255}",
    ),
    "a token of GitLab": ((b"glpat-",), rb"(?<![A-Za-z0-9_-])glpat-[A-Za-z0-9_.-]{16,300}"),
    "a key of Google": (
        (b"aiza",),
        rb"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    ),
    "a token of Slack": (
        (b"xox",),
        rb"(?<![A-Za-z0-9_-])xox[abeoprs]-[A-Za-z0-9-]{16,300}",
    ),
    "a private key": ((b"private key",), rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "a password in an address": ((b"://",), rb"://[^/\s:@\"']{1,64}:[^/\s:@\"']{1,128}@"),
    "a bearer token": (
        (b"authorization",),
        rb"(?i:authorization)[\"']?: {0,3}[\"']?(?i:bearer) {1,3}[A-Za-z0-9._~+/-]{8,400}",
    ),
}
"""What a secret looks like, after what has to be there in small letters: only a piece of a file
that has one of these is looked at closely."""


@dataclass(frozen=True)
class Disclosure:
    """What stands in a line of a member, in line 0 in its name. The text itself is never kept."""

    what: str
    member: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.member}, line {self.line}" if self.line else f"{self.member}, its name"


def disclosures(contents: Sequence[Content], identity: Identity) -> Iterator[Disclosure]:
    """Everything in these members that names a machine or its user, or is a secret.

    Raises:
        OSError: a file cannot be read.
    """
    marks = [
        _Mark(what, anchors, re.compile(pattern))
        for what, (anchors, pattern) in (_of_identity(identity) | SECRETS).items()
    ]
    for content in contents:
        found: set[Disclosure] = set()
        for one in chain(_in_name(content, marks), _in_text(content, marks)):
            found.add(one)
            if len(found) == MOST_PLACES:
                break
        yield from sorted(found, key=lambda one: (one.line, one.what))


@dataclass(frozen=True)
class _Mark:
    what: str
    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def places(self, text: bytes, lowered: bytes) -> Iterator[int]:
        if any(anchor in lowered for anchor in self.anchors):
            yield from (match.start() for match in self.pattern.finditer(text))


def _of_identity(identity: Identity) -> dict[str, tuple[tuple[bytes, ...], bytes]]:
    """What would give it away, each as a whole word."""
    named = {
        "a machine's host name": (identity.hosts, b"(?i:"),
        "a user's name": (identity.users, b"(?:"),
        "a user's home folder": (identity.homes, b"(?:"),
    }
    return {what: _words(names, start) for what, (names, start) in named.items() if names}


def _words(names: Collection[str], start: bytes) -> tuple[tuple[bytes, ...], bytes]:
    words = [name.encode(errors="surrogateescape") for name in sorted(names)]
    either = b"|".join(map(re.escape, words))
    # A "/" after a home folder ends it; "/home/ann" is not in "/home/anna".
    pattern = rb"(?<![A-Za-z0-9_.-])" + start + either + rb")(?![A-Za-z0-9_-])"
    return tuple(word.lower() for word in words), pattern


def _in_name(content: Content, marks: Sequence[_Mark]) -> Iterator[Disclosure]:
    """Parts of names of files are put together with "_", too."""
    for name in (content.name, content.name.replace("_", " ")):
        text = name.encode()
        for mark in marks:
            yield from (
                Disclosure(mark.what, content.name, 0) for _ in mark.places(text, text.lower())
            )


def _in_text(content: Content, marks: Sequence[_Mark]) -> Iterator[Disclosure]:
    kept, line = b"", 1
    for block in content.blocks():
        text = kept + block
        lowered = text.lower()
        for mark in marks:
            for place in mark.places(text, lowered):
                yield Disclosure(mark.what, content.name, line + text.count(b"\n", 0, place))
        cut = max(0, len(text) - LONGEST_MATCH)
        line += text.count(b"\n", 0, cut)
        kept = text[cut:]
