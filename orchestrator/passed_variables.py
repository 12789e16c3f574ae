"""Which variables of the user runs are given to find the hub by. None of them is a token."""

import os
from collections.abc import Mapping

HUB_VARIABLES = (
    "HF_ENDPOINT",
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_DOWNLOAD_TIMEOUT",
    "HF_HUB_ETAG_TIMEOUT",
)
"""What a container gets of the hub's variables; the others name places of the host."""

# Where a network is reached through a proxy; the libraries read either spelling.
PROXY_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
HUB_PREFIX = "HF_"
# The one name with this word that is a switch and no secret.
NO_TOKEN_UNASKED = "HF_HUB_DISABLE_IMPLICIT_TOKEN"


def container_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Those for a container, from `given`, or from this process where that is empty."""
    source = given or os.environ
    return {name: source[name] for name in (*HUB_VARIABLES, *PROXY_VARIABLES) if name in source}


def leads_to_hub(name: str) -> bool:
    if name in PROXY_VARIABLES or name == NO_TOKEN_UNASKED:
        return True
    return name.startswith(HUB_PREFIX) and "TOKEN" not in name
