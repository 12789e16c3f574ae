"""Runs in containers of one image, through the Docker SDK."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engines.base import EngineAway, Leftover, Order
from orchestrator.engines.container_folders import ContainerFolders
from orchestrator.engines.container_log import LogStream, engine_errors, is_answer
from orchestrator.engines.container_settings import (
    ALSO_LABEL,
    OUTPUT_DIR_LABEL,
    OWNER_LABEL,
    RUN_ID_LABEL,
    SPEC_HASH_LABEL,
    Caches,
    Confinement,
    create_arguments,
    hash_of_folder,
    samples_target,
)
from orchestrator.engines.docker_handle import DockerHandle, has_result, was_killed
from orchestrator.engines.docker_host import DockerHost, first_line, unreachable
from orchestrator.engines.owner import Owner
from orchestrator.engines.token_file import TokenFile, remove_stale_tokens
from orchestrator.errors import HostError, Problem
from orchestrator.exit import Exit

if TYPE_CHECKING:
    from docker.models.containers import Container

PATIENCE_SECONDS = 60.0


class DockerEngine:
    """Starts, watches and removes its own containers; touches no other.

    `caches` is None where no model is loaded. `patience_seconds` is how long the engine may be
    away before a run of it counts as vanished. With `needs_optimum` the image has to bring
    optimum-benchmark. `labels` are put on containers beside our own.
    """

    name = "docker"

    def __init__(
        self,
        image: str,
        output_dir: Path,
        caches: Caches | None = None,
        token: str | None = None,
        environment: Mapping[str, str] | None = None,
        memory_limit: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        needs_optimum: bool = False,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._host = DockerHost(image)
        self._output_dir = output_dir
        self._caches = caches
        self._token = token
        self._environment = dict(environment or {})
        self._memory_limit = memory_limit
        self._patience_seconds = patience_seconds
        self._needs_optimum = needs_optimum
        self._labels = dict(labels or {})
        remove_stale_tokens()

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        try:
            self._host.ping()
            _ = self._host.image
            if wants_gpus and not self._host.offers_gpus():
                yield Problem(
                    "docker",
                    "the container engine has no NVIDIA runtime, so no GPU reaches a container",
                    "Install the NVIDIA Container Toolkit and restart the engine, or run with"
                    " --device cpu",
                )
            if self._needs_optimum and (lack := self._host.lack_of_optimum()):
                yield lack
            yield from self._folders.unreadable_caches()
        except HostError as error:
            yield from error.problems

    def warnings(self) -> Iterator[Problem]:
        try:
            folders = self._folders
            unknown_sources = self._host.unknown_sources()
        except HostError:
            return
        if unknown_sources is not None:
            yield unknown_sources
        yield from folders.unwritable_caches()

    def facts(self) -> dict[str, str]:
        return self._host.facts()

    def make_caches(self) -> None:
        self._folders.make_caches()

    def image_name(self) -> str:
        return self._host.image_name

    def image_digest(self) -> str | None:
        """The image's id, which stays when the tag moves; raises HostError without an image."""
        return self._host.image.id

    def samples_path(self, samples: Path) -> str:
        return samples_target(samples)

    def start(self, order: Order) -> DockerHandle:
        """Create and start a container; the image is never pulled.

        A container that is created but does not start gives a handle that ended `not_started`.
        One of which nobody knows whether it started is watched like any other.

        Raises:
            EngineAway: the engine does not answer.
            HostError: it refuses to create the container.
        """
        confinement = self._confinement
        self._folders.prepare(order)
        token_file = self._write_token(order)
        try:
            container = self._host.client.containers.create(
                **create_arguments(
                    confinement, order, token_file.path if token_file is not None else None
                )
            )
        except engine_errors() as error:
            if token_file is not None:
                token_file.remove()
            raise _not_created(order, error) from error
        log = self._open_log(container, order)
        try:
            container.start()
        except engine_errors() as error:
            if is_answer(error):
                refusal = Exit(
                    "not_started", None, first_line(error), image_digest=self._host.image.id
                )
                handle = DockerHandle(container, log, token_file, self._patience_seconds, refusal)
                handle.release()
                return handle
        log.start()
        return DockerHandle(container, log, token_file, self._patience_seconds)

    def leftovers(self) -> list[Leftover]:
        return self.abandoned([f"{OUTPUT_DIR_LABEL}={hash_of_folder(self._output_dir)}"])

    def abandoned(self, labels: list[str]) -> list[Leftover]:
        """Containers with all of these labels whose starter is gone; raises HostError."""
        return [
            Leftover(
                key=str(container.id),
                run_id=container.labels.get(RUN_ID_LABEL, ""),
                spec_hash=container.labels.get(SPEC_HASH_LABEL, ""),
                alive=(
                    has_result(container.attrs["State"])
                    and not was_killed(container)
                    and ALSO_LABEL not in container.labels
                ),
            )
            for container in self._containers(labels)
            if _is_abandoned(container)
        ]

    def adopt(self, leftover: Leftover, order: Order) -> DockerHandle:
        """Watch it from here on; its whole output is copied again to the order's log."""
        container = self._find(leftover)
        log = self._open_log(container, order)
        log.start()
        return DockerHandle(container, log, None, self._patience_seconds)

    def discard(self, leftover: Leftover) -> None:
        from docker.errors import NotFound

        client = self._host.client
        try:
            with suppress(NotFound):
                client.containers.get(leftover.key).remove(force=True, v=True)
        except engine_errors() as error:
            raise HostError(
                Problem(
                    f"run {leftover.run_id}",
                    f"its container cannot be removed: {first_line(error)}",
                    f"Run: docker rm --force {leftover.key[:12]}",
                )
            ) from error

    @cached_property
    def _confinement(self) -> Confinement:
        return Confinement(
            image_id=str(self._host.image.id),
            user=self._host.user,
            output_dir=self._output_dir,
            caches=self._caches,
            memory_limit=self._memory_limit,
            environment=self._environment,
            labels=self._labels,
        )

    @cached_property
    def _folders(self) -> ContainerFolders:
        return ContainerFolders(self._host.user, self._caches)

    def _write_token(self, order: Order) -> TokenFile | None:
        if self._token is None or self._caches is None or not order.asks_hub:
            return None
        return TokenFile(self._token, self._host.user.host_uid, self._host.user.host_gid)

    def _open_log(self, container: "Container", order: Order) -> LogStream:
        # A container object of its own: the thread refreshes it while the handle reads another.
        own = self._host.client.containers.prepare_model(dict(container.attrs))
        return LogStream(own, order.log_path)

    def _containers(self, labels: list[str]) -> "list[Container]":
        client = self._host.client
        try:
            return list(
                client.containers.list(all=True, filters={"label": labels}, ignore_removed=True)
            )
        except engine_errors() as error:
            raise HostError(unreachable(error)) from error

    def _find(self, leftover: Leftover) -> "Container":
        client = self._host.client
        try:
            return client.containers.get(leftover.key)
        except engine_errors() as error:
            if not is_answer(error):
                raise EngineAway(unreachable(error)) from error
            raise HostError(
                Problem(
                    f"run {leftover.run_id}",
                    f"its container cannot be taken over: {first_line(error)}",
                    "Start again; a container that is gone is then run anew",
                )
            ) from error


def _is_abandoned(container: "Container") -> bool:
    owner = Owner.from_json(container.labels.get(OWNER_LABEL, ""))
    return owner is not None and owner.is_gone()


def _not_created(order: Order, error: Exception) -> HostError:
    if not is_answer(error):
        return EngineAway(unreachable(error))
    return HostError(
        Problem(
            f"run {order.run_id}",
            f"the container engine refused to create its container: {first_line(error)}",
            "Put right what it names and start again; finished runs are kept",
        )
    )
