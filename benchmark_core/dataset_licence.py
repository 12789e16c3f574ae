"""Under which licence a source may be used: what it says itself, never a guess."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Basis = Literal["the dataset card", "a licence file", "the user"]

LICENCE_FILES = ("license", "licence", "license.txt", "licence.txt", "license.md", "licence.md")
LONGEST_HEAD = 200


@dataclass(frozen=True)
class Licence:
    """`name` is None where nothing is stated, and so is `basis`."""

    name: str | None = None
    basis: Basis | None = None


def hub_licence(dataset_id: str, revision: str | None) -> Licence:
    """What the card of a dataset states; nothing where it has no card that can be read."""
    from huggingface_hub import DatasetCard, hf_hub_download

    try:
        path = hf_hub_download(dataset_id, "README.md", repo_type="dataset", revision=revision)
        card: Any = DatasetCard.load(path, ignore_metadata_errors=True)
        fields = card.data.to_dict()
    except Exception:  # noqa: BLE001 - a card that is missing or unreadable states nothing
        return Licence()
    stated = fields.get("license")
    names = [str(name) for name in (stated if isinstance(stated, list) else [stated]) if name]
    text = ", ".join(name for name in names if name != "unknown")
    if text == "other" and fields.get("license_name"):
        text = str(fields["license_name"])
    return Licence(_one_line(text), "the dataset card") if text.strip() else Licence()


def local_licence(path: Path) -> Licence:
    """The first two lines with text of the only licence file in a folder.

    What lies beside a single file may be the licence of something else, so it states nothing.
    """
    try:
        beside = list(path.iterdir()) if path.is_dir() else []
        files = [file for file in beside if file.name.casefold() in LICENCE_FILES]
        if len(files) != 1 or not files[0].is_file():
            return Licence()
        with files[0].open(encoding="utf-8") as stream:
            lines = stream.read(4096).splitlines()
    except (OSError, UnicodeDecodeError):
        return Licence()
    head = [line.strip(" #\t") for line in lines if line.strip(" #\t=-")][:2]
    return Licence(_one_line(", ".join(head)), "a licence file") if head else Licence()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_HEAD]
