"""What GPUs can do at best, by their names; of others nothing is known. Data.

From the vendor's data sheets: memory bandwidth, dense FP16 tensor and plain FP32 throughput, and
the usual power limit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.gpus import Gpu


@dataclass(frozen=True)
class GpuSpeed:
    bytes_per_second: float
    half_flops: float
    single_flops: float
    limit_watts: float


# Words of the driver's name, the longer ones of a family first.
GPU_SPEEDS: tuple[tuple[str, GpuSpeed], ...] = (
    ("B200", GpuSpeed(7.7e12, 2250e12, 75e12, 1000)),
    ("H200", GpuSpeed(4.8e12, 989e12, 67e12, 700)),
    ("H100 PCIe", GpuSpeed(2.0e12, 756e12, 51e12, 350)),
    ("H100 NVL", GpuSpeed(3.9e12, 835e12, 60e12, 400)),
    ("H100", GpuSpeed(3.35e12, 989e12, 67e12, 700)),
    ("A100", GpuSpeed(2.0e12, 312e12, 19.5e12, 400)),
    ("L40S", GpuSpeed(0.864e12, 362e12, 91.6e12, 350)),
    ("A10G", GpuSpeed(0.6e12, 125e12, 31e12, 300)),
    ("L4", GpuSpeed(0.3e12, 121e12, 30e12, 72)),
    ("V100", GpuSpeed(0.9e12, 125e12, 15.7e12, 300)),
    ("T4", GpuSpeed(0.32e12, 65e12, 8.1e12, 70)),
    ("RTX 4090", GpuSpeed(1.0e12, 165e12, 82.6e12, 450)),
    ("RTX 3090", GpuSpeed(0.936e12, 71e12, 35.6e12, 350)),
)

REFERENCE_SPEED = GpuSpeed(3.35e12, 989e12, 67e12, 700)
"""The H100 of the official protocol, for plans that are made without GPUs."""

CPU_SPEED = GpuSpeed(5e10, 1e12, 1e12, 0)
"""A processor of some kind; the order of magnitude only."""


def known_speed(gpus: Sequence[Gpu]) -> GpuSpeed | None:
    """Of the slowest of the GPUs; None where one of them is not in the table, or there are none."""
    found = [_speed(gpu.name) for gpu in gpus]
    known = [speed for speed in found if speed]
    if not known or len(known) < len(found):
        return None
    return min(known, key=lambda speed: speed.bytes_per_second)


def _speed(name: str) -> GpuSpeed | None:
    return next((speed for words, speed in GPU_SPEEDS if re.search(rf"\b{words}\b", name)), None)
