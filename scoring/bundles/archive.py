"""Zip files: the same bytes for the same content, and nothing believed of those of others.

Everything that a directory of a zip file says is looked at before any member is read.
"""

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from benchmark_core.documents import LONGEST_FILE_BYTES
from scoring.errors import ScoringError

MOST_MEMBERS: Final = 10_000
MOST_BYTES: Final = 4 * 2**30
"""Of all members together, unpacked."""
LARGEST_RATIO: Final = 250
"""Of a member's size to its packed size. The densest trace comes to 40; a bomb has 1,000."""
RATIO_FROM_BYTES: Final = 2**20
"""Members below this are no bombs, and may be all zeros."""
LONGEST_NAME: Final = 500
LARGEST_DIRECTORY_BYTES: Final = 8 * 2**20
BLOCK_BYTES: Final = 2**20
FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE: Final = (stat.S_IFREG | 0o644) << 16

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,239}")
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
_LARGE_LOCATOR_BYTES = 20
_LONGEST_COMMENT = 65_535

_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, KeyError, OverflowError),
)
"""What the standard library raises on zip files that are none."""


class DamagedMember(Exception):
    """A member that cannot be unpacked to what its directory promises."""


@dataclass(frozen=True)
class Content:
    """What goes into a member: a file as it is, or bytes."""

    name: str
    source: Path | bytes

    def blocks(self) -> Iterator[bytes]:
        """Raises OSError."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block

    def size(self) -> int:
        """In bytes. Raises OSError."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def sha256(self) -> str:
        """Raises OSError."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


def is_safe_name(name: str) -> bool:
    """Relative, of plain characters, and without a step up."""
    parts = name.split("/")
    return len(name) <= LONGEST_NAME and all(_PART.fullmatch(part) for part in parts)


def write_archive(stream: IO[bytes], contents: Sequence[Content]) -> None:
    """Writes the members in their order, with fixed times.

    Raises:
        OSError: a file cannot be read, or the disk refuses.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for content in contents:
            info = zipfile.ZipInfo(content.name, FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = PLAIN_FILE
            info.create_system = 3
            info.file_size = content.size()
            with archive.open(info, "w") as member:
                for block in content.blocks():
                    member.write(block)


@dataclass(frozen=True)
class Archive:
    """A zip file whose directory was found in order. Reading a member may still fail."""

    _file: zipfile.ZipFile
    sizes: dict[str, int]

    def unpack(self, name: str, target: Path) -> str:
        """Writes a member to `target`; answers its SHA-256.

        Raises:
            OSError: the disk refuses.
            DamagedMember: it cannot be unpacked, or is not as long as it says.
        """
        digest = hashlib.sha256()
        with target.open("wb") as stream:
            for block in self._blocks(name):
                digest.update(block)
                stream.write(block)
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """A member as a whole. Raises DamagedMember, and KeyError where there is none."""
        if self.sizes[name] > LONGEST_FILE_BYTES:
            raise DamagedMember(f"has {self.sizes[name]} B")
        return b"".join(self._blocks(name))

    def _blocks(self, name: str) -> Iterator[bytes]:
        size = 0
        try:
            member = self._file.open(name)
        except _DAMAGE as error:
            raise DamagedMember(f"cannot be unpacked ({str(error)[:100]})") from error
        with member:
            while block := _next_block(member):
                size += len(block)
                yield block
        if size != self.sizes[name]:
            raise DamagedMember(f"has {size} B where the directory says {self.sizes[name]} B")


def _next_block(member: IO[bytes]) -> bytes:
    try:
        return member.read(BLOCK_BYTES)
    except _DAMAGE as error:
        raise DamagedMember(f"cannot be unpacked ({str(error)[:100]})") from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The zip file at `path`.

    Raises:
        ScoringError: it is none, or holds what no bundle does: names that lead elsewhere or occur
            twice, links, encrypted members, or more than can be meant.
    """
    try:
        _refuse_large_directory(path)
        archive = zipfile.ZipFile(path)
    except ScoringError:
        raise
    except _DAMAGE as error:
        raise _refusal(path, f"is no zip file that can be read ({str(error)[:100]})") from error
    with archive:
        members = archive.infolist()
        problems = list(_problems(members))
        if problems:
            more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
            raise _refusal(path, f"is refused: {'; '.join(problems[:3])}{more}")
        yield Archive(archive, {member.filename: member.file_size for member in members})


def _refusal(path: Path, what: str) -> ScoringError:
    return ScoringError(str(path), what, "Get the bundle again from where it comes from.")


def _refuse_large_directory(path: Path) -> None:
    """Before the standard library makes objects of it all. Raises OSError, ScoringError."""
    with path.open("rb") as stream:
        length = stream.seek(0, 2)
        wanted = _END.size + _LONGEST_COMMENT + _LARGE_LOCATOR_BYTES
        stream.seek(max(0, length - wanted))
        tail = stream.read(wanted)
    place = tail.rfind(_END_MARK)
    if place < 0 or place + _END.size > len(tail):
        raise zipfile.BadZipFile("it has no directory")
    _, _, _, _, count, directory_bytes, _, _ = _END.unpack_from(tail, place)
    large = tail[max(0, place - _LARGE_LOCATOR_BYTES) : place].startswith(_LARGE_MARK)
    if large or count > MOST_MEMBERS or directory_bytes > LARGEST_DIRECTORY_BYTES:
        raise _refusal(path, f"is refused: more than {MOST_MEMBERS} members, or {MOST_BYTES} B")


def _problems(members: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    if len(members) > MOST_MEMBERS:
        yield f"{len(members)} members, and {MOST_MEMBERS} are the most"
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        yield f"{total} B unpacked, and {MOST_BYTES} are the most"
    seen: set[str] = set()
    for member in members:
        name = member.filename
        # Where capitals make no difference, the second file would take the place of the first.
        if name.casefold() in seen:
            yield f"{name[:100]!r} occurs twice"
        seen.add(name.casefold())
        yield from _member_problems(member)
    folders = {str(parent) for name in seen for parent in PurePosixPath(name).parents}
    yield from (f"{name[:100]!r} is a file and a folder" for name in seen & folders)


def _member_problems(member: zipfile.ZipInfo) -> Iterator[str]:
    shown = f"{member.filename[:100]!r}"
    if not is_safe_name(member.filename) or member.filename != member.orig_filename:
        yield f"{shown} is no name for a member"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        yield f"{shown} is no plain file"
    if member.flag_bits & 0x1:
        yield f"{shown} is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield f"{shown} is packed in a way that bundles are not"
    if member.file_size > RATIO_FROM_BYTES:
        ratio = member.file_size / max(member.compress_size, 1)
        if ratio > LARGEST_RATIO:
            yield f"{shown} grows {ratio:.0f} times when it is unpacked"
