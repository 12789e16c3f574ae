"""Word of the end of a sweep, posted to an address of the user's.

It names no host, user or path beyond the output directory's own name. Posting takes a bounded time
and fails nothing.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

from benchmark_core import VERSION
from benchmark_core.documents import ContractError
from benchmark_core.web_address import checked_parts
from orchestrator.display.base import Display
from orchestrator.errors import Problem
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.settings import Settings
from orchestrator.spent_energy import total
from orchestrator.status import read_runs

FLAG: Final = "--notify-url"
WHOLE_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 5.0
MOST_FAILED: Final = 100
LONGEST_ID: Final = 200

COUNTED: Final = ("finished", "failed", "interrupted", "not_started", "unreadable")

Ended = Literal["complete", "interrupted", "error"]


def find_notification_problem(url: str) -> Problem | None:
    """A query is allowed, as services put their keys there; it appears nowhere."""
    base, mark, query = url.partition("?")
    try:
        checked_parts(base)
        if not query.isascii() or not query.isprintable() or set(query) & set(" #"):
            raise ValueError("has a query with characters that do not belong there")
        if mark and not query:
            raise ValueError("ends with a question mark")
    except ValueError as error:
        return Problem(FLAG, f"the URL {error}", "Give one such as https://host/path.")
    return None


@contextmanager
def notifying(
    settings: Settings, directory: RunDirectory, run_ids: Sequence[str], display: Display
) -> Iterator[None]:
    """Posts when the sweep within has ended, also where the host ended it; without a URL nothing.

    What goes wrong with that becomes a notice.
    """
    url, started = settings.notify_url, time.monotonic()
    try:
        yield
    except Exception:
        if url:
            _tell(url, directory, run_ids, time.monotonic() - started, display, broke_off=True)
        raise
    if url:
        _tell(url, directory, run_ids, time.monotonic() - started, display, broke_off=False)


def _tell(
    url: str,
    directory: RunDirectory,
    run_ids: Sequence[str],
    seconds: float,
    display: Display,
    broke_off: bool,
) -> None:
    try:
        content = json.dumps(make_message(directory, run_ids, seconds, broke_off)).encode()
        fault = _post_bounded(url, content)
    except Exception as error:  # noqa: BLE001 - word of a sweep may not change how it ends
        fault = type(error).__name__
    if fault:
        display.notice(f"{FLAG}: the end of the sweep could not be told there ({fault})")


def make_message(
    directory: RunDirectory, run_ids: Sequence[str], seconds: float, broke_off: bool
) -> dict[str, object]:
    """What is posted, read from the folders of the runs that the sweep set out to make or keep."""
    folders = [directory.folder(run_id) for run_id in run_ids]
    outcomes = {folder.run_id: _outcome_name(folder) for folder in folders}
    counts = Counter(outcomes.values())
    spent = total(run.spent for run in read_runs(directory, folders))
    failed = [run_id[:LONGEST_ID] for run_id, name in outcomes.items() if name == "failed"]
    ended: Ended = "interrupted" if counts["interrupted"] or counts["not_started"] else "complete"
    return {
        "schema_version": 1,
        "program": "ai-energy-score",
        "version": VERSION,
        "output_dir": directory.root.name,
        "ended": "error" if broke_off else ended,
        "seconds": round(seconds, 3),
        "counts": {name: counts[name] for name in COUNTED},
        **spent.document(),
        "failed_run_ids": failed[:MOST_FAILED],
        "failed_run_ids_left_out": max(len(failed) - MOST_FAILED, 0),
    }


def _outcome_name(folder: RunFolder) -> str:
    try:
        outcome = folder.outcome()
    except ContractError:
        return "unreadable"
    return outcome.outcome if outcome else "not_started"


def _post_bounded(url: str, content: bytes) -> str:
    """What went wrong, without a word of the address; empty where it was taken.

    A server can spin an answer out beyond every wait for single bytes; it is left alone then.
    """
    faults = ["no answer in time"]

    def post() -> None:
        faults.append(_post(url, content))

    thread = threading.Thread(target=post, name="notification", daemon=True)
    thread.start()
    thread.join(WHOLE_SECONDS)
    return faults[-1]


def _post(url: str, content: bytes) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": f"ai-energy-score/{VERSION}"}
    try:
        import httpx2

        # The answer's content is nobody's concern, however long it is; nor where it would lead on.
        with (
            httpx2.Client(timeout=SILENCE_SECONDS) as client,
            client.stream("POST", url, content=content, headers=headers) as answer,
        ):
            return "" if answer.is_success else f"it answered {answer.status_code}"
    except Exception as error:  # noqa: BLE001 - its words can hold the address
        return type(error).__name__
