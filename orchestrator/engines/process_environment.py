"""Which variables of the user a run without a container inherits."""

import os
from collections.abc import Mapping

from orchestrator.engines.container_settings import PROXY_VARIABLES

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
HUB_PREFIX = "HF_"
# The one name with this word that is a switch and no secret.
NO_TOKEN_UNASKED = "HF_HUB_DISABLE_IMPLICIT_TOKEN"


def inherited(given: Mapping[str, str]) -> dict[str, str]:
    """Only what a run needs, because the variables of a runner may hold secrets.

    What leads to the hub is taken from `given`, or from this process where that is empty; what
    belongs to the machine always from this process.
    """
    environment = {name: os.environ[name] for name in OF_THE_MACHINE if name in os.environ}
    hub = {name: value for name, value in (given or os.environ).items() if _leads_to_hub(name)}
    return environment | hub


def _leads_to_hub(name: str) -> bool:
    if name in PROXY_VARIABLES or name == NO_TOKEN_UNASKED:
        return True
    return name.startswith(HUB_PREFIX) and "TOKEN" not in name
