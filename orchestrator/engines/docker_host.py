"""The container engine as this process meets it: its client, our image, its abilities."""

import os
import shlex
import shutil
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmark_core import VERSION
from benchmark_core.optimum.environment import VARIABLE as OPTIMUM_PYTHON
from orchestrator.engines.base import EngineAway
from orchestrator.engines.container_log import engine_errors
from orchestrator.engines.container_settings import VERSION_LABEL, ContainerUser
from orchestrator.engines.core_sources import CORE_LABEL, hash_of_core
from orchestrator.errors import HostError, Problem

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

NVIDIA_HOOKS = ("nvidia-container-runtime-hook", "nvidia-container-runtime", "nvidia-ctk")

# Each running container holds one for its log.
CONNECTIONS = 64


class DockerHost:
    """Asked once for each fact, and only when it is needed; every answer may raise HostError."""

    def __init__(self, image_name: str) -> None:
        self.image_name = image_name

    @cached_property
    def client(self) -> "DockerClient":
        try:
            # Not `import docker`: without the SDK a folder of that name would do.
            from docker import from_env
        except ImportError as error:
            raise HostError(
                Problem(
                    "docker",
                    "the Docker SDK for Python is not installed",
                    "Run: pip install docker",
                )
            ) from error
        try:
            return from_env(max_pool_size=CONNECTIONS)
        except engine_errors() as error:
            raise EngineAway(unreachable(error)) from error

    def ping(self) -> None:
        """Asked anew every time. Raises HostError when the engine does not answer."""
        try:
            self.client.ping()
        except engine_errors() as error:
            raise EngineAway(unreachable(error)) from error

    @cached_property
    def image(self) -> "Image":
        from docker.errors import ImageNotFound

        client = self.client
        try:
            image = client.images.get(self.image_name)
        except ImageNotFound as error:
            raise HostError(
                Problem(
                    "docker",
                    f"there is no image {self.image_name!r}",
                    f"{self._how_to_build()}, or name another with --image",
                )
            ) from error
        except engine_errors() as error:
            raise EngineAway(unreachable(error)) from error
        version = image.labels.get(VERSION_LABEL)
        if version != VERSION:
            built = "by something else" if version is None else f"by version {version}"
            raise HostError(self._unlike(f"was built {built}, this is {VERSION}"))
        if image.labels.get(CORE_LABEL) and image.labels[CORE_LABEL] != hash_of_core():
            raise HostError(self._unlike("was built from other sources of benchmark_core"))
        return image

    def unknown_sources(self) -> Problem | None:
        """Set for an image that does not say what it was built from; it may fit or not."""
        if self.image.labels.get(CORE_LABEL):
            return None
        return self._unlike("does not say from which sources of benchmark_core it was built")

    def lack_of_optimum(self) -> Problem | None:
        """Set for an image without optimum-benchmark. Raises HostError without an image."""
        given = self.image.attrs.get("Config", {}).get("Env") or []
        if any(text.startswith(f"{OPTIMUM_PYTHON}=/") for text in given):
            return None
        return self._unlike("was built without optimum-benchmark")

    def _unlike(self, what: str) -> Problem:
        return Problem("docker", f"the image {self.image_name!r} {what}", self._how_to_build())

    def _how_to_build(self) -> str:
        return f"In the project's folder run: ./build.sh --tag {shlex.quote(self.image_name)}"

    @cached_property
    def info(self) -> dict[str, Any]:
        client = self.client
        try:
            return dict(client.info())
        except engine_errors() as error:
            raise EngineAway(unreachable(error)) from error

    @cached_property
    def user(self) -> ContainerUser:
        options = self.info.get("SecurityOptions") or []
        return ContainerUser.for_caller(rootless="name=rootless" in options)

    def facts(self) -> dict[str, str]:
        """What was found, in words; raises HostError where something was not."""
        image, runtimes = self.image, sorted(self.info.get("Runtimes") or {})
        built = "" if image.labels.get(CORE_LABEL) else ", of unknown sources"
        return {
            "engine": f"Docker {self.info.get('ServerVersion')} at {_place()}",
            "image": f"{self.image_name}, version {VERSION}{built}, {image.short_id}",
            "NVIDIA runtime": "present"
            if self.offers_gpus()
            else f"absent (runtimes: {', '.join(runtimes)})",
        }

    def offers_gpus(self) -> bool:
        """By any of three signs; the engine itself says so for certain only at a start."""
        devices = self.info.get("DiscoveredDevices") or []
        return (
            "nvidia" in (self.info.get("Runtimes") or {})
            or any("nvidia.com/gpu" in str(device) for device in devices)
            or any(shutil.which(hook) for hook in NVIDIA_HOOKS)
        )


def _place() -> str:
    """Which of the engines that the user can name is meant, as the SDK chooses it."""
    from docker.context import ContextAPI

    if address := os.environ.get("DOCKER_HOST"):
        return f"{address} (DOCKER_HOST)"
    try:
        context = ContextAPI.get_current_context()
        return f"{context.Host} (context {context.name})"
    except Exception:  # noqa: BLE001 - it answers; where it is, is a courtesy
        return "a place that the client does not tell"


def unreachable(error: Exception) -> Problem:
    text = str(error)
    if "Permission denied" in text:
        remedy = "Join the group docker (usermod -aG docker USER) and log in again"
    else:
        remedy = "Start it (systemctl start docker), or run with --engine process"
    return Problem("docker", f"the container engine does not answer: {first_line(error)}", remedy)


def first_line(error: Exception) -> str:
    """The engine's own words without the address of the request."""
    text = getattr(error, "explanation", None) or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0].rstrip(".")
