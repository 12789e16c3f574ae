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
NAMES_SECRET = re.compile(
    r"passw(?:or)?d|passphrase|secret|credential|authorization"
    r"|(?:api|access|auth|private|signing|encryption)[-_]?key"
    # A tokenizer has tokens too, so deeper inside it has to be one that opens something.
    r"|^--[^.]+-token$|(?:^|^--|\.|(?:hf|hub|api|access|auth|bearer|session)[-_])token$",
    re.I,
)
SWITCH = re.compile(r"--(?:allow|enable|disable|no)-")
PLACE = re.compile(r"(?:[-_]?key)?s?[-_]?(?:file|path|dir|folder)(?:[-_]?name)?", re.I)
NAME_INSIDE = re.compile(r'"([^"]*)"\s*:|^([A-Za-z_][\w.-]*)=')
"""A key of JSON, or a variable."""
PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s@]*:[^/\s@]+@")
TOKEN_OF_THE_HUB = re.compile(r"^hf_|\bhf_[A-Za-z0-9]{20}")
SHORTEST_TOKEN = 8
"""Anything shorter may be part of a word by chance."""
WITHOUT_SECRETS = (
    "Leave it out: the server answers this machine alone, and is given the token of the hub"
    " (HF_TOKEN, or a login) as a file."
)


def find_argument_problems(text: str, token: str | None) -> Iterator[Problem]:
    """What among the user's own arguments cannot be meant. What may be a secret is not shown."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        yield Problem(ARGUMENTS, f"cannot be split into words ({error})", "Close every quote.")
        return
    by_name: list[str] = []
    by_value: list[str] = []
    for word in words:
        name, _, value = word.partition("=") if word.startswith("-") else ("", "", word)
        flag = _flag(name)
        if meant := _meant(flag, OURS):
            told = flag if flag == meant else f"{flag} is short for {meant}, which"
            yield Problem(ARGUMENTS, f"{told} is set for each run", "Leave it out.")
        elif secret := _secret(flag):
            by_name.append(secret)
        else:
            by_name += _secrets_inside(value)
            by_value += _known_secrets(word, value, token)
    # Beside such a name, its value is no second mistake.
    for secret in dict.fromkeys(by_name or by_value):
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
    """The flag, as far as it is a name: a word with its `=` forgotten goes on with the secret."""
    if whole := next((whole for whole in SECRET if flag.startswith(whole)), None):
        return None if PLACE.fullmatch(flag, len(whole)) else whole
    # Of vLLM's flags only this one is whole, and the beginning of another.
    known = None if flag == "--ssl-keyfile" else _meant(flag, SECRET)
    return known or (None if SWITCH.match(flag) else _says_secret(flag))


def _says_secret(name: str) -> str | None:
    """The name up to the word that says so. A file's place is no secret."""
    found = NAMES_SECRET.search(name)
    if found is None or PLACE.fullmatch(name, found.end()):
        return None
    return name[: found.end()]


def _secrets_inside(value: str) -> Iterator[str]:
    for found in NAME_INSIDE.finditer(value):
        if secret := _says_secret(found[1] or found[2] or ""):
            yield secret


def _known_secrets(word: str, value: str, token: str | None) -> Iterator[str]:
    """What shows by itself, whatever it is called."""
    if TOKEN_OF_THE_HUB.search(value) or _holds(word, token):
        yield "a token of the hub"
    if PASSWORD_IN_ADDRESS.search(value):
        yield "a password in an address"


def _holds(word: str, token: str | None) -> bool:
    return token is not None and len(token) >= SHORTEST_TOKEN and token in word
