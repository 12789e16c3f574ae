"""The program that downloads: `python -m orchestrator.downloads.fetching`, started by `fetcher`.

It is a process of its own so that it can be stopped at any moment, whatever it waits for. Its
orders, with the token, are one line of JSON on its standard input; it ends when that is closed,
which its starter's death does too. On its standard output is a line of JSON for each repository.
"""

import glob
import json
import os
import sys
from dataclasses import asdict, dataclass
from threading import Thread

from benchmark_core.hub import HubTrouble, hub_trouble
from orchestrator.hub_inquiry import speaks_of_one

FILES_AT_ONCE = 4
MOST_NETWORK_FAILURES = 2
"""In a row: then the network is gone, and asking on would only cost time."""


@dataclass(frozen=True)
class Errand:
    """One repository: the files to fetch of it; `revision` None is the default branch."""

    kind: str
    id: str
    revision: str | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class Orders:
    cache: str
    endpoint: str
    token: str | None
    errands: tuple[Errand, ...]

    def to_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Orders":
        told = json.loads(line)
        errands = (Errand(**{**one, "files": tuple(one["files"])}) for one in told.pop("errands"))
        return cls(errands=tuple(errands), **told)


@dataclass(frozen=True)
class Ended:
    """How one errand ended; `what` and `remedy` are empty where all its files are there."""

    number: int
    what: str = ""
    remedy: str = ""


def main() -> int:
    orders = Orders.from_line(sys.stdin.readline())
    Thread(target=_end_with_the_starter, daemon=True).start()
    failures = 0
    for number, errand in enumerate(orders.errands):
        try:
            _fetch(errand, orders)
        except Exception as error:  # noqa: BLE001 - its row will say more
            failures = 0 if speaks_of_one(error) else failures + 1
            trouble = hub_trouble(error) or _unknown(error)
            _tell(Ended(number, trouble.what, trouble.remedy))
        else:
            failures = 0
            _tell(Ended(number))
        if failures == MOST_NETWORK_FAILURES:
            return 1
    return 0


def _fetch(errand: Errand, orders: Orders) -> None:
    """Raises the errors of huggingface_hub, and OSError."""
    from huggingface_hub import snapshot_download

    snapshot_download(
        errand.id,
        repo_type=errand.kind,
        revision=errand.revision,
        cache_dir=orders.cache,
        endpoint=orders.endpoint,
        token=orders.token or False,
        allow_patterns=[glob.escape(name) for name in errand.files],
        max_workers=FILES_AT_ONCE,
    )


def _unknown(error: Exception) -> HubTrouble:
    """Never with the error's own words, which may hold an address with a signature in it."""
    told = getattr(error, "strerror", None) or type(error).__name__
    return HubTrouble(f"could not be fetched ({told})", "Its runs will try by themselves.")


def _tell(ended: Ended) -> None:
    sys.stdout.write(json.dumps(asdict(ended)) + "\n")
    sys.stdout.flush()


def _end_with_the_starter() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
