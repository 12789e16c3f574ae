"""What a server that is started here is told on its command line, and what it must not be told.

vLLM's parser takes `_` for `-` in the name of a flag, and the beginning of a name for the whole.
"""

import re
import shlex
from collections.abc import Iterator

from benchmark_core.contract import RunSpec
from orchestrator.errors import Problem

ARGUMENTS = "--serve-args"
HOST = "127.0.0.1"
OURS = ("--model", "--served-model-name", "--host", "--port", "--uds")
SECRET = ("--api-key", "--hf-token", "--ssl-keyfile-password")
SEVERAL_GPUS = "--tensor-parallel-size"
SAYS_GPUS = (SEVERAL_GPUS, "-tp", "--pipeline-parallel-size", "-pp", "--data-parallel-size", "-dp")
TOKEN_OF_THE_HUB = re.compile(r"^hf_|\bhf_[A-Za-z0-9]{20}")
SHORTEST_TOKEN = 8
"""Anything shorter may be part of a word by chance."""
WITHOUT_SECRETS = (
    "Leave it out: the server answers this machine alone, and is given the token of the hub as a"
    " file."
)


def find_argument_problems(text: str, token: str | None) -> Iterator[Problem]:
    """What among the user's own arguments cannot be meant. What may be a secret is not shown."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        yield Problem(ARGUMENTS, f"cannot be split into words ({error})", "Close every quote.")
        return
    secrets, has_token = [], False
    for word in words:
        name, _, value = word.partition("=") if word.startswith("-") else ("", "", word)
        flag = _flag(name)
        if meant := _meant(flag, OURS):
            told = flag if flag == meant else f"{flag} is short for {meant}, which"
            yield Problem(ARGUMENTS, f"{told} is set for each run", "Leave it out.")
        elif secret := _secret(flag):
            secrets.append(secret)
        elif TOKEN_OF_THE_HUB.search(value) or _holds(word, token):
            has_token = True
    # Beside such a flag, its value is no second mistake.
    for secret in dict.fromkeys(secrets) or (["a token of the hub"] if has_token else []):
        what = f"{secret} would stand in the list of processes, for everybody to read"
        yield Problem(ARGUMENTS, what, WITHOUT_SECRETS)


def server_arguments(spec: RunSpec, port: int, mark: str) -> list[str]:
    """What `vllm serve` is told, and the user's own arguments after that.

    `mark` is a second name of the model, by which this very server is known.
    """
    model, own = spec.model, list(spec.backend.serve_args or ())
    arguments = [model.id, "--served-model-name", model.id, mark]
    arguments += ["--host", HOST, "--port", str(port)]
    if model.processor:
        arguments += ["--tokenizer", model.processor]
    if model.trust_remote_code:
        arguments.append("--trust-remote-code")
    gpus = spec.device.gpu_count
    if gpus > 1 and not any(_flag(word.partition("=")[0]) in SAYS_GPUS for word in own):
        arguments += [SEVERAL_GPUS, str(gpus)]
    return arguments + own


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _meant(flag: str, known: tuple[str, ...]) -> str | None:
    """Which of `known` it is, or may be short for."""
    if not flag.startswith("--"):
        return None
    return next((whole for whole in known if whole.startswith(flag)), None)


def _secret(flag: str) -> str | None:
    """Also where more follows the name, as in a word with its `=` forgotten."""
    longer = (whole for whole in SECRET if flag.startswith(whole))
    # Of vLLM's flags only this one is whole, and the beginning of another.
    return next(longer, None if flag == "--ssl-keyfile" else _meant(flag, SECRET))


def _holds(word: str, token: str | None) -> bool:
    return token is not None and len(token) >= SHORTEST_TOKEN and token in word
