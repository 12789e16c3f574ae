"""The programs and the machine that made the figures."""

from benchmark_core.documents import Frozen
from benchmark_core.report.gpu_facts import GpuFacts


class Environment(Frozen):
    runner_version: str
    python_version: str
    packages: dict[str, str]
    gpus: tuple[GpuFacts, ...]
    cpu_count: int
    image_digest: str | None = None
