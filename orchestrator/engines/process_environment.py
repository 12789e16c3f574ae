"""Which variables of the user a run without a container inherits."""

import os
from collections.abc import Mapping

from orchestrator.passed_variables import leads_to_hub

OF_THE_MACHINE = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_DEVICE_ORDER",
    "OMP_NUM_THREADS",
    "XDG_CACHE_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)


def inherited(given: Mapping[str, str]) -> dict[str, str]:
    """Only what a run needs, because the variables of a runner may hold secrets.

    What leads to the hub is taken from `given`, or from this process where that is empty; what
    belongs to the machine always from this process.
    """
    environment = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}
    hub = {name: value for name, value in (given or os.environ).items() if leads_to_hub(name)}
    return environment | hub
