"""Zip files that are no bundles: refused in words, and nothing is written outside."""

import struct
import zipfile

import pytest

from scoring.bundles import archive
from scoring.bundles.archive import Content, open_archive, write_archive
from scoring.errors import ScoringError
from scoring.verification.bundle import verify_bundle
from tests.support.scoring_command import scoring


def zipped(path, *members):
    """Members as (name, text), or as ZipInfo with text."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members:
            made.writestr(name, text)
    return path


def info(name, **facts):
    made = zipfile.ZipInfo(name)
    for fact, value in facts.items():
        setattr(made, fact, value)
    return made


def verify(*arguments):
    return scoring("verify", *arguments)


BAD_NAMES = ("../up", "a/../../up", "/etc/x", "C:\\x", "a\\b", "a//b", "./a", "a/", "-x", "ä", "")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    path = zipped(tmp_path / "b.zip", (info(name or "x"), "text"))
    if not name:
        path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    with pytest.raises(ScoringError, match=r"refused|can be read"):
        verify_bundle(path)
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]
    assert not (tmp_path.parent / "up").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_links_duplicates_encryption_and_bombs_are_refused(tmp_path):
    path = tmp_path / "b.zip"

    def refusal(*members):
        with pytest.raises(ScoringError) as refused:
            verify_bundle(zipped(path, *members))
        return str(refused.value)

    link = info("link", external_attr=0o120777 << 16, create_system=3)
    assert "'link' is no plain file" in refusal((link, "/etc/passwd"))
    assert "'a' occurs twice" in refusal(("a", "1"), ("a", "2"))
    assert "'A' occurs twice" in refusal(("a", "1"), ("A", "2"))
    assert "'a' is a file and a folder" in refusal(("a", "1"), ("a/b", "2"))
    assert "grows" in refusal(("bomb", b"\0" * 2_000_000))
    zipped(path, ("secret", "text"))
    text = path.read_bytes()
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = text.index(mark) + place
        text = text[:at] + struct.pack("<H", 1) + text[at + 2 :]
    path.write_bytes(text)
    with pytest.raises(ScoringError, match="'secret' is encrypted"):
        verify_bundle(path)


def test_sizes_and_numbers_are_bounded_before_anything_is_read(tmp_path, monkeypatch):
    many = zipped(tmp_path / "many.zip", *((f"m{number}", "") for number in range(20)))
    monkeypatch.setattr(archive, "MOST_MEMBERS", 10)
    monkeypatch.setattr(archive.zipfile.ZipFile, "open", None)
    with pytest.raises(ScoringError, match="more than 10 members"), open_archive(many):
        pass
    monkeypatch.setattr(archive, "MOST_BYTES", 10)
    long = zipped(tmp_path / "long.zip")
    with zipfile.ZipFile(long, "w") as made:
        monkeypatch.undo()
        made.writestr("text", "x" * 11)
    monkeypatch.setattr(archive, "MOST_BYTES", 10)
    with pytest.raises(ScoringError, match="11 B unpacked, and 10 are the most"):
        verify_bundle(long)


def test_a_directory_that_lies_about_sizes_is_found(tmp_path):
    path = zipped(tmp_path / "b.zip", ("manifest.json", "x" * 5000))
    text = path.read_bytes()
    place = text.index(b"PK\x01\x02") + 24
    path.write_bytes(text[:place] + struct.pack("<L", 100) + text[place + 4 :])
    with pytest.raises(ScoringError):
        verify_bundle(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is no zip file"),
        (b"PK\x03\x04 and more", "is no zip file"),
        (b"%PDF-1.7" * 100, "is no zip file"),
        (b"PK\x05\x06" + b"\xff" * 18, "is refused"),
    ],
)
def test_what_is_no_zip_file_ends_with_2(tmp_path, text, message):
    path = tmp_path / "b.zip"
    path.write_bytes(text)
    done = verify(path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_other_unreadable_things_end_with_2(tmp_path):
    no_manifest = zipped(tmp_path / "none.zip", ("a", "b"))
    broken = zipped(tmp_path / "broken.zip", ("manifest.json", '{"runs": [NaN]}'))
    deep = zipped(tmp_path / "deep.zip", ("manifest.json", "[" * 100_000))
    cut = tmp_path / "cut.zip"
    cut.write_bytes(no_manifest.read_bytes()[:-30])
    (tmp_path / "folder.zip").mkdir()
    told = {
        no_manifest: "has no manifest.json",
        broken: "manifest.json that is not valid",
        deep: "manifest.json that is not valid",
        cut: "is no zip file",
        tmp_path / "folder.zip": "is no zip file",
        tmp_path / "absent.zip": "is no zip file",
        tmp_path / "label.txt": "is nothing that can be verified",
    }
    for path, message in told.items():
        done = verify(path)
        assert done.returncode == 2, path
        assert message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_the_same_content_gives_the_same_bytes(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc" * 1000)
    made = []
    for name in ("one.zip", "two.zip"):
        with (tmp_path / name).open("wb") as stream:
            write_archive(stream, [Content("b", file), Content("a", b"text")])
        made.append((tmp_path / name).read_bytes())
        file.touch()
    assert made[0] == made[1]
