"""What makes two runs comparable. Nothing here names the machine or its user."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from benchmark_core import VERSION
from benchmark_core.report.environment import Environment
from benchmark_core.report.gpu_facts import GpuFacts

PACKAGES = (
    *("accelerate", "codecarbon", "datasets", "diffusers", "nvidia-ml-py", "pillow", "soundfile"),
    *("soxr", "torch", "transformers"),
)


@dataclass(frozen=True)
class Programs:
    """What ran the model: Python's version, and packages with theirs."""

    python_version: str
    packages: Mapping[str, str]


def describe(
    gpus: tuple[GpuFacts, ...], image_digest: str | None, programs: Programs | None = None
) -> Environment:
    """Without `programs` those of this process."""
    programs = programs or _own_programs()
    return Environment(
        runner_version=VERSION,
        python_version=programs.python_version,
        packages=dict(programs.packages),
        gpus=gpus,
        cpu_count=os.cpu_count() or 1,
        image_digest=image_digest,
    )


def _own_programs() -> Programs:
    packages = {name: version for name in PACKAGES if (version := _version(name))}
    return Programs(platform.python_version(), packages)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
