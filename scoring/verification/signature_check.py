"""Who signed a bundle, where that is asked for."""

from collections.abc import Iterator
from pathlib import Path

from benchmark_core.documents import ContractError, read_bounded
from scoring.bundles.manifest import MANIFEST_FILE, SIGNATURE_FILE
from scoring.bundles.signature import (
    LONGEST_SIGNATURE_BYTES,
    PROGRAM,
    BadSignature,
    NoProgram,
    check_signer,
    check_text,
    is_canonical,
)
from scoring.failed_point import FailedPoint, Finding, NotChecked


def check_signature(
    is_signed: bool, folder: Path, allowed_signers: Path | None
) -> Iterator[Finding]:
    """`is_signed`: the manifest says so. Raises OSError, ContractError."""
    signature = folder / SIGNATURE_FILE
    if not signature.exists():
        if is_signed:
            what = "the manifest says that there is one"
            yield FailedPoint("signature_missing", what, SIGNATURE_FILE)
        elif allowed_signers:
            yield FailedPoint("signature_missing", "nobody signed it", SIGNATURE_FILE)
        else:
            yield NotChecked("who made the bundle", "no signature", MANIFEST_FILE)
        return
    if not is_signed:
        what = "the manifest says that nobody signed it"
        yield FailedPoint("signature_wrong", what, SIGNATURE_FILE)
        return
    manifest = read_bounded(folder / MANIFEST_FILE)
    if not _is_as_written(signature):
        what = f"it is not as {PROGRAM} writes it"
        yield FailedPoint("signature_wrong", what, SIGNATURE_FILE)
        return
    try:
        if allowed_signers:
            check_signer(manifest, signature, allowed_signers)
        else:
            check_text(manifest, signature)
            because = "no --allowed-signers; the signature is one of this manifest"
            yield NotChecked("who made the bundle", because, SIGNATURE_FILE)
    except BadSignature as error:
        yield FailedPoint("signature_wrong", str(error), SIGNATURE_FILE)
    except NoProgram:
        what, because = "the signature", f"there is no {PROGRAM} on this machine"
        if allowed_signers:
            yield FailedPoint("signature_wrong", f"not checked, because {because}", SIGNATURE_FILE)
        else:
            yield NotChecked(what, because, SIGNATURE_FILE)


def _is_as_written(signature: Path) -> bool:
    try:
        return is_canonical(read_bounded(signature, LONGEST_SIGNATURE_BYTES))
    except ContractError:
        return False
