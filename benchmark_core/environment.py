"""What makes two runs comparable. Nothing here names the machine or its user."""

import os
import platform
from importlib import metadata

from benchmark_core import VERSION
from benchmark_core.report import Environment, GpuFacts

PACKAGES = (
    *("accelerate", "codecarbon", "datasets", "diffusers", "nvidia-ml-py", "pillow", "soundfile"),
    *("soxr", "torch", "transformers"),
)


def describe(gpus: tuple[GpuFacts, ...], image_digest: str | None) -> Environment:
    return Environment(
        runner_version=VERSION,
        python_version=platform.python_version(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
        gpus=gpus,
        cpu_count=os.cpu_count() or 1,
        image_digest=image_digest,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
