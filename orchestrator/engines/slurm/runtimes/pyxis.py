"""Pyxis: srun starts the container through Enroot, as a step of the job."""

from pathlib import Path

from orchestrator.engines.base import Order
from orchestrator.engines.container_settings import (
    HOME,
    RESULTS,
    Bind,
    binds,
    run_environment,
)
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.engines.slurm.runtimes.command import Command, CommandRuntime, mount
from orchestrator.passed_variables import container_variables

MOUNT = "{source}:{target}"


def pyxis(settings: RuntimeSettings) -> CommandRuntime:
    return CommandRuntime(settings, make_command)


def make_command(
    settings: RuntimeSettings, order: Order, home: Path, token_file: Path | None
) -> Command:
    given = container_variables(settings.environment)
    environment = run_environment(given, order, has_token=token_file is not None)
    if order.wants_gpus:
        uuids = ",".join(order.launch.gpu_uuids)
        environment |= {"NVIDIA_VISIBLE_DEVICES": uuids, "CUDA_VISIBLE_DEVICES": uuids}
    mounts = [Bind(home, HOME, False), *binds(settings.caches, order, token_file)]
    arguments = (
        *("srun", "--nodes=1", "--ntasks=1", f"--container-image={settings.record.image}"),
        f"--container-mounts={','.join(mount(bind, MOUNT, ':ro') for bind in mounts)}",
        *("--no-container-mount-home", "--container-workdir=/", "--container-writable"),
        # What the image itself sets would win otherwise.
        f"--container-env={','.join(sorted(environment))}",
        *("--container-entrypoint", "run", RESULTS),
    )
    return Command(arguments=arguments, environment=environment)
