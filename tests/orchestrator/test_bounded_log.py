"""Logs keep their beginning and their end, and say how much of the middle is gone."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.engines.bounded_log import BoundedFile, BoundedLog

NOTICE = re.compile(rb"\n\[\.\.\. (\d+) bytes of output left out \.\.\.\]\n")
LINES = b"".join(b"%07d\n" % number for number in range(1000))
PIECES = [LINES[start : start + 64] for start in range(0, len(LINES), 64)]


def parts(kept: bytes) -> tuple[bytes, int, bytes]:
    notice = NOTICE.search(kept)
    assert notice is not None
    return kept[: notice.start()], int(notice[1]), kept[notice.end() :]


def written_by_us(path: Path) -> Iterator[None]:
    log = BoundedFile(path, head=100, tail=200)
    for piece in PIECES:
        log.write(piece)
        yield
    log.close()


def written_by_another(path: Path) -> Iterator[None]:
    """The file of a process that knows nothing of its bounds; each cut is made by a new runner."""
    with path.open("ab", buffering=0) as stream:
        for piece in PIECES:
            stream.write(piece)
            BoundedLog(path, head=100, tail=200).bound()
            yield


@pytest.mark.parametrize("writer", [written_by_us, written_by_another])
def test_an_endless_log_keeps_its_beginning_and_its_end(
    writer: Callable[[Path], Iterator[None]], tmp_path: Path
) -> None:
    path = tmp_path / "run.log"
    for _ in writer(path):
        assert path.stat().st_size <= 500
    head, left_out, tail = parts(path.read_bytes())
    assert head == LINES[:100]
    assert LINES.endswith(tail) and len(tail) >= 200
    assert len(head) + left_out + len(tail) == len(LINES)


def test_a_process_that_writes_meanwhile_loses_no_line_but_at_the_moment_of_a_cut(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.log"
    program = "import os\nfor n in range(200_000): os.write(1, b'%07d\\n' % n)"
    with path.open("ab") as stream:
        writer = subprocess.Popen([sys.executable, "-c", program], stdout=stream)
    log, cuts, seen = BoundedLog(path, head=1000, tail=20_000), 0, 0
    while writer.poll() is None:
        log.bound()
        length = path.stat().st_size
        cuts, seen = cuts + (length < seen), length
    log.bound()
    head, left_out, tail = parts(path.read_bytes())
    assert cuts > 1
    assert head.startswith(b"0000000\n0000001\n")
    numbers = [int(line) for line in tail.split(b"\n")[1:-1]]
    assert numbers == sorted(numbers) and numbers[-1] == 199_999
    assert len(head) + left_out + len(tail) <= 8 * 200_000


@pytest.mark.parametrize("kind", ["link", "folder", "missing"])
def test_what_is_no_log_is_left_alone(kind: str, tmp_path: Path) -> None:
    path, other = tmp_path / "run.log", tmp_path / "other"
    other.write_bytes(LINES)
    if kind == "link":
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    BoundedLog(path, head=0, tail=1).bound()
    assert other.read_bytes() == LINES
