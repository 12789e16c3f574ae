"""The Hugging Face token as a file: never in arguments, environment or labels of a run."""

import os
import secrets
import stat
import tempfile
from pathlib import Path

from orchestrator.engines.owner import Owner
from orchestrator.errors import HostError, Problem


class TokenFile:
    """A private copy of the token, readable by one user alone, until it is removed."""

    def __init__(self, token: str, uid: int, gid: int) -> None:
        """Write it for the user `uid`:`gid`. Raises HostError when that is impossible."""
        folder = _private_folder()
        self.path = folder / f"{_owner_prefix(Owner.current())}.{secrets.token_hex(8)}"
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                if (uid, gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), uid, gid)
                file.write(token)
        except OSError as error:
            self.remove()
            raise HostError(
                Problem(
                    str(folder),
                    f"the token cannot be handed to the run: {error.strerror}",
                    "Free space there, or set XDG_RUNTIME_DIR to a folder of yours",
                )
            ) from error

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def remove_stale_tokens() -> None:
    """Delete the copies that killed runners left behind."""
    folder = _folder_path()
    if not folder.is_dir() or not _is_private(folder):
        return
    for path in folder.iterdir():
        owner = _owner_of(path.name)
        if owner is not None and owner.is_gone():
            path.unlink(missing_ok=True)


def _private_folder() -> Path:
    folder = _folder_path()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        private = _is_private(folder)
    except OSError:
        private = False
    if not private:
        raise HostError(
            Problem(
                str(folder),
                "is not a folder that only you can open, so the token is not written there",
                "Remove it, or set XDG_RUNTIME_DIR to a folder of yours",
            )
        )
    return folder


def _folder_path() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"ai-energy-score-{os.geteuid()}"


def _is_private(folder: Path) -> bool:
    facts = folder.lstat()
    return (
        stat.S_ISDIR(facts.st_mode)
        and facts.st_uid == os.geteuid()
        and stat.S_IMODE(facts.st_mode) & 0o077 == 0
    )


def _owner_prefix(owner: Owner) -> str:
    return f"{owner.pid}.{owner.started}"


def _owner_of(name: str) -> Owner | None:
    pid, _, rest = name.partition(".")
    started, _, suffix = rest.partition(".")
    if not pid.isdigit() or not started or not suffix:
        return None
    return Owner(Owner.current().host, int(pid), started)
