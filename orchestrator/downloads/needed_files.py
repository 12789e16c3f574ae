"""Which files of a repository a run loads; the others are not worth a night's network.

A repository often holds its weights several times: in another format, for another program, in
another precision. What is loaded is what `from_pretrained` of transformers and diffusers takes
without further words.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from orchestrator.downloads.wanted import Wanted

SMALL = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".merges", ".vocab", ".spm", ".bpe")
CODE = (".py",)
"""Rows with Trust Remote Code run it; it is small."""
PIPELINE = "model_index.json"
TEMPLATES = "additional_chat_templates"
DOCUMENTS = (".gitattributes", ".gitignore")
SHARD = r"(-\d+-of-\d+)?"
NAMES = (r"(model|diffusion_pytorch_model)", r"(pytorch_model|diffusion_pytorch_model)")
FORMATS = (
    re.compile(rf"{NAMES[0]}{SHARD}\.safetensors"),
    re.compile(rf"{NAMES[1]}{SHARD}\.bin"),
)
"""The preferred first; of a folder, one is loaded."""


def needed_files(wanted: Wanted, names: Iterable[str]) -> list[str]:
    """Those of `names`, all files of the repository, that a run of it loads."""
    present = sorted(names)
    if wanted.kind == "dataset":
        return [name for name in present if name not in DOCUMENTS]
    needed = [name for name in present if _is_small(name, PIPELINE in present)]
    if wanted.weights:
        folders = sorted({str(PurePosixPath(name).parent) for name in present})
        for folder in folders if PIPELINE in present else ["."]:
            needed += _weights([name for name in present if _folder(name) == folder])
    return needed


def _is_small(name: str, is_pipeline: bool) -> bool:
    folder = _folder(name)
    if folder not in (".", TEMPLATES) and not (is_pipeline and "/" not in folder):
        return False
    return name.endswith(SMALL + CODE)


def _weights(names: Sequence[str]) -> list[str]:
    """The files of the first format that the folder has; whole ones go before shards."""
    for form in FORMATS:
        found = {name: form.fullmatch(PurePosixPath(name).name) for name in names}
        matches = {name: match for name, match in found.items() if match}
        whole = [name for name, match in matches.items() if match[2] is None]
        if matches:
            return whole or list(matches)
    return []


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)
