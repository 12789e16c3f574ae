"""Servers that the sweep starts itself: one container for each run, well before the run begins.

Its address is chosen with the launch, so that a killed runner's launch tells that there was one.
"""

import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark_core.contract import RunSpec
from benchmark_core.documents import timestamp
from benchmark_core.faults import ServerFault
from benchmark_core.serving.address import parse_address
from benchmark_core.serving.server import Server
from orchestrator.engines.base import Order
from orchestrator.engines.server_container import FLAG, ServerContainer, ServerHost, ServerOrder
from orchestrator.errors import HostError, Problem
from orchestrator.exit import Exit
from orchestrator.outcome import StopReason, log_tail
from orchestrator.passed_variables import container_variables
from orchestrator.run_directory import RunDirectory
from orchestrator.serve_arguments import (
    ARGUMENTS,
    HOST,
    find_argument_problems,
    server_arguments,
)
from orchestrator.settings import Settings
from orchestrator.stop_request import StopRequest

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 5.0
LOG_LINES = 5
MOST_NAMED = 5


class Unserved(Exception):
    """A run whose server did not come up, told as the end of the run."""

    def __init__(self, ended: Exit, stopped: StopReason | None) -> None:
        super().__init__(ended.detail)
        self.ended = ended
        self.stopped = stopped


def find_own_server_contradictions(settings: Settings) -> Iterator[Problem]:
    """What about a server of our own cannot be meant; nobody is asked."""
    if not settings.serve_image:
        for flag, given in (
            (ARGUMENTS, settings.serve_args),
            ("--serve-timeout", "serve_timeout" in settings.given),
        ):
            if given:
                yield Problem(flag, f"is of a server that {FLAG} starts", f"Add {FLAG} IMAGE.")
        return
    if settings.endpoint:
        what = "the server is started here, and --endpoint names one that runs already"
        yield Problem(FLAG, what, "Leave one of them out.")
    yield from find_argument_problems(settings.serve_args or "", settings.token)


class OwnServers:
    """The servers of one sweep. Without --serve-image it starts none, and only tidies up."""

    def __init__(self, settings: Settings, directory: RunDirectory) -> None:
        self._settings = settings
        self._directory = directory
        self._host = server_host(settings, directory.root)
        self._ports: set[int] = set()

    def new_endpoint(self) -> str | None:
        """Where the next server is to answer, at a port that is free now."""
        if not self._settings.serve_image:
            return None
        with ExitStack() as held:
            # Ports are held until one is found that no run beside this one was given.
            while True:
                free = held.enter_context(socket.socket())
                free.bind((HOST, 0))
                port = int(free.getsockname()[1])
                if port not in self._ports:
                    self._ports.add(port)
                    return f"http://{HOST}:{port}"

    def image_digest(self) -> str | None:
        return self._host.image_id if self._settings.serve_image else None

    def depends(self, run_id: str) -> bool:
        """Whether the present attempt of the run has a server that its runner started."""
        launch = self._directory.folder(run_id).launch()
        return launch is not None and launch.endpoint is not None

    def remove_leftovers(self) -> list[str]:
        """The run_ids whose servers a killed runner left, now removed. Raises HostError.

        No container engine is asked where no server can be left.
        """
        cut_off = self._directory.open_folders()
        if self._settings.serve_image or any(self.depends(folder.run_id) for folder in cut_off):
            return self._host.remove_leftovers()
        return []

    def bring_up(self, order: Order, spec: RunSpec, stop: StopRequest, stack: ExitStack) -> Order:
        """Start the run's server, where it has one, and wait until it is well.

        `stack` removes it. Answers the order with what is known of it in its launch, which nobody
        has written yet; without a server the order as it is.

        Raises:
            Unserved: it did not start, died, never got well, or serves another model; or the user
                wants an end.
        """
        endpoint = order.launch.endpoint
        if endpoint is None:
            return order
        port = parse_address(endpoint).port
        log_path = order.log_path.with_name(f"{order.log_path.stem}_server.log")
        gpus = order.launch.gpu_uuids if self._settings.serves_on_gpus else ()
        mark = f"for-{order.run_id}-{secrets.token_hex(4)}"
        arguments = server_arguments(spec, port, mark)
        try:
            server = self._host.start(ServerOrder(order.run_id, arguments, gpus, log_path))
        except HostError as error:
            raise Unserved(Exit("not_started", None, str(error)), None) from error
        stack.callback(server.remove)
        models = self._await_health(server, endpoint, log_path, stop)
        ended = server.ended()
        other = f"the server {ended}" if ended else find_other_server(models, spec.model.id, mark)
        if other:
            raise _failed(other, log_path)
        launch = order.launch.model_copy(
            update={"server_process": server.process, "launched_at": timestamp()}
        )
        return replace(order, launch=launch)

    def _await_health(
        self,
        server: ServerContainer,
        endpoint: str,
        log_path: Path,
        stop: StopRequest,
    ) -> list[dict[str, Any]]:
        """What is served where it is to answer, once somebody there is well."""
        client = Server(parse_address(endpoint), ANSWER_SECONDS)
        seconds = self._settings.serve_timeout_seconds
        patient_until = time.monotonic() + seconds
        try:
            while not client.is_well():
                if stop.level != "go_on":
                    raise Unserved(Exit("stopped", None, "stopped by the user"), "user")
                if ended := server.ended():
                    raise _failed(f"the server {ended} before it answered", log_path)
                if time.monotonic() > patient_until:
                    raise _failed(f"the server was not well within {seconds:g} s", log_path)
                time.sleep(LOOK_SECONDS)
            return client.models()
        except ServerFault as fault:
            raise _failed(fault.message, log_path) from fault
        finally:
            client.close()


def find_other_server(models: Sequence[Mapping[str, Any]], model_id: str, mark: str) -> str | None:
    """Why what is served is not what was started: the port was free before, and another may have
    taken it; an image may make something else of its arguments."""
    served = [str(model.get("id")) for model in models]
    if model_id not in served:
        names = ", ".join(name[:100] for name in served[:MOST_NAMED]) or "no model"
        return f"the server serves {names}, and not {model_id}"
    if mark not in served:
        return "another server has taken the port that was free for this one"
    for model in (one for one in models if one.get("id") in (model_id, mark)):
        root = str(model.get("root") or model_id)
        # The cache's own folder of a model is named after it.
        if root != model_id and f"models--{model_id.replace('/', '--')}" not in root:
            return (
                f"the server has loaded {root[:100]} under the name of {model_id} (the image's"
                " entry point must be `vllm serve`)"
            )
    return None


def server_host(settings: Settings, output_dir: Path) -> ServerHost:
    return ServerHost(
        image=settings.serve_image or "",
        output_dir=output_dir,
        hub=settings.hub_cache,
        token=settings.token,
        offline=settings.offline,
        environment=container_variables(settings.passed_environment),
    )


def find_own_server_problems(settings: Settings) -> Iterator[Problem]:
    """What keeps a server from being started on this machine."""
    if settings.serve_image:
        yield from server_host(settings, settings.output_dir).problems(settings.serves_on_gpus)


def _failed(what: str, log_path: Path) -> Unserved:
    last = _last_lines(log_tail(log_path))
    said = f"Its log ends: {' | '.join(last)}" if last else "Its log is empty"
    detail = f"{what}. {said}. See {log_path.name}."
    return Unserved(Exit("server_failed", None, detail), None)


def _last_lines(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip()][-LOG_LINES:]
