"""Values that nobody changes, and files that refuse what they do not know."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

SCHEMA_VERSION = 1
LONGEST_FILE_BYTES = 64 * 2**20


class Frozen(BaseModel):
    """A value that nobody changes and that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Document(Frozen):
    """A file of the run folder; refuses a schema newer than this program."""

    schema_version: int = SCHEMA_VERSION

    @field_validator("schema_version")
    @classmethod
    def _known_version(cls, value: int) -> int:
        if not 1 <= value <= SCHEMA_VERSION:
            raise ValueError(
                f"schema_version {value} is not one this program reads (1 to {SCHEMA_VERSION});"
                " use the version of the batch runner that wrote the file"
            )
        return value

    def to_json(self) -> str:
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The document at `path`.

        Raises:
            ContractError: the file is missing, truncated, no such document, or too new.
        """
        try:
            return cls.model_validate_json(read_bounded(path))
        except OSError as error:
            raise ContractError(f"{path.name} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise ContractError(f"{path.name} is not valid: {one_line(error)}") from error


class ContractError(Exception):
    """A file of the run folder that cannot be believed."""


def timestamp() -> str:
    """Now, as all documents write it: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_bounded(path: Path, most_bytes: int = LONGEST_FILE_BYTES) -> bytes:
    """The content of a plain file of sane size.

    Whoever runs in the folder can put anything there: a pipe would make the reader wait for ever,
    a link would lead it elsewhere.

    Raises:
        OSError: the file is missing or cannot be read.
        ContractError: it is no plain file, or longer than `most_bytes`.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > most_bytes:
            raise ContractError(f"{path.name} is no plain file of at most {most_bytes} B")
        return os.read(descriptor, facts.st_size)
    finally:
        os.close(descriptor)


def one_line(error: ValidationError) -> str:
    """Every problem of a validation, with its field, on one line of at most 500 characters."""
    problems = [
        f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    text = "; ".join(problems)
    return text if len(text) <= 500 else text[:497] + "..."
