"""Signatures by OpenSSH: `ssh-keygen` makes them and checks them, nothing is computed here."""

import base64
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scoring.errors import ScoringError

NAMESPACE: Final = "ai-energy-score"
"""What the signature is for; one made for anything else does not count."""
PROGRAM: Final = "ssh-keygen"
PATIENCE_SECONDS: Final = 60
LONGEST_ANSWER: Final = 200
BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
END: Final = b"-----END SSH SIGNATURE-----"
LINE_BYTES: Final = 70
LONGEST_SIGNATURE_BYTES: Final = 16 * 2**10


class NoProgram(Exception):
    """There is no ssh-keygen on this machine."""


class BadSignature(Exception):
    """`str()` of it says why the signature does not count."""


def sign(manifest: bytes, key: Path) -> bytes:
    """The detached signature; asks on the terminal for the passphrase where the key has one.

    Raises:
        ScoringError: there is no ssh-keygen, or it refuses the key.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.json"
        path.write_bytes(manifest)
        try:
            done = _run(["-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)], b"", None)
        except NoProgram:
            raise ScoringError(
                PROGRAM, "is not on this machine", "Install OpenSSH, or leave --sign-key out."
            ) from None
        except BadSignature as error:
            raise ScoringError(
                f"--sign-key {key}", f"cannot sign: {error}", "See that ssh-keygen can be run."
            ) from None
        if done.returncode:
            raise ScoringError(
                f"--sign-key {key}", f"cannot sign: {_words(done)}", "Name a private SSH key."
            )
        return path.with_name("manifest.json.sig").read_bytes()


def is_canonical(signature: bytes) -> bool:
    """Whether it is written as OpenSSH writes signatures, byte for byte.

    The program reads them in other forms as well, with line breaks elsewhere for example.
    """
    lines = signature.split(b"\n")
    try:
        blob = base64.b64decode(b"".join(lines[1:-2]), validate=True)
    except ValueError:
        return False
    text = base64.b64encode(blob)
    body = [text[at : at + LINE_BYTES] for at in range(0, len(text), LINE_BYTES)]
    return lines == [BEGIN, *body, END, b""]


def check_signer(manifest: bytes, signature: Path, allowed_signers: Path) -> None:
    """Whether whoever signed this text is in the file of allowed signers.

    Raises:
        NoProgram: there is no ssh-keygen.
        BadSignature: it is of another text, another purpose, or nobody who is allowed.
    """
    of = ["-s", str(signature)]
    who = ["-f", str(allowed_signers)]
    found = _run(["-Y", "find-principals", *of, *who], b"")
    names = found.stdout.decode("utf-8", "replace").splitlines()
    if found.returncode or not names:
        raise BadSignature(f"it is of nobody in {allowed_signers.name}: {_words(found)}")
    # A line of the file may have several names, which all stand for the same key.
    name = names[0].partition(",")[0]
    done = _run(["-Y", "verify", *of, *who, "-I", name, "-n", NAMESPACE], manifest)
    if done.returncode:
        raise BadSignature(_words(done))


def check_text(manifest: bytes, signature: Path) -> None:
    """Whether the signature is one of this text, whoever made it. Raises as `check_signer`."""
    done = _run(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)], manifest)
    if done.returncode:
        raise BadSignature(_words(done))


def _run(
    arguments: Sequence[str], text: bytes, patience_seconds: float | None = PATIENCE_SECONDS
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            [PROGRAM, *arguments],
            input=text,
            capture_output=True,
            timeout=patience_seconds,
            check=False,
        )
    except FileNotFoundError:
        raise NoProgram from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadSignature(f"{PROGRAM} gives no answer ({type(error).__name__})") from error


def _words(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = (done.stderr or done.stdout).decode("utf-8", "replace")
    return " ".join(said.split())[:LONGEST_ANSWER] or f"exit code {done.returncode}"
