"""Bundles changed after they were made: with the manifest left as it is, or written anew."""

import hashlib
import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scoring.bundles.archive import Content, write_archive
from scoring.bundles.manifest import DIGEST_FILE, MANIFEST_FILE, OUTSIDE, digest_text
from scoring.errors import ScoringError
from scoring.verification.bundle import verify_bundle


def members_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: Mapping[str, bytes]) -> Path:
    with path.open("wb") as stream:
        write_archive(stream, [Content(name, text) for name, text in members.items()])
    return path


def forged(members: Mapping[str, bytes], /, **manifest: Any) -> dict[str, bytes]:
    """With a manifest that lists the members as they are now; its other fields as told."""
    listed = [
        {"name": name, "size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in members.items()
        if name not in OUTSIDE
    ]
    document = json.loads(members[MANIFEST_FILE]) | {"members": listed} | manifest
    text = json.dumps(document, indent=2).encode()
    return {**members, MANIFEST_FILE: text, DIGEST_FILE: digest_text(text).encode()}


def codes(path: Path) -> set[str]:
    """The reasons for which it fails."""
    return {point.code for point in verify_bundle(path).failed}


def passes(path: Path) -> bool:
    """Whether it is verified; anything but a refusal in words is an error of ours."""
    try:
        return not verify_bundle(path).failed
    except ScoringError:
        return False


def flipped(text: bytes, at: int, bit: int = 0) -> bytes:
    return text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :]


def mutated(members: Mapping[str, bytes], chance: random.Random) -> dict[str, bytes]:
    """One member changed at random, or gone, or one more; the manifest left as it is."""
    name = chance.choice(list(members))
    text = members[name]
    place = chance.randrange(len(text)) if text else 0
    lines = text.split(b"\n")
    line = chance.randrange(len(lines))
    kind = chance.choice(("flip", "cut", "gone", "more", "line", "digit", "word", "swap"))
    changed = dict(members)
    if kind == "gone":
        del changed[name]
    elif kind == "more":
        changed[f"runs/more_{chance.randrange(9)}.txt"] = text
    elif kind == "flip":
        changed[name] = flipped(text, place, chance.randrange(8))
    elif kind == "cut":
        changed[name] = text[:place]
    elif kind == "line":
        changed[name] = b"\n".join((*lines[: line + 1], lines[line], *lines[line + 1 :]))
    elif kind == "digit":
        changed[name] = text.replace(b"1", b"2", 1) if b"1" in text else text + b"2"
    elif kind == "word":
        word = chance.choice((b"NaN", b"null", b"[]", b'"x"', b"1e999", b"\xff", b"{" * 5000))
        changed[name] = text[:place] + word + text[place:]
    else:
        changed[name] = members[chance.choice(list(members))]
    return changed
