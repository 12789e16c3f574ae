"""What is known of one GPU."""

from benchmark_core.documents import Frozen


class GpuFacts(Frozen):
    """One metered GPU. `uuid_sha256` stands for the UUID wherever results are published."""

    uuid: str
    uuid_sha256: str | None = None
    name: str
    memory_bytes: int | None = None
    power_limit_watts: float | None = None
    default_power_limit_watts: float | None = None
    driver_version: str | None = None
    cuda_version: str | None = None
    ecc: bool | None = None
    persistence: bool | None = None
