"""Containers in which models are served: what one gets, its log, its end.

They are no attempts of a run, so they carry a label of their own, and no engine takes them for one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engines.container_log import LogStream, engine_errors
from orchestrator.engines.container_settings import (
    HOME,
    HUGGINGFACE,
    LOG_OPTIONS,
    OWNER_LABEL,
    RUN_ID_LABEL,
    TOKEN,
    hash_of_folder,
    new_container_name,
    scratch,
)
from orchestrator.engines.docker_host import DockerHost, first_line, unreachable
from orchestrator.engines.owner import Owner
from orchestrator.engines.token_file import TokenFile
from orchestrator.errors import HostError, Problem

if TYPE_CHECKING:
    from docker.models.containers import Container

SERVES_LABEL = "ai-energy-score.serves"
SHARED_MEMORY = "8g"
"""Several processes of a server pass tensors through it; it is taken as it is used."""
LAST_OUTPUT_SECONDS = 5.0
FLAG = "--serve-image"


@dataclass(frozen=True)
class ServerOrder:
    """One server to start. `arguments` are the image's own; no `gpu_uuids` mean no device."""

    run_id: str
    arguments: Sequence[str]
    gpu_uuids: tuple[str, ...]
    log_path: Path


class ServerContainer:
    """One started server."""

    def __init__(
        self, container: "Container", log: LogStream, token_file: TokenFile | None
    ) -> None:
        self._container = container
        self._log = log
        self._token_file = token_file

    @property
    def process(self) -> int | None:
        """The number of its first process on this machine; all others descend from it."""
        return int(self._container.attrs["State"].get("Pid") or 0) or None

    def ended(self) -> str | None:
        """How it ended, in a few words; None while it runs, and while the engine is away."""
        from docker.errors import NotFound

        try:
            self._container.reload()
        except NotFound:
            return "was removed by somebody else"
        except engine_errors():
            return None
        state = self._container.attrs["State"]
        if state["Status"] in ("running", "paused", "restarting"):
            return None
        self._log.finish(LAST_OUTPUT_SECONDS)
        return f"ended with exit code {state['ExitCode']}"

    def remove(self) -> None:
        """Stop it and take it away; what cannot be removed now is found by its labels later."""
        with suppress(*engine_errors()):
            self._container.remove(force=True, v=True)
        self._log.finish(LAST_OUTPUT_SECONDS)
        self._log.close()
        if self._token_file is not None:
            self._token_file.remove()


class ServerHost:
    """Starts and removes containers that serve; touches no other. The image is never pulled.

    `hub` is the host's cache of models. The token is handed over as a file that only the server's
    user can read.
    """

    def __init__(
        self,
        image: str,
        output_dir: Path,
        hub: Path,
        token: str | None,
        offline: bool,
        environment: Mapping[str, str],
    ) -> None:
        self._host = DockerHost(image)
        self._output_dir = output_dir
        self._hub = hub
        self._token = None if offline else token
        self._offline = offline
        self._environment = dict(environment)

    def problems(self, wants_gpus: bool) -> Iterator[Problem]:
        try:
            self._host.ping()
            _ = self.image_id
        except HostError as error:
            yield from error.problems
            return
        if wants_gpus and not self._host.offers_gpus():
            yield Problem(
                FLAG,
                "the container engine has no NVIDIA runtime, so no GPU reaches the server",
                "Install the NVIDIA Container Toolkit and restart the engine, or give --device cpu",
            )

    @cached_property
    def image_id(self) -> str:
        """What identifies the image. Raises HostError where it is not here."""
        from docker.errors import ImageNotFound

        name = self._host.image_name
        try:
            return str(self._host.client.images.get(name).id)
        except ImageNotFound as error:
            what = f"there is no image {name[:200]!r}, and images are never pulled"
            raise HostError(
                Problem(FLAG, what, "Fetch it first with docker pull, or name another")
            ) from error
        except engine_errors() as error:
            raise HostError(unreachable(error)) from error

    def start(self, order: ServerOrder) -> ServerContainer:
        """Raises HostError where the engine refuses; nothing is left then."""
        token_file = self._prepare()
        container = None
        try:
            client = self._host.client
            container = client.containers.create(**self._arguments(order, token_file))
            # A container object of its own: the thread refreshes it while we read another.
            log = LogStream(client.containers.prepare_model(dict(container.attrs)), order.log_path)
            container.start()
            container.reload()
        except engine_errors() as error:
            if container is not None:
                with suppress(*engine_errors()):
                    container.remove(force=True, v=True)
            if token_file is not None:
                token_file.remove()
            raise _refused(order, error) from error
        log.start()
        return ServerContainer(container, log, token_file)

    def remove_leftovers(self) -> list[str]:
        """Remove the servers of killed runners; answers whose they were. Raises HostError."""
        label = f"{SERVES_LABEL}={hash_of_folder(self._output_dir)}"
        removed = []
        try:
            found = self._host.client.containers.list(
                all=True, filters={"label": label}, ignore_removed=True
            )
            for container in found:
                owner = Owner.from_json(container.labels.get(OWNER_LABEL, ""))
                if owner is not None and owner.is_gone():
                    container.remove(force=True, v=True)
                    removed.append(container.labels.get(RUN_ID_LABEL, ""))
        except engine_errors() as error:
            raise HostError(unreachable(error)) from error
        return removed

    def _prepare(self) -> TokenFile | None:
        """The hub's folder, where it is missing, and the token's file."""
        user = self._host.user
        try:
            if not self._hub.is_dir():
                self._hub.mkdir(parents=True)
                os.chown(self._hub, user.host_uid, user.host_gid)
        except OSError as error:
            what = f"cannot be made for the server: {error.strerror}"
            raise HostError(
                Problem(str(self._hub), what, "Put it right and start again")
            ) from error
        if self._token is None:
            return None
        return TokenFile(self._token, user.host_uid, user.host_gid)

    def _arguments(self, order: ServerOrder, token_file: TokenFile | None) -> dict[str, Any]:
        from docker.types import DeviceRequest, LogConfig, Mount

        user, hub = self._host.user, f"{HUGGINGFACE}/hub"
        binds = [(self._hub, hub, False)]
        if token_file is not None:
            binds.append((token_file.path, TOKEN, True))
        arguments: dict[str, Any] = {
            "image": self.image_id,
            "command": list(order.arguments),
            "name": new_container_name(order.run_id),
            "labels": {
                OWNER_LABEL: Owner.current().to_json(),
                RUN_ID_LABEL: order.run_id,
                SERVES_LABEL: hash_of_folder(self._output_dir),
            },
            "mounts": [
                Mount(type="bind", source=str(source.resolve()), target=target, read_only=read_only)
                for source, target, read_only in binds
            ],
            "environment": self._variables(hub, token_file),
            "user": f"{user.uid}:{user.gid}",
            "init": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "tmpfs": scratch(user),
            "shm_size": SHARED_MEMORY,
            # It listens at an address that only this machine has.
            "network_mode": "host",
            "log_config": LogConfig(type=LogConfig.types.JSON, config=LOG_OPTIONS),
        }
        if order.gpu_uuids:
            arguments["device_requests"] = [
                DeviceRequest(
                    device_ids=list(order.gpu_uuids),
                    capabilities=[["gpu", "compute", "utility"]],
                )
            ]
        else:
            arguments["environment"]["NVIDIA_VISIBLE_DEVICES"] = "void"
        return arguments

    def _variables(self, hub: str, token_file: TokenFile | None) -> dict[str, str]:
        variables = {
            # The user has no entry in the image's user table, and some libraries ask for a name.
            "HOME": HOME,
            "USER": "user",
            "LOGNAME": "user",
            "HF_HUB_CACHE": hub,
            "VLLM_NO_USAGE_STATS": "1",
            **self._environment,
        }
        if self._offline:
            variables["HF_HUB_OFFLINE"] = "1"
        if token_file is not None:
            variables["HF_TOKEN_PATH"] = TOKEN
        return variables


def _refused(order: ServerOrder, error: Exception) -> HostError:
    return HostError(
        Problem(
            f"run {order.run_id}",
            f"the container engine refused to start its server: {first_line(error)}",
            "Put right what it names and start again; finished runs are kept",
        )
    )
