"""Apptainer: one command in the foreground, the image a file of the shared file system.

Its environment is handed over in variables of its own, because its option splits at commas.
"""

from pathlib import Path

from orchestrator.engines.base import Order
from orchestrator.engines.container_settings import HOME, RESULTS, binds, run_environment
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.engines.slurm.runtimes.command import Command, CommandRuntime, mount
from orchestrator.passed_variables import container_variables

PREFIX = "APPTAINERENV_"
MOUNT = "type=bind,source={source},destination={target}"


def apptainer(settings: RuntimeSettings) -> CommandRuntime:
    return CommandRuntime(settings, make_command)


def make_command(
    settings: RuntimeSettings, order: Order, home: Path, token_file: Path | None
) -> Command:
    arguments = ["apptainer", "run", "--containall", "--cleanenv", "--home", f"{home}:{HOME}"]
    arguments += ["--pwd", "/"]
    if order.wants_gpus:
        arguments.append("--nv")
    for bind in binds(settings.caches, order, token_file):
        arguments += ["--mount", mount(bind, MOUNT, ",ro")]
    given = container_variables(settings.environment)
    environment = run_environment(given, order, has_token=token_file is not None)
    # Apptainer sets this one by --home and refuses it as a variable.
    del environment["HOME"]
    if order.wants_gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(order.launch.gpu_uuids)
    return Command(
        arguments=(*arguments, settings.record.image, "run", RESULTS),
        environment={f"{PREFIX}{name}": text for name, text in environment.items()},
    )
