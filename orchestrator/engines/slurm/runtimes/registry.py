"""All runtimes by name. A new one is one file and two lines here."""

from collections.abc import Callable, Mapping

from orchestrator.engines.container_settings import samples_target
from orchestrator.engines.slurm.profile import RuntimeName
from orchestrator.engines.slurm.runtimes.apptainer import apptainer
from orchestrator.engines.slurm.runtimes.base import Runtime, RuntimeFacts, RuntimeSettings
from orchestrator.engines.slurm.runtimes.command import plain_paths_alone
from orchestrator.engines.slurm.runtimes.docker import DockerRuntime
from orchestrator.engines.slurm.runtimes.process import ProcessRuntime
from orchestrator.engines.slurm.runtimes.pyxis import pyxis

RUNTIMES: Mapping[RuntimeName, Callable[[RuntimeSettings], Runtime]] = {
    "docker": DockerRuntime,
    "apptainer": apptainer,
    "pyxis": pyxis,
    "process": ProcessRuntime,
}
RUNTIME_FACTS: Mapping[RuntimeName, RuntimeFacts] = {
    "docker": RuntimeFacts(has_image=True, samples_path=samples_target),
    "apptainer": RuntimeFacts(True, samples_target, plain_paths_alone),
    "pyxis": RuntimeFacts(True, samples_target, plain_paths_alone),
    "process": RuntimeFacts(has_image=False, samples_path=lambda path: str(path.resolve())),
}
