"""The model hub: which commit a revision stands for, and what its errors mean for the user."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LONGEST_TEXT = 100_000
"""Characters of a text file; prompts are far shorter."""


@dataclass(frozen=True)
class HubTrouble:
    """`passes`: it may be over a while later, with nothing changed."""

    what: str
    remedy: str
    passes: bool = False


def resolved_commit(
    name: str, revision: str | None, kind: Literal["model", "dataset"]
) -> str | None:
    """The commit that a revision stands for now; None for a local folder, which has none.

    Where the hub cannot be reached, the commit that the local cache knows. Raises the errors of
    huggingface_hub.
    """
    from huggingface_hub import HfApi, constants

    if Path(name).is_dir():
        return None
    found = HfApi().resolve_revision(
        name, revision=revision, repo_type=kind, local_files_only=constants.HF_HUB_OFFLINE
    )
    return found.resolved


def repository_text(name: str, file_name: str, commit: str | None) -> str:
    """A small text file of a model's repository, or of its local folder.

    Raises the errors of huggingface_hub; OSError and ValueError for a file that is no short text.
    """
    from huggingface_hub import hf_hub_download

    folder = Path(name)
    path = folder / file_name if folder.is_dir() else None
    path = path or Path(hf_hub_download(name, file_name, revision=commit))
    with path.open(encoding="utf-8") as stream:
        text = stream.read(LONGEST_TEXT + 1)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{file_name} is longer than {LONGEST_TEXT} characters")
    return text


def pinned_commit(revision: str | None) -> str | None:
    """The commit that a revision names in full; None for a branch, a tag or nothing."""
    return revision if revision and re.fullmatch(r"[0-9a-f]{40}", revision) else None


def hub_trouble(error: BaseException) -> HubTrouble | None:
    """The meaning of the first hub error in the chain of `error`, None when there is none."""
    for link in _chain(error):
        names = {kind.__name__ for kind in type(link).__mro__}
        for name, trouble in _TROUBLES.items():
            if name in names:
                return trouble
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the innermost last."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


_GATED = HubTrouble(
    "is gated: the hub refused access (401 or 403)",
    "Accept its terms on its page and give a token of that account (HF_TOKEN or `hf auth login`).",
)
UNREACHABLE = HubTrouble(
    "is not in the local cache and the hub was not asked or did not answer",
    "Check the network; with HF_HUB_OFFLINE=1 fetch it beforehand into the cache (HF_HUB_CACHE).",
    passes=True,
)

# The names of the errors, most specific first: a gated repository is also one not found, and so on.
_TROUBLES: dict[str, HubTrouble] = {
    "GatedRepoError": _GATED,
    "DisabledRepoError": HubTrouble("was disabled by the hub", "Choose another one."),
    "RevisionNotFoundError": HubTrouble(
        "has no such revision", "Name a branch, tag or commit that its page lists."
    ),
    "RemoteEntryNotFoundError": HubTrouble(
        "lacks a file that is needed", "Name a revision whose page lists it."
    ),
    "RepositoryNotFoundError": HubTrouble(
        "is not on the hub, or is private (401 or 404)",
        "Check the spelling; for a private one give a token (HF_TOKEN, or `hf auth login`).",
    ),
    "HFValidationError": HubTrouble("is no valid hub id", "Write it as org/name."),
    "RevisionResolutionError": UNREACHABLE,
    "OfflineModeIsEnabled": UNREACHABLE,
    "LocalEntryNotFoundError": UNREACHABLE,
    "DatasetNotFoundError": HubTrouble(
        "is not on the hub, or needs access rights",
        "Check the spelling; for a private or gated one give a token"
        " (HF_TOKEN, or `hf auth login`).",
    ),
    "HfHubHTTPError": HubTrouble(
        "could not be fetched: the hub answered an error", "Try again.", passes=True
    ),
    "TransportError": UNREACHABLE,
    "ConnectionError": UNREACHABLE,
}
