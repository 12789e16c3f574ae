"""Repositories that may be loaded otherwise where the hub cannot be asked.

The libraries take a file that is not in the cache for one that does not exist, and some of them
ask the hub what files there are. Where either could change what is loaded, the hub is to be asked.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from orchestrator.downloads.needed_files import PIPELINE, TEMPLATES, needed_files
from orchestrator.downloads.wanted import Wanted

ADAPTER = "adapter_config.json"
TOKENIZER = "tokenizer.json"
PARTS_OF_TOKENIZERS = re.compile(
    r"tokenizer_config\.json|vocab\..+|merges\.txt|tekken\.json|.+\.(model|spm|tiktoken|bpe|vocab)"
)
WEIGHTS = {
    *(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data"),
    *(".gguf", ".ot", ".tflite", ".npz"),
}
PAPERS = {".md", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".yaml", ".yml"}
NAMES_OF_PAPERS = re.compile(r"\.git.*|licen[cs]e.*|notice.*|readme.*|use_policy.*", re.IGNORECASE)
OTHER_PROGRAMS = re.compile(r"onnx|openvino|original|coreml|metal|runs|\d+_[A-Z]\w*")
"""Folders that only other programs read; the last are the layers of sentence-transformers."""


def hub_may_matter(wanted: Wanted, names: Iterable[str]) -> bool:
    """Of a repository with these files, of which the needed ones are there."""
    present = set(names)
    if wanted.kind == "dataset":
        # With the hub, datasets that are programs are refused.
        return any(name.endswith(".py") for name in present)
    needed = set(needed_files(wanted, present))
    if wanted.weights and not any(PurePosixPath(name).suffix in WEIGHTS for name in needed):
        return True
    if PIPELINE in present:
        # Its list of files is kept with it, and what is missing of that is an error.
        return False
    return (
        ADAPTER in present
        or any(name.startswith(f"{TEMPLATES}/") for name in present)
        or _lacks_tokenizer(present)
        or not all(_is_never_loaded(PurePosixPath(name)) for name in present - needed)
    )


def _lacks_tokenizer(present: set[str]) -> bool:
    """It is then made of other files, which are looked for on the hub."""
    return TOKENIZER not in present and any(map(PARTS_OF_TOKENIZERS.fullmatch, present))


def _is_never_loaded(path: PurePosixPath) -> bool:
    is_elsewhere = len(path.parts) > 1 and OTHER_PROGRAMS.fullmatch(path.parts[0]) is not None
    is_paper = NAMES_OF_PAPERS.fullmatch(path.name) is not None
    return is_elsewhere or is_paper or path.suffix.lower() in WEIGHTS | PAPERS
