"""Folders of the host that containers share with it: what their user may do there."""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import ATTEMPTS_DIR
from orchestrator.engines.base import Order
from orchestrator.engines.container_settings import Caches, ContainerUser
from orchestrator.errors import HostError, Problem


@dataclass(frozen=True)
class ContainerFolders:
    """`caches` is None where no model is loaded."""

    user: ContainerUser
    caches: Caches | None

    def unreadable_caches(self) -> Iterator[Problem]:
        for folder in self._caches():
            if folder.is_dir() and not (self.user.may(folder, 4) and self.user.may(folder, 1)):
                yield Problem(
                    str(folder),
                    f"the containers' user {self._owner} cannot read it",
                    f"Run: chmod -R a+rX {shlex.quote(str(folder))}",
                )

    def unwritable_caches(self) -> Iterator[Problem]:
        for folder in self._caches():
            if folder.is_dir() and not self.user.may(folder, 2):
                yield Problem(
                    str(folder),
                    f"the containers' user {self._owner} cannot write there, so only models that"
                    " are there already can be used",
                    f"Run: chown -R {self._owner} {shlex.quote(str(folder))}",
                )

    def make_caches(self) -> None:
        """Those that are missing. Raises OSError."""
        for folder in self._caches():
            if not folder.is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                os.chown(folder, self.user.host_uid, self.user.host_gid)

    def prepare(self, order: Order) -> None:
        """Give the run folders to the containers' user, and make the caches that are missing.

        Raises:
            HostError: the disk refuses, or that user cannot read the samples.
        """
        samples = order.samples
        try:
            if not self.user.is_caller:
                for folder in order.folders:
                    self._give_away(folder)
            self.make_caches()
            closed = self.user.unreadable(samples) if samples is not None else None
        except OSError as error:
            raise HostError(
                Problem(
                    f"run {order.run_id}",
                    f"{error.filename} cannot be prepared for the container: {error.strerror}",
                    "Put it right and start again; finished runs are kept",
                )
            ) from error
        if closed is not None:
            raise HostError(
                Problem(
                    str(closed),
                    f"the containers' user {self.user.host_uid} cannot read this",
                    f"Run: chmod -R a+rX {shlex.quote(str(samples))}",
                )
            )

    @property
    def _owner(self) -> str:
        return f"{self.user.host_uid}:{self.user.host_gid}"

    def _caches(self) -> Iterator[Path]:
        return (folder for folder, _ in self.caches or ())

    def _give_away(self, run_folder: Path) -> None:
        self._give(run_folder)
        for path in run_folder.iterdir():
            # What the sweep writes anew just now is gone under its first name.
            with suppress(FileNotFoundError):
                if path.name != ATTEMPTS_DIR:
                    self._give(path)

    def _give(self, path: Path) -> None:
        os.chown(path, self.user.host_uid, self.user.host_gid, follow_symlinks=False)
