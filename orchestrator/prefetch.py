"""The weights and datasets of a plan, fetched before runs wait for them."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread

from orchestrator.downloads.fetcher import Fetcher
from orchestrator.downloads.inventory import Inventory, Missing
from orchestrator.downloads.progress import Notify, Progress, gigabytes
from orchestrator.downloads.wanted import wanted_by
from orchestrator.errors import Problem
from orchestrator.run_planner import PlannedRun
from orchestrator.settings import Settings

LOOK_SECONDS = 0.1
SPARE_BYTES = 200 * 10**6


def find_space_problems(inventory: Inventory, settings: Settings) -> Iterator[Problem]:
    """Whether the disk of the cache has room for all that is to be downloaded."""
    if not inventory.missing:
        return
    free_bytes = free_space(settings.hub_cache)
    if inventory.lacking_bytes + SPARE_BYTES <= free_bytes:
        return
    largest = max(inventory.missing, key=lambda one: one.lacking_bytes)
    yield Problem(
        f"cache {settings.hub_cache}",
        f"{gigabytes(inventory.lacking_bytes)} are to be downloaded ({largest.wanted} alone:"
        f" {gigabytes(largest.lacking_bytes)}), and {gigabytes(free_bytes)} are free on its disk",
        "Free the disk, name a cache on another (HF_HUB_CACHE), or choose fewer rows.",
    )


def free_space(folder: Path) -> int:
    """Bytes on the disk where the folder is, or will be. Raises OSError."""
    return shutil.disk_usage(existing(folder)).free


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there. Raises OSError."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def fetch_before(
    inventory: Inventory, settings: Settings, notify: Notify, goes_on: Callable[[], bool]
) -> None:
    """Fetch all that is missing, until it is there or `goes_on` says no.

    What cannot be fetched is told, and its rows will fail alone or fetch it by themselves.
    """
    if inventory.missing:
        count, size = len(inventory.missing), gigabytes(inventory.lacking_bytes)
        notify(f"downloading {size} beforehand: {count} models and datasets")
        _fetch(list(inventory.missing), settings, notify, goes_on)


class BackgroundPrefetch:
    """Fetches what is missing in the pauses of a sweep: while no run is under way.

    Each run's life is spent within `paused()`; several may be at a time. A sweep that lets no run
    begin which still `lacks` something makes such pauses.
    """

    def __init__(self, inventory: Inventory, settings: Settings, notify: Notify) -> None:
        self._left = list(inventory.missing)
        self._settings = settings
        self._notify = notify
        self._runs = 0
        self._is_fetching = self._is_closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is downloaded within."""
        with self._changed:
            self._runs += 1
            self._changed.wait_for(lambda: not self._is_fetching)
        try:
            yield
        finally:
            with self._changed:
                self._runs -= 1
                self._changed.notify_all()

    def lacks(self, run: PlannedRun) -> bool:
        """Whether something that the run reads is still to be fetched."""
        wanted = {one.key for one in wanted_by([run], self._settings)}
        return any(one.wanted.key in wanted for one in tuple(self._left))

    def close(self) -> None:
        """Stops for good; harmless when called twice, or before `start`."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while self._left:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._runs == 0)
                if self._is_closed:
                    return
                self._is_fetching = True
            try:
                _fetch(self._left, self._settings, self._notify, self._is_quiet)
            finally:
                with self._changed:
                    self._is_fetching = False
                    self._changed.notify_all()

    def _is_quiet(self) -> bool:
        return self._runs == 0 and not self._is_closed


def _fetch(
    left: list[Missing], settings: Settings, notify: Notify, goes_on: Callable[[], bool]
) -> None:
    """Takes off the list what is over; nothing stays on it unless `goes_on` said no."""
    progress = Progress(tuple(left), notify)
    fetcher = Fetcher(tuple(left), settings)
    is_over = False
    try:
        fetcher.start()
        while goes_on() and not is_over and not progress.has_stalled:
            time.sleep(LOOK_SECONDS)
            is_over = fetcher.is_over()
            progress.look()
            for one, ended in fetcher.ended():
                progress.tell_end(one, ended)
                left.remove(one)
    except OSError as error:
        notify(f"nothing is downloaded beforehand: {error.strerror}")
        left.clear()
        return
    finally:
        fetcher.stop()
    for one, ended in fetcher.ended():
        progress.tell_end(one, ended)
        left.remove(one)
    if left and (is_over or progress.has_stalled):
        notify(f"downloads ended early: {len(left)} models and datasets are left to their runs")
        left.clear()
