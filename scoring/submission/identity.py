"""Who made runs, and where: the names that a bundle may not hold."""

import getpass
import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmark_core.contract import ATTEMPTS_DIR, LAUNCH_FILE, SPEC_FILE
from benchmark_core.documents import ContractError, read_bounded
from scoring.submission.run_files import OF_THE_PLACE

NOBODYS_USERS: Final = frozenset(
    {
        *("root", "user", "nobody", "admin", "runner", "ubuntu", "debian", "centos", "jovyan"),
        *("ec2-user", "azureuser", "opc"),
    }
)
NOBODYS_HOSTS: Final = frozenset(
    {
        *("localhost", "localhost.localdomain", "host.docker.internal", "0.0.0.0"),
        *("gpu", "cuda", "a100", "h100", "h200", "node", "server", "host", "docker"),
    }
)
NOBODYS_HOMES: Final = frozenset({"/", "/root", "/home/user", "/nonexistent"})
"""Names that many machines share, those inside the image among them, and words of any log."""

SWEEP_FILE: Final = "sweep.json"
HOST_FIELDS: Final = frozenset({"host", "owner_host", "node"})
"""Of the records that say where a run was started and where it ran."""
ENDPOINT_FIELDS: Final = frozenset({"endpoint", "dcgm_endpoint"})
MOST_NAMES: Final = 200
"""Of each kind; of more nodes than that the first are looked for."""

_HOME = re.compile(r"(?P<home>/(?:[^/\s\"':=]+/){0,4}?(?:home|Users)/(?P<user>[^/\s\"':=]+))")


@dataclass(frozen=True)
class Identity:
    """Names of machines, of users, and their home folders. What is empty is not looked for."""

    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    homes: frozenset[str] = frozenset()

    @classmethod
    def here(cls) -> "Identity":
        """Of this machine and whoever is at work on it."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = ""
        try:
            home = str(Path.home())
        except RuntimeError:
            home = ""
        return cls.of({socket.gethostname()}, {user}, {home})

    @classmethod
    def of(cls, hosts: Iterable[str], users: Iterable[str], homes: Iterable[str]) -> "Identity":
        """Without those that are nobody's; a machine also by the first part of its name."""
        return cls(
            _some(one for host in hosts for one in _host_names(host.casefold())),
            _some(set(users) - NOBODYS_USERS),
            _some(set(homes) - NOBODYS_HOMES),
        )

    def __or__(self, other: "Identity") -> "Identity":
        return Identity(
            self.hosts | other.hosts, self.users | other.users, self.homes | other.homes
        )


def recorded_identity(results: Path, folders: Iterable[Path]) -> Identity:
    """What the records of an output directory and of its run folders say of who and where.

    A record that is missing or damaged says nothing.
    """
    hosts: set[str] = set()
    servers: set[str] = set()
    paths: dict[str, str] = {}
    for path in _records(results, folders):
        try:
            document = json.loads(read_bounded(path))
        except (OSError, ContractError, ValueError, RecursionError):
            continue
        for field, text in _texts(document):
            if field in HOST_FIELDS:
                hosts.add(text)
            elif field in ENDPOINT_FIELDS:
                servers.add(_host_of(text).casefold())
            paths |= {home["home"]: home["user"] for home in _HOME.finditer(text)}
    found = Identity.of(hosts, paths.values(), paths)
    # Of a server only its whole name: the first part is `api` more often than not.
    return found | Identity(hosts=_some(one for one in servers if not _is_nobodys(one)))


def _records(results: Path, folders: Iterable[Path]) -> Iterator[Path]:
    yield results / SWEEP_FILE
    for folder in folders:
        for place in (folder, *sorted((folder / ATTEMPTS_DIR).glob("*"))):
            yield from (place / name for name in (*OF_THE_PLACE, SPEC_FILE, LAUNCH_FILE))


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the field that it is in."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, field)
    elif isinstance(value, str):
        yield field, value


def _host_of(endpoint: str) -> str:
    """Empty for a plain word, as `vllm`: inside a network of containers it names a service."""
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:
        return ""
    return "" if host.isalpha() else host


def _host_names(host: str) -> Iterator[str]:
    """A machine also by the first part of its name."""
    if not _is_nobodys(host):
        yield host
        short = host.partition(".")[0]
        if not short.isdigit() and not _is_nobodys(short):
            yield short


def _is_nobodys(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in NOBODYS_HOSTS


def _some(names: Iterable[str]) -> frozenset[str]:
    return frozenset(sorted({name for name in names if name})[:MOST_NAMES])
