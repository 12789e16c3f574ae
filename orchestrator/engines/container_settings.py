"""What a container gets: pure data, made from an order, handed to the Docker SDK as it is."""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmark_core.contract import ATTEMPTS_DIR
from orchestrator.engines.base import Order
from orchestrator.engines.owner import Owner

OWNER_LABEL = "ai-energy-score.owner"
RUN_ID_LABEL = "ai-energy-score.run_id"
ALSO_LABEL = "ai-energy-score.also"
SPEC_HASH_LABEL = "ai-energy-score.spec_hash"
OUTPUT_DIR_LABEL = "ai-energy-score.output_dir"
VERSION_LABEL = "ai-energy-score.version"

RESULTS = "/results"
INPUTS = "/inputs"
HOME = "/home/user"
HUGGINGFACE = f"{HOME}/.cache/huggingface"
TOKEN = "/run/secrets/hf_token"

SHARED_MEMORY = "1g"
PROCESS_LIMIT = 8192
# The engine's own copy of the output; ours, which is streamed, is bounded by container_log.
LOG_OPTIONS = {"max-size": "20m", "max-file": "3"}
# When root calls: a number that owns nothing on a usual host.
UNPRIVILEGED = 10001


@dataclass(frozen=True)
class ContainerUser:
    """Who runs inside, and who that is on the host."""

    uid: int
    gid: int
    host_uid: int
    host_gid: int

    @classmethod
    def for_caller(cls, rootless: bool) -> Self:
        """Us, or nobody in particular when we are root.

        A rootless engine maps its containers' root to the calling user, and any other number to
        one that owns none of the caller's files.
        """
        uid, gid = os.geteuid(), os.getegid()
        if rootless:
            return cls(0, 0, uid, gid)
        if uid == 0:
            uid = gid = UNPRIVILEGED
        return cls(uid, gid, uid, gid)

    @property
    def is_caller(self) -> bool:
        return self.host_uid == os.geteuid()

    def may(self, folder_or_file: Path, bit: int) -> bool:
        """Whether the mode grants 4 (read), 2 (write) or 1 (enter); access lists are not seen."""
        facts = folder_or_file.stat()
        if facts.st_uid == self.host_uid:
            return bool(facts.st_mode & bit << 6)
        if facts.st_gid == self.host_gid:
            return bool(facts.st_mode & bit << 3)
        return bool(facts.st_mode & bit)

    def unreadable(self, samples: Path) -> Path | None:
        """The first that the mode closes to this user: the file or folder, or what lies in it."""
        inside = sorted(samples.rglob("*")) if samples.is_dir() else []
        # What begins with a dot is no sample.
        seen = (path for path in inside if not path.relative_to(samples).as_posix().startswith("."))
        for path in (samples, *seen):
            if not self.may(path, 4) or (path.is_dir() and not self.may(path, 1)):
                return path
        return None


@dataclass(frozen=True)
class Caches:
    """The two cache folders of the host that runs share; never the folder above them."""

    hub: Path
    datasets: Path

    def __iter__(self) -> Iterator[tuple[Path, str]]:
        yield self.hub, f"{HUGGINGFACE}/hub"
        yield self.datasets, f"{HUGGINGFACE}/datasets"


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host, and where a container sees it."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True)
class Confinement:
    """What all containers of an engine have in common; `labels` beside those of every engine."""

    image_id: str
    user: ContainerUser
    output_dir: Path
    caches: Caches | None
    memory_limit: str | None
    environment: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)


def create_arguments(
    confinement: Confinement, order: Order, token_file: Path | None
) -> dict[str, Any]:
    """Keyword arguments of `client.containers.create` for one order."""
    from docker.types import DeviceRequest, LogConfig

    user = confinement.user
    arguments: dict[str, Any] = {
        "image": confinement.image_id,
        "command": ["run", *map(results_target, range(len(order.folders)))],
        "name": new_container_name(order.run_id),
        "labels": {**_labels(confinement.output_dir, order), **confinement.labels},
        "mounts": _mounts(confinement.caches, order, token_file),
        "environment": run_environment(
            confinement.environment, order, has_token=token_file is not None
        ),
        "user": f"{user.uid}:{user.gid}",
        "init": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": scratch(user),
        "shm_size": SHARED_MEMORY,
        "pids_limit": PROCESS_LIMIT,
        "log_config": LogConfig(type=LogConfig.types.JSON, config=LOG_OPTIONS),
    }
    if order.offline:
        arguments["network_mode"] = "none"
    elif order.host_network:
        arguments["network_mode"] = "host"
    if confinement.memory_limit is not None:
        arguments["mem_limit"] = arguments["memswap_limit"] = confinement.memory_limit
    if order.wants_gpus:
        arguments["device_requests"] = [
            DeviceRequest(
                device_ids=list(order.launch.gpu_uuids),
                capabilities=[["gpu", "compute", "utility"]],
            )
        ]
    return arguments


def results_target(number: int) -> str:
    """Where the run folder of an order is seen, by its number from 0: /results, /results2 ..."""
    return RESULTS if number == 0 else f"{RESULTS}{number + 1}"


def binds(caches: Caches | None, order: Order, token_file: Path | None) -> list[Bind]:
    """What a container of a run sees of the host."""
    found = [
        Bind(folder, results_target(number), read_only=False)
        for number, folder in enumerate(order.folders)
    ]
    found += [Bind(folder, target, read_only=False) for folder, target in caches or ()]
    if order.samples is not None:
        found.append(Bind(order.samples, samples_target(order.samples), read_only=True))
    if token_file is not None:
        found.append(Bind(token_file, TOKEN, read_only=True))
    return found


def samples_target(samples: Path) -> str:
    """Under the name that the user gave, whose ending says what it is; `..` is no name."""
    is_name = samples.name not in ("", "..")
    return f"{INPUTS}/{(samples if is_name else samples.resolve()).name}"


def hash_of_folder(folder: Path) -> str:
    """One folder, one hash, whatever path leads to it."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()


def new_container_name(run_id: str) -> str:
    digest = hashlib.sha256(run_id.encode()).hexdigest()
    return f"ai-energy-score-{digest[:12]}-{secrets.token_hex(4)}"


def _labels(output_dir: Path, order: Order) -> dict[str, str]:
    labels = {
        OWNER_LABEL: Owner.current().to_json(),
        RUN_ID_LABEL: order.run_id,
        SPEC_HASH_LABEL: order.spec_hash,
        OUTPUT_DIR_LABEL: hash_of_folder(output_dir),
    }
    if order.also:
        labels[ALSO_LABEL] = ",".join(folder.name for folder in order.also)
    return labels


def _mounts(caches: Caches | None, order: Order, token_file: Path | None) -> list[Any]:
    """Binds that refuse a missing source and take any character in a path."""
    from docker.types import Mount

    mounts = [
        Mount(
            type="bind",
            source=str(bind.source.resolve()),
            target=bind.target,
            read_only=bind.read_only,
        )
        for bind in binds(caches, order, token_file)
    ]
    # Earlier attempts are evidence, and none of the present one's business.
    mounts += [
        Mount(type="tmpfs", source=None, target=f"{results_target(number)}/{ATTEMPTS_DIR}")
        for number, folder in enumerate(order.folders)
        if (folder / ATTEMPTS_DIR).is_dir()
    ]
    return mounts


def scratch(user: ContainerUser) -> dict[str, str]:
    """Writable places in memory; compilers put libraries there and load them, hence exec.

    The folders above the mounted caches are listed too: the engine would make them as root's.
    """
    options = f"exec,mode=0700,uid={user.uid},gid={user.gid}"
    folders = (HOME, f"{HOME}/.cache", HUGGINGFACE)
    return {"/tmp": "exec,mode=1777"} | dict.fromkeys(folders, options)


def run_environment(given: Mapping[str, str], order: Order, has_token: bool) -> dict[str, str]:
    """The variables of a run in a container; `given` are those of the user that lead to the hub."""
    environment = {
        # The user has no entry in the image's user table, and some libraries ask for a name.
        "HOME": HOME,
        "USER": "user",
        "LOGNAME": "user",
        # The transfer cache would fill memory with a second copy of the weights.
        "HF_XET_CHUNK_CACHE_SIZE_BYTES": "0",
        **given,
    }
    if not order.asks_hub:
        environment["HF_HUB_OFFLINE"] = "1"
    if has_token:
        environment["HF_TOKEN_PATH"] = TOKEN
    if not order.wants_gpus:
        # CUDA images ask for all devices where the NVIDIA runtime is the engine's default.
        environment["NVIDIA_VISIBLE_DEVICES"] = "void"
    return environment
